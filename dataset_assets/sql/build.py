"""Build small parts of SQL as sqlglot nodes; all queries are composed of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.duckdb import DuckDB

from dataset_assets.periods.instants import Moment

_RESERVED = {word.lower() for dialect in (BigQuery, DuckDB) for word in dialect.Generator.RESERVED_KEYWORDS}

Columns = Callable[[str], exp.Expr]
"""Function from the name of a concept or column to the expression that reads it."""


class CTE(NamedTuple):
    """A common table expression: a named query of the WITH clause."""

    name: str
    query: exp.Query


def identifier(name: str, *, quoted: bool = False) -> exp.Identifier:
    """Return a name as an identifier, quoted where it has to be or where `quoted` asks for it.

    A name has to be quoted if it is no plain word or if either dialect reserves it. Other names are not
    quoted, so that the SQL is easy to read.
    """
    return exp.to_identifier(name, quoted=quoted or name.lower() in _RESERVED or None)


def column(name: str, table: str | None = None) -> exp.Column:
    """Return a column, qualified by the alias of a table if one is given."""
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def table(name: str) -> exp.Table:
    """Return a CTE or a table by its unqualified name."""
    return exp.Table(this=identifier(name))


def alias(expression: exp.Expr, name: str) -> exp.Expr:
    """Return `expression AS name`, or the column alone if it has that name already."""
    if isinstance(expression, exp.Column) and expression.name == name:
        return expression
    return exp.Alias(this=expression, alias=identifier(name))


def alias_table(source: exp.Expr, name: str) -> exp.Expr:
    """Return `source AS name` for FROM and JOIN, or the table alone if it has that name already."""
    if source == table(name):
        return source.copy()
    return exp.alias_(source.copy(), identifier(name), table=True)


def text(value: str) -> exp.Literal:
    """Return a string literal."""
    return exp.Literal.string(value)


def number(value: int | str) -> exp.Expr:
    """Return a number literal; a number that is given as text keeps its digits as written."""
    return exp.Literal.number(value)


def big(value: int) -> exp.Expr:
    """Return a 64-bit integer, because a plain literal is a 32-bit integer in DuckDB."""
    return exp.cast(number(value), "BIGINT")


def boundary(moment: Moment, sql_type: str) -> exp.Expr:
    """Return a boundary as a literal of the type of the compared column: stores can skip files by it."""
    forms = {
        "DATE": moment.date.isoformat(),
        "TIMESTAMP": _clock(moment.instant),
        "TIMESTAMPTZ": f"{_clock(moment.instant)}+00:00",
    }
    return exp.cast(text(forms[sql_type]), sql_type)


def _clock(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def all_before() -> exp.WindowSpec:
    """Return the window frame of all rows before the current row."""
    return exp.WindowSpec(
        kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end=number(1), end_side="PRECEDING"
    )


def equal(name: str, left: str, right: str) -> exp.Expr:
    """Return whether a column has the same value in two tables."""
    return exp.EQ(this=column(name, left), expression=column(name, right))


def any_null(values: Iterable[exp.Expr]) -> exp.Expr:
    """Return whether one of the values is NULL."""
    return exp.or_(*(value.is_(exp.null()) for value in values))


def is_in(value: exp.Expr, cte: str, name: str) -> exp.Expr:
    """Return `value IN (SELECT name FROM cte)`, a semi-join that NULL never satisfies."""
    return exp.In(this=value, query=exp.select(column(name)).from_(table(cte)).subquery())


def assemble(ctes: Sequence[CTE], final: exp.Query | None = None) -> exp.Query:
    """Return one query with these CTEs that selects `final`, by default all rows of the last CTE."""
    query = final if final is not None else exp.select("*").from_(table(ctes[-1].name))
    with_ = exp.With(
        expressions=[
            exp.CTE(this=cte.query.copy(), alias=exp.TableAlias(this=identifier(cte.name))) for cte in ctes
        ]
    )
    query.set("with_", with_)
    return query
