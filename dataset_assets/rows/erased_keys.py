"""The keys by which erased rows are known again without their values: salted hashes (docs/decisions/0045)."""

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import KEY
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import text
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


def stored_union(name: str, queries: Sequence[exp.Query], session: Session) -> exp.Query:
    """Return the distinct rows of all queries, each stored for the session by itself.

    They read different publications, and a statement of BigQuery reads a table at one point in time only.
    """
    stored = [exp.select("*").from_(session.store(name, each)) for each in queries]
    return reduce(lambda left, right: exp.union(left, right, distinct=True, copy=False), stored)
