"""The dialects that queries are rendered for. What differs is a table of nodes, never an `if`."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.dialects.dialect import rename_func
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel
from sqlglot.errors import UnsupportedError as SqlglotUnsupportedError

from dataset_assets.errors import Fault, UnsupportedError


class DuckDBText(DuckDB):
    """DuckDB, where a C format string is `printf`."""

    class Generator(DuckDB.Generator):
        TRANSFORMS = {**DuckDB.Generator.TRANSFORMS, exp.Format: rename_func("printf")}


class BigQueryText(BigQuery):
    """GoogleSQL as sqlglot writes it."""


@dataclass(frozen=True)
class Dialect:
    """How an engine writes SQL.

    `functions` are those that sqlglot has no node for and that are meant. `sorts_in_one_place`: a window
    without PARTITION BY goes through one worker, so that row numbers must be made bucket by bucket.
    """

    name: str
    text: type[SqlglotDialect]
    functions: frozenset[str] = frozenset()
    sorts_in_one_place: bool = False

    def render(self, query: exp.Expr, pretty: bool = True) -> str:
        """The text of a query. Raises UnsupportedError for what the dialect cannot say."""
        for call in query.find_all(exp.Anonymous):
            if call.name.lower() not in self.functions:
                raise UnsupportedError(Fault(f"{self.name} has no function {call.name!r} that we use"))
        try:
            return query.sql(
                dialect=self.text,
                pretty=pretty,
                normalize_functions=False,
                unsupported_level=ErrorLevel.RAISE,
            )
        except SqlglotUnsupportedError as error:
            raise UnsupportedError(Fault(f"{self.name} cannot say this query: {error}")) from error


DUCKDB = Dialect("duckdb", DuckDBText, frozenset({"read_parquet", "read_csv", "struct_pack"}))
BIGQUERY = Dialect("bigquery", BigQueryText, sorts_in_one_place=True)

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (DUCKDB, BIGQUERY)}
