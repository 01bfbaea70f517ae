"""`compare` of publications of 1.5 million rows of which 1 % changed, beside a bare full join of their files.

`DATASET_ASSETS_COMPARED=150000` sets another size.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.measure import Report, rounds
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.lifecycle.compare_rows import RowComparison, SideRequest, compare_rows
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import materialize
from dataset_assets.publishing.prepared_run import Request

ROWS = int(os.environ.get("DATASET_ASSETS_COMPARED", "1500000"))
TARGET = """\
target:
  engine: {type: duckdb, threads: 2}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: shop
  resolvers: {shop: {type: parquet, root: ./data}}
"""
DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-000000000001
  name: Sales
  owner: team-data
  natural_key_columns: [basket, item]
  main_table:
    name: sales
    columns:
      - {name: basket, type: integer, nullable: false}
      - {name: item, type: integer, nullable: false}
      - {name: buyer, type: integer}
      - {name: brand, type: string}
      - {name: price, type: decimal}
      - {name: at, type: timestamp}
"""
SOURCE = """
COPY (
  SELECT range // 10 AS basket, range % 10 AS item, CAST(hash(range) % 5000 AS BIGINT) AS buyer,
    'brand ' || hash(range + 1) % 900 AS brand,
    CAST(hash(range + 2) % 5000 AS DECIMAL(38, 9)) / 100 + {more} AS price,
    TIMESTAMPTZ '2024-01-01' + INTERVAL 1 SECOND * CAST(range % 30000000 AS INTEGER) AS at
  FROM range({first}, {last})
) TO '{path}' (FORMAT parquet)
"""
"""A hundredth of the rows differs: of a thousand, eight cost more, one is gone and one is new."""
JOINED = "bare full join of the two files"
OF_THE_SAME = "USING (basket, item)"
CHANGED = " OR ".join(f"b.{name} IS DISTINCT FROM a.{name}" for name in ("buyer", "brand", "price", "at"))


def main(repeats: int) -> Report:
    """The joins read the two published files as our comparison does, and count only."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder, duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        root = Path(folder)
        catalog, target = _published(root, connection)
        before, after = sorted((root / "warehouse" / "sales").rglob("*.parquet"), key=_written)[-2:]
        joined = f"FROM read_parquet('{before}') AS b FULL JOIN read_parquet('{after}') AS a {OF_THE_SAME}"
        now = SideRequest(catalog.published("sales"), target)
        _check(compare_rows(catalog, now, now))
        series = rounds(
            {
                JOINED: lambda: connection.execute(f"SELECT COUNT(*) {joined}").fetchall(),
                "full join that counts changed rows": lambda: connection.execute(
                    f"SELECT COUNT(*) FILTER ({CHANGED}) {joined}"
                ).fetchall(),
                "compare": lambda: compare_rows(catalog, now, now),
            },
            repeats,
        )
    base = next(iter(series.values()))
    return {"table": {name: taken.against(base) for name, taken in series.items()}, "rows": ROWS}


def _published(root: Path, connection: duckdb.DuckDBPyConnection) -> tuple[Catalog, Target]:
    """Publish the table, change a hundredth of it, and publish it again."""
    (root / "datasets").mkdir()
    (root / "data").mkdir()
    (root / "users.yaml").write_text("users:\n  team-data: {team: data}\n", encoding="utf-8")
    (root / "target.yaml").write_text(TARGET, encoding="utf-8")
    (root / "datasets" / "sales.yaml").write_text(DATASET, encoding="utf-8")
    catalog = load_catalog(root)
    target = load_target(str(root / "target.yaml"), catalog.calendars)
    share = ROWS // 1000
    for first, last, more in ((0, ROWS, "0"), (share, ROWS + share, "IF(range % 125 = 0, 0.01, 0)")):
        path = root / "data" / "sales.parquet"
        connection.execute(SOURCE.format(first=first, last=last, more=more, path=path))
        request = Request(catalog.entry("sales"), f"run-{first}", datetime.now(UTC))
        materialize(catalog, target, request, lambda _: None)
    return catalog, target


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def _check(found: RowComparison) -> None:
    """Stop if the comparison has other counts than the table was changed by."""
    share = ROWS // 1000
    counts = [each.rows for each in (found.same, found.added, found.removed, found.changed)]
    changed = len(range(0, ROWS, 125)) - len(range(0, share, 125))
    assert counts == [ROWS - share - changed, share, share, changed], counts
