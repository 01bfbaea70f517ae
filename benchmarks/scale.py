"""Ten times the data with 2 GB of DuckDB memory must finish; `python -m benchmarks.scale 50` for fifty."""

import json
import sys

import duckdb

from benchmarks.measure import Report, Series
from benchmarks.workspace import EXPECTED, Workspace, workspace

MEMORY = "2GB"
FACTOR = 10


def main(repeats: int, factor: int = FACTOR) -> Report:  # noqa: ARG001 - one run is long enough
    """Job J on copies of the households: the same products, `factor` times the rows that are selected."""
    with workspace() as space:
        single, multiple = Series(), Series()
        single.time(lambda: space.job_j(space.target(memory=MEMORY)))
        _multiply(space, factor)
        found = multiple.time(lambda: space.job_j(space.target(memory=MEMORY)))
    assert found.counts.rows == EXPECTED["rows"] * factor, found.counts
    table = {"1 time the data": single.against(single), f"{factor} times the data": multiple.against(single)}
    return {"table": table, "rows": found.counts.rows, "memory_limit": MEMORY, "steps_s": dict(found.seconds)}


def _multiply(space: Workspace, factor: int) -> None:
    """Copies that share products and prices, so that the ranking of products stays what it was."""
    path, multiplied = space.data / "transactions.parquet", space.data / "multiplied.parquet"
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
    multiplied.replace(path)


if __name__ == "__main__":
    print(json.dumps(main(1, int(sys.argv[1])), indent=2, ensure_ascii=False))
