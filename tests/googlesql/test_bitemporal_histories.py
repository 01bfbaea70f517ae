"""Random histories of loads, evaluated by GoogleSQL itself.

`DATASET_ASSETS_PROVE=1` tries twenty of them; else one.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, LABELS_TYPE
from dataset_assets.sql.build import table
from dataset_assets.sql.dialect import BIGQUERY
from tests.engines.engine_fixtures import Bench
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.session import GOOGLESQL, LABELS, InDuckDB
from tests.rows.bitemporal_table import COLUMNS, BitemporalTable
from tests.rows.test_bitemporal_histories import play

KINDS = {ColumnType.INTEGER: "INT64", ColumnType.STRING: "STRING", ColumnType.TIMESTAMP: "TIMESTAMP"}
PRICES = {each.name: KINDS[each.type] for each in COLUMNS} | {
    each.name: GOOGLESQL[LABELS if each.sql_type == LABELS_TYPE else each.sql_type]
    for each in BITEMPORAL_COLUMNS
}


@dataclass(frozen=True)
class GoogleSQLBench(Bench):
    """Tables in memory that GoogleSQL's evaluator reads; the session is not used."""

    shapes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    contents: dict[str, Sequence[tuple[Any, ...]]] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    def hold(self, columns: Mapping[str, ColumnType], rows: Iterable[Sequence[Any]]) -> exp.Expr:
        name = f"held_{next(self.numbers)}"
        self.shapes[name] = {column: KINDS[kind] for column, kind in columns.items()}
        self.contents[name] = [tuple(row) for row in rows]
        return table(name)

    def keep(self, name: str, query: exp.Query) -> None:
        rows = self.rows(query)
        self.shapes[name] = PRICES
        self.contents[name] = [tuple(row[each] for each in PRICES) for row in rows]

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        used = {each.name for each in query.find_all(exp.Table)} & set(self.shapes)
        analyzer = Analyzer({name: self.shapes[name] for name in used})
        return analyzer.evaluate(BIGQUERY.render(query), {name: self.contents[name] for name in used})


@pytest.mark.parametrize("seed", range(20 if os.environ.get("DATASET_ASSETS_PROVE") else 1))
def test_a_random_history_gives_the_table_of_its_snapshots(seed: int) -> None:
    bench = GoogleSQLBench(InDuckDB({}, {}), lambda _: None, table, share=1)
    assert play(BitemporalTable(bench, bucketed=bool(seed % 2)), seed, histories=1) == 1
