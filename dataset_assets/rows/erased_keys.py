"""The keys by which erased rows are known again without their values: salted hashes (docs/decisions/0045)."""

from collections.abc import Sequence

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.erasure import KEY
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import column, text
from dataset_assets.sql.nodes import Joined, SaltedHash


def row_key(salt: str, columns: Sequence[tuple[exp.Expr, ColumnType]]) -> exp.Expr:
    """Return the salted SHA-256 of the canonical text of these columns; it is never NULL."""
    return SaltedHash(this=Joined(expressions=[text(f"{salt}:"), *row_text(columns).expressions]))


def is_among(key: exp.Expr, keys: exp.Query) -> exp.Expr:
    """Return whether a key is among those of a query of `erased_key`."""
    return exp.In(this=key, query=keys.copy().subquery())


def key_query(key: exp.Expr, rows: exp.Expr, condition: exp.Expr) -> exp.Select:
    """Return the distinct keys of the rows for which a condition is true, as `erased_key`."""
    keys = exp.select(exp.alias_(key, KEY)).distinct()
    return keys.from_(rows.copy()).where(condition)


def union_of_keys(queries: Sequence[exp.Query]) -> exp.Query:
    """Return the distinct keys of all queries."""
    selected = [
        exp.select(column(KEY)).from_(each.copy().subquery(f"keys_{n}")) for n, each in enumerate(queries)
    ]
    query: exp.Query = selected[0]
    for each in selected[1:]:
        query = exp.union(query, each, distinct=True, copy=False)
    return query
