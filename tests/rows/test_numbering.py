"""Many rows are numbered in their total order, by any number of threads, in memory or on disk (BR-117)."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.adapters.duckdb.engine import DuckDBEngine
from dataset_assets.adapters.duckdb.nodes import read_parquet
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.rows.identity import Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import CTE, assemble

ROWS = 600_000
COLUMNS = (
    ColumnDef(name="seen", type="timestamp", nullable=True),
    ColumnDef(name="k", type="integer", nullable=False),
    ColumnDef(name="word", type="string", nullable=True),
)
SHUFFLED = f"""
COPY (
  SELECT MAKE_TIMESTAMPTZ((n % 9973) * 1000000) AS seen, (n * 7919) % {ROWS} AS k,
    n || ' is a word that needs memory' AS word
  FROM range({ROWS}) AS numbers(n)
) TO '{{path}}' (FORMAT parquet)
"""
WRONG = """
SELECT COUNT(DISTINCT number), MIN(number), MAX(number), COUNT_IF(number <> place)
FROM (
  SELECT CAST('0x' || SUBSTRING(_row_id, 16, 3) AS BIGINT) * 16384
    + CAST('0x' || SUBSTRING(_row_id, 20, 4) AS BIGINT) - 32768 AS number,
    ROW_NUMBER() OVER (ORDER BY seen, k) - 1 AS place
  FROM '{path}'
)
"""


@pytest.mark.parametrize(("threads", "memory"), [(1, "1GB"), (4, "1GB"), (4, "150MB")])
def test_the_numbers_are_the_places_in_the_total_order(tmp_path: Path, threads: int, memory: str) -> None:
    """The oracle numbers the rows by a window with ORDER BY."""
    given, published = tmp_path / "given.parquet", tmp_path / "published.parquet"
    settings = DuckDBSettings(type="duckdb", memory_limit=memory, threads=threads)
    stamp = Stamp(uuid.UUID(int=7), "source", None, "run", datetime(2026, 1, 1, tzinfo=UTC), None)
    source = CTE("source", exp.select("*").from_(read_parquet([given])))
    ctes = row_metadata("source", Identity(COLUMNS, ("k",), "seen"), stamp, None, bucketed=False)
    with duckdb.connect() as oracle:
        oracle.execute(SHUFFLED.format(path=given))
        with DuckDBEngine(settings, (tmp_path,), tmp_path / "spill").connect() as session:
            session.write_parquet(assemble((source, *ctes)), published)
        found = oracle.execute(WRONG.format(path=published)).fetchall()
    assert found == [(ROWS, 0, ROWS - 1, 0)]
