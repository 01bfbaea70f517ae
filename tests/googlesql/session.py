"""A session whose engine is GoogleSQL's evaluator, on tables in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports import PhysicalColumn, Session
from dataset_assets.sql.dialect import BIGQUERY
from tests.googlesql.googlesql import Analyzer, Columns, Row


class Evaluated(Session):
    """Every query is rendered for BigQuery, resolved, and evaluated on `contents`; all else it cannot do."""

    def __init__(self, tables: Mapping[str, Columns], contents: Mapping[str, Sequence[Row]]) -> None:
        self._analyzer = Analyzer(tables)
        self._contents = contents

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        return self._analyzer.evaluate(BIGQUERY.render(query), self._contents)

    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        raise NotImplementedError(source)

    def arrow(self, query: exp.Query) -> Any:
        raise NotImplementedError(query)

    def batches(self, query: exp.Query) -> Any:
        raise NotImplementedError(query)

    def receive(self, name: str, columns: Sequence[ColumnDef], batches: Any) -> exp.Expr:
        raise NotImplementedError(name, columns, batches)
