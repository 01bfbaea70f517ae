"""A folder of many datasets over tables by month, and a warehouse in which all of them are published."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Report

DATASETS = 1_000
TABLES = 100
PERIODS = 24
NOW = datetime(2026, 1, 10, tzinfo=UTC)
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]

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


def write(root: Path, datasets: int, months: Sequence[str] = MONTHS) -> None:
    """The folder of definitions, beside the target."""
    (root / "datasets").mkdir()
    (root / "users.yaml").write_text("users:\n  team-data: {team: data}\n", encoding="utf-8")
    located = ", ".join(
        f'orders_{number}: {{location: "orders_{number}/{{period}}.parquet", period: month}}'
        for number in range(TABLES)
    )
    (root / "target.yaml").write_text(TARGET.format(tables=located), encoding="utf-8")
    for table in ("products", "stores"):
        store(root, table)
    for number in range(TABLES):
        for month in months:
            store(root, f"orders_{number}", month)
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


def store(root: Path, table: str, month: str = "", rows: int = 1) -> None:
    """Write a month of a table, or a table in one piece."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    path = root / table / f"{month}.parquet" if month else root / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    at = datetime.fromisoformat(f"{month or MONTHS[0]}-15T00:00:00+00:00")
    columns = {"k": [1] * rows, "u": [1] * rows, "at": pa.array([at] * rows, pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(columns), path)


def graph_of(root: Path) -> Any:
    """Return the asset graph of the folder, as a code location loads it."""
    from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415
    from dataset_assets.assets.asset_graph import Graph  # noqa: PLC0415
    from dataset_assets.assets.target_resource import TargetBinding  # noqa: PLC0415
    from dataset_assets.catalog.load_catalog import load_catalog  # noqa: PLC0415

    catalog = load_catalog(root)
    return Graph(catalog, TargetBinding(load_target(str(root / "target.yaml"), catalog.calendars)), NOW)


def publish_records(root: Path, graph: Any) -> None:
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
