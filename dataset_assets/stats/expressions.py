"""Small SQL expressions and queries that the statistics are built of."""

from collections.abc import Sequence

from sqlglot import exp

from dataset_assets.sql.build import column, identifier, number

DECIMAL = "DECIMAL(38, 9)"
UNPIVOTED = "unpivoted"


def select(
    shown: Sequence[exp.Expr], source: exp.Expr, *where: exp.Expr, by: Sequence[exp.Expr] = ()
) -> exp.Select:
    """Return a SELECT that takes over its arguments; sqlglot copies them at each step by default."""
    query = exp.select(*shown, copy=False).from_(source, copy=False)
    if where:
        query.where(*where, copy=False)
    return query.group_by(*by, copy=False) if by else query


def union(queries: Sequence[exp.Query]) -> exp.Query:
    """Return the UNION ALL of the queries."""
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False, copy=False)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """Return `value AS name`."""
    return exp.Alias(this=value, alias=identifier(name))


def as_text(value: exp.Expr) -> exp.Expr:
    """Return a value as the engine's own text."""
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.TEXT))


def decimal(value: exp.Expr) -> exp.Expr:
    """Return a number as DECIMAL(38, 9), the exact type that all engines have."""
    sizes = [exp.DataTypeParam(this=number(38)), exp.DataTypeParam(this=number(9))]
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.DECIMAL, expressions=sizes))


def least(name: str) -> exp.Expr:
    """Return `MIN(name)`."""
    return exp.Min(this=column(name))


def most(name: str) -> exp.Expr:
    """Return `MAX(name)`."""
    return exp.Max(this=column(name))


def unpivoted(
    source: exp.Expr, value: str, name: str, columns: Sequence[str], include_nulls: bool = False
) -> exp.Expr:
    """Return the rows of `source` as `unpivoted`: one row for each row and each of the `columns`.

    The new column `name` holds the column's name, the new column `value` its value.
    """
    fields = exp.In(this=identifier(name), expressions=[column(each) for each in columns])
    pivot = exp.Pivot(
        expressions=[identifier(value)],
        fields=[fields],
        unpivot=True,
        include_nulls=include_nulls,
        alias=exp.TableAlias(this=identifier(UNPIVOTED)),
    )
    source.set("pivots", [pivot])
    return source


def is_null() -> exp.Expr:
    """Return whether the counted value is NULL."""
    return exp.Is(this=column("value"), expression=exp.null())
