"""Ten and fifty times the data with 2 GB of DuckDB memory must finish."""

from pathlib import Path

import duckdb

from benchmarks.measure import Report, Series
from benchmarks.workspace import EXPECTED, Workspace, workspace

MEMORY = "2GB"
FACTORS = (10, 50)


def main(repeats: int) -> Report:  # noqa: ARG001 - one run is long enough
    """Job J on copies of the households: the same products, ten and fifty times the selected rows."""
    steps = {}
    with workspace() as space:
        single = Series()
        single.time(lambda: space.job_j(space.target(memory=MEMORY)))
        table = {"1 time the data": single.against(single)}
        original = (space.data / "transactions.parquet").rename(space.root / "original.parquet")
        for factor in FACTORS:
            _multiply(space, original, factor)
            multiple = Series()
            found = multiple.time(lambda: space.job_j(space.target(memory=MEMORY)))
            assert found.counts.rows == EXPECTED["rows"] * factor, found.counts
            table[f"{factor} times the data"] = multiple.against(single)
            steps[f"steps_s, {factor} times"] = dict(found.seconds)
    return {"table": table, "memory_limit": MEMORY, **steps}


def _multiply(space: Workspace, path: Path, factor: int) -> None:
    """Copies that share products and prices, so that the ranking of products stays what it was."""
    multiplied = space.data / "transactions.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{space.root / 'spill'}'")
        connection.execute(
            f"""COPY (
              SELECT household_id + copy * 100_000 AS household_id, store_id,
                basket_id + copy * 1_000_000_000_000 AS basket_id,
                * EXCLUDE (household_id, store_id, basket_id, copy)
              FROM '{path}', range({factor}) AS copies(copy)
            ) TO '{multiplied}' (FORMAT parquet, COMPRESSION zstd)"""
        )
