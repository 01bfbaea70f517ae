"""DuckDB computes lookups as of a time by one hash join or one merge, never row by row."""

import duckdb
import pytest

from dataset_assets.contract.scope import Scope
from dataset_assets.sql.dialect import DUCKDB
from tests.golden.test_golden import CATALOG, PHYSICAL, VARIANTS, rendered, variant

JOINS = {
    "as_of_changes": "ASOF_JOIN",
    "as_of_intervals": "ASOF_JOIN",
    "as_of_knowledge_as_known": "HASH_JOIN",
    "as_of_knowledge_latest": "ASOF_JOIN",
}


@pytest.mark.parametrize("query", JOINS)
def test_the_join_is_one_operator(query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET asof_loop_join_threshold = 0")
        for source in Scope(variant(**VARIANTS[query]), CATALOG.find).sources:
            columns = (f"{c.name} {PHYSICAL['duckdb'][c.type][1]}" for c in source.stored_columns)
            connection.execute(f"CREATE TABLE {source.table} ({', '.join(columns)})")
            connection.execute(f"INSERT INTO {source.table} (product_id) SELECT range % 50 FROM range(1000)")
        [(_, plan)] = connection.execute(f"EXPLAIN {rendered(query, DUCKDB)}").fetchall()
    joins = [line.strip("│ ") for line in plan.splitlines() if "JOIN" in line and "join" not in line]
    assert joins == [JOINS[query]], plan
