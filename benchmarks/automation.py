"""What a look at 1,000 datasets costs: three inputs and 24 published Periods each, every second one nested."""

import json
import resource
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Report, of_this_project

DATASETS = 1_000
TABLES = 100
PERIODS = 24
NOW = datetime(2026, 1, 10, tzinfo=UTC)
MONTHS = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]

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
    """Ticks in a process of its own: the first, those when nothing changed, and one after a restated month."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        write(Path(folder))
        return of_this_project("benchmarks.automation", folder, str(repeats))


def inside(root: Path, repeats: int) -> Report:
    """Runs in that process. Cursors go through their text, as the daemon keeps them."""
    import dagster as dg  # noqa: PLC0415 - what is measured

    from dataset_assets.assets.automation import sensor  # noqa: PLC0415

    definitions = _definitions(root)
    cursor: Any = None
    seconds: dict[str, list[float]] = {}
    counts: dict[str, int] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        _publish(definitions, instance)
        base = _memory()
        for number, name in enumerate(["first look", *["nothing changed"] * repeats, "a month restated"]):
            if name == "a month restated":
                _report(instance, ["shop", "orders_7"], "2024-06", "v2")
            begun = time.perf_counter()
            found = dg.evaluate_automation_conditions(
                definitions, instance, sensor().asset_selection, NOW + timedelta(seconds=30 * number), cursor
            )
            cursor = found.cursor
            seconds.setdefault(name, []).append(time.perf_counter() - begun)
            counts[name] = found.total_requested
    table = {
        name: {"wall_s": round(statistics.median(each), 2), "requested": counts[name]}
        for name, each in seconds.items()
    }
    text = dg.serialize_value(cursor)
    return {"table": table, "memory_mb": {"before": base, "at most": _memory()}, "cursor_kb": len(text) // 1024}


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
        (root / f"{table}.parquet").touch()
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


def _definitions(root: Path) -> Any:
    import dagster as dg  # noqa: PLC0415

    from dataset_assets.assets.factory import assets  # noqa: PLC0415
    from dataset_assets.assets.plan import Graph  # noqa: PLC0415
    from dataset_assets.assets.resource import RESOURCE, Placement  # noqa: PLC0415
    from dataset_assets.contract.catalog import load_catalog  # noqa: PLC0415
    from resources.target import load_target  # noqa: PLC0415

    catalog = load_catalog(root)
    target = load_target(str(root / "target.yaml"), catalog.calendars)
    graph = Graph(catalog, Placement(target), NOW)
    return dg.Definitions(assets=list(assets(graph)), resources={RESOURCE: None})


def _publish(definitions: Any, instance: Any) -> None:
    for table in range(TABLES):
        for month in ["2023-11", "2023-12", *MONTHS]:
            _report(instance, ["shop", f"orders_{table}"], month, "v1")
    for table in ("products", "stores"):
        _report(instance, ["shop", table], None, "v1")
    for number in range(DATASETS):
        for month in MONTHS:
            _report(instance, ["datasets", f"dataset_{number:04}"], month, "v1")


def _report(instance: Any, key: list[str], partition: str | None, version: str) -> None:
    import dagster as dg  # noqa: PLC0415

    tags = {"dagster/data_version": version}
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition, tags=tags))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps(inside(Path(sys.argv[1]), int(sys.argv[2]))))
