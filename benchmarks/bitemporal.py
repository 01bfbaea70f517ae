"""Loads of a bitemporal table of 1.5 million rows: the first one, and others of which 1 % changed or nothing.

`DATASET_ASSETS_LOADED=150000` sets another size.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import duckdb
from sqlglot import exp

from benchmarks.measure import Report, rounds
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.rows.bitemporal import PeriodLoad
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.sql.build import assemble, column, table
from dataset_assets.sql.dialect import DUCKDB

ROWS = int(os.environ.get("DATASET_ASSETS_LOADED", "1500000"))
KEY = ("product_id", "store")
COLUMNS = (
    ColumnDef(name="product_id", type="integer", nullable=False),
    ColumnDef(name="store", type="string"),
    ColumnDef(name="price", type="decimal"),
    ColumnDef(name="brand", type="string"),
    ColumnDef(name="stock", type="integer"),
)
SOURCE = """
CREATE TABLE {name} AS
SELECT range // 10 AS product_id, 'store ' || range % 10 AS store,
  CAST(IF({changed} AND range % 100 = 7, 99.5, (range % 977) / 10) AS DECIMAL(38, 9)) AS price,
  'brand ' || range % 3001 AS brand, range % 17 AS stock,
  TIMESTAMPTZ '2026-01-01' + INTERVAL 1 HOUR * CAST(range % 300 AS INTEGER) AS begun,
  CAST(NULL AS TIMESTAMPTZ) AS ended
FROM range({rows})
"""
_BOTH = ("2026-01", "2026-03")
FIRST, CHANGED = "first load", "load of which 1 % changed"


def main(repeats: int) -> Report:
    """Tables are in memory: only the SQL is measured."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        for name, changed in (("before", "FALSE"), ("after", "TRUE")):
            connection.execute(SOURCE.format(name=name, changed=changed, rows=ROWS))

        def load(
            name: str, source: str, period: str, earlier: str | None, *loaded: str
        ) -> Callable[[], object]:
            create = exp.Create(
                this=table(name),
                kind="TABLE",
                replace=True,
                expression=_query(source, period, earlier, loaded),
            )
            return lambda: connection.execute(DUCKDB.render(create)).fetchall()

        works = {
            FIRST: load("first", "before", "2026-01", None),
            CHANGED: load("second", "after", "2026-03", "first", "2026-01"),
            "the same load again": load("again", "after", "2026-03", "second", *_BOTH),
            "late load of which 1 % changed": load(
                "late", "before", "2026-02", "second", "2026-01", "2026-03"
            ),
        }
        series = rounds(works, repeats)
    base = series[FIRST]
    return {"table": {name: taken.against(base) for name, taken in series.items()}, "rows": ROWS}


def _query(source: str, period: str, earlier: str | None, loaded: tuple[str, ...]) -> exp.Query:
    snapshot = Snapshot(table(source), COLUMNS, KEY, column("begun"), column("ended"))
    *others, last = snapshot.segments()
    stamp = Stamp(UUID(int=1), source, None, period, datetime(2026, 6, 1, tzinfo=UTC), period)
    before = table(earlier) if earlier else None
    load = PeriodLoad(COLUMNS, KEY, table(last.name), before, period, loaded, stamp)
    return assemble((*others, last, *load.rows(bucketed=False)))
