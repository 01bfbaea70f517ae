"""Build the SQL that reads a DuckDB table under the contract's names and with exact values only."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.exactness import FLOAT, Guard, guard_of, guarded, refusal
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType

_PROVEN = ("0001-01-02", "9999-12-30")
"""The first and the last day that stay within the years 1 to 9999 in every zone."""


def checked_source(
    source: exp.Expr,
    columns: Sequence[PhysicalColumn],
    matched: Sequence[tuple[ColumnDef, str | None]],
    session: Session,
    zone: str,
    table: str,
) -> exp.Expr:
    """Return `source`, or a SELECT of the `matched` columns if one is renamed, NULL or needs a guard.

    `matched` has each declared column with its name in the table; the name is None for a column of NULLs.
    """
    stored = {each.name: each for each in columns}
    proven = _in_range(source, [stored[name] for _, name in matched if name], session)
    guards: Mapping[str, Guard | None] = {
        name: guard_of(column.type, stored[name], proven.get(name, True)) for column, name in matched if name
    }
    is_plain = all(name and name.lower() == column.name.lower() for column, name in matched)
    if is_plain and set(guards.values()) <= {None, FLOAT}:
        return source
    selected = []
    for column, name in matched:
        if name is None:
            value: exp.Expr = exp.cast(exp.null(), SQL_TYPES[column.type])
        else:
            value, guard = duckdb_nodes.quoted(name), guards[name]
            if guard and guard is not FLOAT:
                about = refusal(f"{table}.{column.name}", guard)
                value, _ = guarded(guard, value, stored[name], zone, about)
        selected.append(exp.alias_(value, column.name, quoted=True))
    return exp.select(*selected).from_(source.copy()).subquery()


def _in_range(source: exp.Expr, columns: Sequence[PhysicalColumn], session: Session) -> Mapping[str, bool]:
    """Return whether the dates and times of each column lie within the years 1 to 9999 in every zone."""
    kinds = {PhysicalType.DATE, PhysicalType.DATETIME, PhysicalType.TIMESTAMP}
    temporal = [each for each in columns if each.type in kinds and each.native != "TIMESTAMP_NS"]
    if not temporal:
        return {}
    low, high = (exp.cast(exp.Literal.string(each), "DATE") for each in _PROVEN)
    checks = []
    for each in temporal:
        value = duckdb_nodes.quoted(each.name)
        first = exp.GTE(this=exp.Min(this=value), expression=low.copy())
        last = exp.LTE(this=exp.Max(this=value.copy()), expression=high.copy())
        proof = exp.Coalesce(this=exp.and_(first, last), expressions=[exp.true()])
        checks.append(exp.alias_(proof, each.name, quoted=True))
    return session.rows(exp.select(*checks).from_(source.copy()))[0]
