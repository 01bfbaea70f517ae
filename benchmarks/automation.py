"""What looking at 1,000 datasets costs the daemon: of 24 Periods each, every second one nesting another."""

import json
import resource
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
    "sources": "sources are asked",
    "eager": "Dagster's own eager()",
    "refresh": "datasets are looked at",
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
        write(Path(folder))
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

    with dg.DagsterInstance.ephemeral() as instance:
        ticks = (Polled if kind == "sources" else Looked)(root, instance, eager=kind == "eager")
        before = _memory()
        ticks.tick("the first")
        while ticks.tick("until all is told"):
            pass
        for _ in range(repeats):
            ticks.tick("nothing changed")
        ticks.change()
        ticks.tick("one month changed")
        return {"ticks": ticks.report(), "memory_mb": {"before": before, "at most": _memory()}}


@dataclass
class Ticks:
    """One after the other, by what is new in them."""

    root: Path
    instance: Any
    eager: bool
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


class Looked(Ticks):
    """The sensor `refresh`; or Dagster's own `AutomationCondition.eager()` on every dataset."""

    def open(self) -> None:
        """Everything was published before the first tick."""
        import dagster as dg  # noqa: PLC0415

        from dataset_assets.assets.asset_definitions import assets  # noqa: PLC0415
        from dataset_assets.assets.target_resource import RESOURCE  # noqa: PLC0415

        found = dg.Definitions(assets=list(assets(_graph(self.root))), resources={RESOURCE: None})
        self.definitions = found.map_asset_specs(func=_eagerly) if self.eager else found
        _publish(self.instance)

    def once(self) -> int:
        """The cursor is written and read as the daemon does it."""
        import dagster as dg  # noqa: PLC0415
        from dagster._daemon import asset_daemon  # noqa: PLC0415

        from dataset_assets.assets.automation import sensor  # noqa: PLC0415

        now = NOW + timedelta(seconds=30 * self.number)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, sensor().asset_selection, now, self.cursor
        )
        self.cursor = found.cursor
        asset_daemon.asset_daemon_cursor_to_instigator_serialized_cursor(found.cursor)
        return found.total_requested

    def change(self) -> None:
        """As the other sensor reports it."""
        _report(self.instance, ["shop", "orders_7"], "2024-06", "v2")


def write(root: Path) -> None:
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
    for number in range(DATASETS):
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
    pq.write_table(pa.table({"k": [1] * rows}), path)


def _graph(root: Path) -> Any:
    from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415
    from dataset_assets.assets.asset_graph import Graph  # noqa: PLC0415
    from dataset_assets.assets.target_resource import TargetBinding  # noqa: PLC0415
    from dataset_assets.catalog.load_catalog import load_catalog  # noqa: PLC0415

    catalog = load_catalog(root)
    return Graph(catalog, TargetBinding(load_target(str(root / "target.yaml"), catalog.calendars)), NOW)


def _eagerly(spec: Any) -> Any:
    import dagster as dg  # noqa: PLC0415

    if not spec.automation_condition:
        return spec
    return spec.replace_attributes(automation_condition=dg.AutomationCondition.eager())


def _publish(instance: Any) -> None:
    for table in range(TABLES):
        for month in MONTHS:
            _report(instance, ["shop", f"orders_{table}"], month, "v1")
    for table in ("products", "stores"):
        _report(instance, ["shop", table], None, "v1")
    for number in range(DATASETS):
        for month in MONTHS[-PERIODS:]:
            _report(instance, ["datasets", f"dataset_{number:04}"], month, "v1")


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
