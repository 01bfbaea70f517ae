"""What ticks of the sensors cost over 1,000 datasets of 24 Periods; every second one nests another."""

import json
import os
import resource
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Report, Series, of_this_project

DATASETS = 1_000
TABLES = 100
PERIODS = 24
NOW = datetime(2026, 1, 10, tzinfo=UTC)
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]

KINDS = {
    "sources": "the sensor `sources`",
    "eager": "Dagster's own eager()",
    "refresh": "the sensor `refresh`",
}
"""The two sensors, and what the second is compared with."""

TARGET = """\
target:
  engine: {{type: duckdb}}
  warehouse: {{type: delta, root: ./warehouse}}
  default_resolver: shop
  resolvers: {{shop: {{type: parquet, root: ., tables: {{{tables}}}}}}}
"""
DATASET = """\
dataset:
  id: {id}
  name: Dataset {number}
  owner: team-data
  main_table:
    name: orders_{table}
    columns: [{{name: k, type: integer}}, {{name: u, type: integer}}, {{name: at, type: timestamp}}]
  lookups:
    - alias: products
      target: {{type: table, name: products, columns: [{{name: k, type: integer}}]}}
      join_conditions: [{{source_column: k, target_column: k}}]
    - alias: other
      target: {other}
      join_conditions: [{{source_column: k, target_column: {key}}}]
  column_mapping: {{user_id: u, product_id: k, timestamp: at}}
  filters: {{date_range: {{type: rolling, months: 3}}}}
  partitions: {{period: month, start: 2024-01}}
  refresh: {{on: upstream}}
"""


def main(repeats: int) -> Report:
    """Each sensor in a process of its own, so that its peak memory is its own."""
    table: dict[str, Report] = {}
    notes: Report = {}
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        write(Path(folder), DATASETS)
        of_this_project("benchmarks.automation", folder, "publish", "0")
        found = {kind: of_this_project("benchmarks.automation", folder, kind, str(repeats)) for kind in KINDS}
    for kind, report in found.items():
        base = found["eager"]["ticks"] if kind == "refresh" else {}
        for name, tick in report["ticks"].items():
            ratio = {"cpu_ratio": round(tick["cpu_s"] / base[name]["cpu_s"], 2)} if name in base else {}
            table[f"{KINDS[kind]}: {name}"] = {**tick, **ratio}
        notes[KINDS[kind]] = report["memory_mb"]
    return {"table": table, **notes}


def inside(root: Path, kind: str, repeats: int) -> Report:
    """Runs in that process: ticks as the daemon makes them, with the cursor as it keeps it."""
    import dagster as dg  # noqa: PLC0415 - what is measured

    if kind == "publish":  # in a process of its own, whose memory is not that of the sensor
        _publish_records(root, _graph(root))
        return {}
    classes = {"sources": Polled, "eager": Eager, "refresh": Refreshed}
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = classes[kind](root, instance)
        before = _memory()
        ticks.tick("the first")
        first = _memory()
        while kind == "sources" and ticks.tick("until all is told"):
            pass
        for _ in range(repeats):
            ticks.tick("nothing changed")
        ticks.change()
        ticks.tick("one month changed")
        if kind == "refresh":
            ticks.change_all()
            ticks.tick("all changed")
        memory = {"before": before, "after the first": first, "at most": _memory()}
        return {"ticks": ticks.report(), "memory_mb": memory}


@dataclass
class Ticks:
    """One after the other, by what is new in them."""

    root: Path
    instance: Any
    series: dict[str, Series] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    cursor: Any = None
    number: int = 0

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """What is not measured."""
        raise NotImplementedError

    def tick(self, name: str) -> int:
        """How much it told, which is kept beside how long it took."""
        self.told[name] = self.series.setdefault(name, Series()).time(self.once)
        self.number += 1
        return self.told[name]

    def once(self) -> int:
        """Events that are reported, or publications that are requested."""
        raise NotImplementedError

    def change(self) -> None:
        """One month of one table."""
        raise NotImplementedError

    def change_all(self) -> None:
        """Every month of every table."""
        raise NotImplementedError

    def report(self) -> Report:
        """Medians."""
        return {
            name: {**_medians(each), "events or requests": self.told[name]}
            for name, each in self.series.items()
        }


class Polled(Ticks):
    """The sensor `sources`, over files that are there."""

    def open(self) -> None:
        """Nothing of the target is read yet."""
        from dataset_assets.assets.source_sensor import sources  # noqa: PLC0415

        self.sensor = sources(_graph(self.root))

    def once(self) -> int:
        """Without the daemon's writing of the events, which is Dagster's."""
        import dagster as dg  # noqa: PLC0415

        found = self.sensor.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        self.events, self.cursor = found.asset_events, found.cursor
        return len(self.events)

    def tick(self, name: str) -> int:
        """What it told is written before the next one."""
        told = super().tick(name)
        for event in self.events:
            self.instance.report_runless_asset_event(event)
        return told

    def change(self) -> None:
        """As ETL does."""
        _store(self.root, "orders_7", "2024-06", rows=2)


class Refreshed(Ticks):
    """The sensor `refresh`: everything was published before the first tick, and is up to date."""

    def open(self) -> None:
        """Records and reports are there."""
        from dataset_assets.assets.refresh_sensor import Refresher  # noqa: PLC0415

        graph = _graph(self.root)
        _report_sources(self.instance)
        self.refresher = Refresher(graph, lambda: NOW + timedelta(seconds=30 * self.number))

    def once(self) -> int:
        """Runs that are requested."""
        import dagster as dg  # noqa: PLC0415

        found = self.refresher.tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        self.cursor = found.cursor
        return len(found.run_requests or ())

    def change(self) -> None:
        """As ETL does it, and the other sensor reports it."""
        _store(self.root, "orders_7", "2024-06", rows=2)
        _report(self.instance, ["shop", "orders_7"], "2024-06", "v2")

    def change_all(self) -> None:
        """Every file has another time."""
        for table in range(TABLES):
            for month in MONTHS:
                os.utime(self.root / f"orders_{table}" / f"{month}.parquet")
                _report(self.instance, ["shop", f"orders_{table}"], month, "v3")


class Eager(Ticks):
    """Dagster's own `AutomationCondition.eager()` on every dataset."""

    def open(self) -> None:
        """Everything was published before the first tick."""
        import dagster as dg  # noqa: PLC0415

        from dataset_assets.assets.asset_definitions import assets  # noqa: PLC0415
        from dataset_assets.assets.asset_keys import DATASETS as PREFIX  # noqa: PLC0415
        from dataset_assets.assets.target_resource import RESOURCE  # noqa: PLC0415

        found = dg.Definitions(assets=list(assets(_graph(self.root))), resources={RESOURCE: None})
        self.definitions = found.map_asset_specs(func=_eagerly)
        self.selection = dg.AssetSelection.key_prefixes([PREFIX])
        _report_sources(self.instance)
        for number in range(DATASETS):
            for month in MONTHS[-PERIODS:]:
                _report(self.instance, [PREFIX, f"dataset_{number:04}"], month, "v1")

    def once(self) -> int:
        """The cursor is written and read as the daemon does it."""
        import dagster as dg  # noqa: PLC0415
        from dagster._daemon import asset_daemon  # noqa: PLC0415

        now = NOW + timedelta(seconds=30 * self.number)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, self.selection, now, self.cursor
        )
        self.cursor = found.cursor
        asset_daemon.asset_daemon_cursor_to_instigator_serialized_cursor(found.cursor)
        return found.total_requested

    def change(self) -> None:
        """As the other sensor reports it."""
        _report(self.instance, ["shop", "orders_7"], "2024-06", "v2")


def write(root: Path, datasets: int) -> None:
    """The folder of definitions, beside the target."""
    (root / "datasets").mkdir()
    (root / "users.yaml").write_text("users:\n  team-data: {team: data}\n", encoding="utf-8")
    located = ", ".join(
        f'orders_{number}: {{location: "orders_{number}/{{period}}.parquet", period: month}}'
        for number in range(TABLES)
    )
    (root / "target.yaml").write_text(TARGET.format(tables=located), encoding="utf-8")
    for table in ("products", "stores"):
        _store(root, table)
    for number in range(TABLES):
        for month in MONTHS:
            _store(root, f"orders_{number}", month)
    for number in range(datasets):
        nested = number % 2 == 1
        text = DATASET.format(
            id=_id(number),
            number=number,
            table=number % TABLES,
            other=f"{{type: dataset, id: {_id(number - 1)}}}"
            if nested
            else "{type: table, name: stores, columns: [{name: k, type: integer}]}",
            key="product_id" if nested else "k",
        )
        (root / "datasets" / f"dataset_{number:04}.yaml").write_text(text, encoding="utf-8")


def _id(number: int) -> str:
    return f"01a2001c-5bae-7b91-b4bb-{number:012x}"


def _store(root: Path, table: str, month: str = "", rows: int = 1) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    path = root / table / f"{month}.parquet" if month else root / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    at = datetime.fromisoformat(f"{month or MONTHS[0]}-15T00:00:00+00:00")
    columns = {"k": [1] * rows, "u": [1] * rows, "at": pa.array([at] * rows, pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(columns), path)


def _graph(root: Path) -> Any:
    from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415
    from dataset_assets.assets.asset_graph import Graph  # noqa: PLC0415
    from dataset_assets.assets.target_resource import TargetBinding  # noqa: PLC0415
    from dataset_assets.catalog.load_catalog import load_catalog  # noqa: PLC0415

    catalog = load_catalog(root)
    return Graph(catalog, TargetBinding(load_target(str(root / "target.yaml"), catalog.calendars)), NOW)


def _publish_records(root: Path, graph: Any) -> None:
    """Publishes one Period, and writes the others beside it as its records and its Delta log say it."""
    from dataset_assets.ports.engine import JobContext  # noqa: PLC0415
    from dataset_assets.publishing.materialize import materialize  # noqa: PLC0415
    from dataset_assets.publishing.prepared_run import Request  # noqa: PLC0415
    from dataset_assets.staleness.source_states import SourceStates  # noqa: PLC0415

    catalog, target = graph.catalog, graph.binding.target
    cadence = catalog.calendars.cadence("month")
    periods = [cadence.parse(month) for month in MONTHS[-PERIODS:]]
    materialize(
        catalog, target, Request(catalog.entry("dataset_0000"), "run", NOW, periods[0]), lambda _: None
    )
    folder = root / "warehouse" / "dataset_0000"
    [record_path] = folder.glob("_records/*/*.json")
    record = json.loads(record_path.read_text("utf-8"))
    log = (folder / "_delta_log" / f"{0:020}.json").read_text("utf-8").splitlines()
    shutil.rmtree(folder)
    with target.engine.connect(JobContext("bench")) as session:
        states = SourceStates(catalog, target, NOW, session)
        for stem in catalog.build_order:
            _write_dataset(root / "warehouse" / stem, catalog.entry(stem), periods, states, record, log)


def _write_dataset(
    folder: Path, entry: Any, periods: list[Any], states: Any, record: Report, log: list[str]
) -> None:
    from dataset_assets.staleness.publication_status import PublicationStatus  # noqa: PLC0415

    others = [line for line in log if not line.startswith('{"add"')]
    [add] = [json.loads(line) for line in log if line.startswith('{"add"')]
    for period in periods:
        status = PublicationStatus(states, entry, period)
        dataset = status.inputs.dataset
        own = {
            "dataset": entry.stem,
            "dataset_id": str(dataset.id),
            "sha256": entry.lock.version_of(dataset).sha256,
            "period": period.id,
            "period_start": period.start.isoformat(),
            "as_of": period.end.isoformat(),
            "window": status.lookback.window,
            "sources": {
                key: status.source_states[each.name].version
                for key, each in status.inputs.sources_by_key.items()
            },
            "periods": {},
        }
        path = f"_period={period.id}/00000001-run.parquet"
        values = {**add["add"], "path": path, "partitionValues": {"_period": period.id}}
        others.append(json.dumps({"add": values}))
        written = folder / "_records" / path.replace(".parquet", ".json")
        written.parent.mkdir(parents=True)
        written.write_text(json.dumps({**record, **own}), "utf-8")
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(others) + "\n", "utf-8")


def _eagerly(spec: Any) -> Any:
    import dagster as dg  # noqa: PLC0415

    if spec.key.path[0] != "datasets":
        return spec
    return spec.replace_attributes(automation_condition=dg.AutomationCondition.eager())


def _report_sources(instance: Any) -> None:
    for table in range(TABLES):
        for month in MONTHS:
            _report(instance, ["shop", f"orders_{table}"], month, "v1")
    for table in ("products", "stores"):
        _report(instance, ["shop", table], None, "v1")


def _report(instance: Any, key: list[str], partition: str | None, version: str) -> None:
    import dagster as dg  # noqa: PLC0415

    tags = {"dagster/data_version": version}
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition, tags=tags))


def _medians(series: Series) -> Mapping[str, float]:
    return {name: value for name, value in series.against(series).items() if name in ("wall_s", "cpu_s")}


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps(inside(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
