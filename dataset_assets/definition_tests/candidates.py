"""Read rows of the sources that a recorded test can hold: some of each user, a few at each boundary.

The rows do not depend on the clock or on the order of the table: they are chosen by hashes of their values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.definition_test_rules import Row
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_columns
from dataset_assets.compiler.typing import SQL_TYPES, as_declared, find
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.definition_tests.given_rows import literal
from dataset_assets.periods.instants import Moment
from dataset_assets.ports.engine import Session
from dataset_assets.rows.encoding import row_text
from dataset_assets.selection.filters import MinTransactions
from dataset_assets.sql.build import alias_table, assemble, column, number, table

_ROWS, _USERS, _OF_SELECTED, _OF_USER, _OF_OTHERS, _LOOKUP_ROWS = 250, 10, 8, 25, 2, 5_000
_EVERY = 4
"""The distance between the rows that are moved to boundaries: every fourth, until each has one."""

_USER, _HASH, _PLACE = "_user_hash", "_row_hash", "_place"
_UNREAD: Mapping[ColumnType, str] = {
    ColumnType.STRING: "",
    ColumnType.INTEGER: "0",
    ColumnType.DECIMAL: "0",
    ColumnType.BOOLEAN: "false",
    ColumnType.DATE: "2000-01-01",
    ColumnType.TIMESTAMP: "2000-01-01 00:00:00+00:00",
}
"""Stands for the values of required columns that the selection does not read and no transfer carries."""


@dataclass(frozen=True)
class Candidates:
    """Rows of the main table, those around boundaries first, and the rows of each lookup that they join."""

    main: Sequence[Row]
    lookups: Mapping[str, Sequence[Row]]


def read_candidates(inputs: SelectionInput, session: Session) -> Candidates:
    """Return the candidates of a run whose sources its session can read."""
    main = _main_rows(inputs, session)
    lookups: dict[str, Sequence[Row]] = {}
    for lookup in inputs.scope.lookups:
        lookups[lookup.name] = _lookup_rows(inputs, lookup, main, lookups, session)
    return Candidates(main, lookups)


def joined_rows(inputs: SelectionInput, main: Sequence[Row], lookups: Mapping[str, Sequence[Row]]) -> dict:
    """Return of each lookup the rows that these rows of the main table join, in the order of the lookups."""
    chosen: dict[str, Sequence[Row]] = {}
    for lookup in inputs.scope.lookups:
        joins = list(inputs.joins(lookup))
        keys = [_values(source, main, chosen) for source, _ in joins]
        chosen[lookup.name] = [
            row
            for row in lookups[lookup.name]
            if all(row[own.column.name] in known for (_, own), known in zip(joins, keys, strict=True))
        ]
    return chosen


def _main_rows(inputs: SelectionInput, session: Session) -> list[Row]:
    """Return rows without repeated ones: those of users whose rows are selected now, then some of all users.

    A few of the first are moved to the boundaries, and come before all others.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for query in _main_queries(inputs, session):
        for row in session.rows(query):
            kept = {each.name: row[each.name] for each in inputs.scope.main.columns}
            found.setdefault(tuple(kept.values()), kept)
    rows = list(found.values())
    moved = list(_moved(inputs, rows))
    unmoved = (row for place, row in enumerate(rows) if place % _EVERY or place // _EVERY >= len(moved))
    return [*moved, *unmoved]


def _main_queries(inputs: SelectionInput, session: Session) -> Iterator[exp.Query]:
    """Yield queries of rows that are selected now, of other rows of their users, and of rows of all users."""
    selected = _selected_query(inputs)
    yield selected
    user = inputs.concepts.get("user_id")
    if user and user.source.lookup is None:
        users = {row[user.column.name] for row in session.rows(selected)} - {None}
        if users:
            kind = SQL_TYPES[user.column.type]
            keys = [exp.cast(literal(key), kind) for key in sorted(users, key=str)]
            wanted = exp.In(this=_read(inputs, inputs.scope.main, user.column), expressions=keys)
            yield _user_query(_hashed(inputs).where(wanted), _OF_USER)
    yield _user_query(_hashed(inputs), _OF_OTHERS)


def _selected_query(inputs: SelectionInput) -> exp.Query:
    """Return the query of some rows that are selected now; enough of each user for the customer filter."""
    keys = {f"_key_{number}": reference for number, reference in enumerate(inputs.row_key)}
    ctes = compile_columns(inputs, keys)
    columns = [(column(name), reference.column.type) for name, reference in keys.items()]
    known = exp.select(row_text(columns)).from_(table(ctes[-1].name)).subquery()
    main = inputs.scope.main
    own = [(_read(inputs, main, each.column), each.column.type) for each in keys.values()]
    hashed = _hashed(inputs).where(exp.In(this=row_text(own), query=known))
    customers = inputs.dataset.filters.customer_filter
    least = customers.value if isinstance(customers, MinTransactions) else 0
    most = max(_OF_SELECTED, least + 3)
    return assemble(ctes, _user_query(hashed, most).limit(_USERS * most))


def _moved(inputs: SelectionInput, rows: Sequence[Row]) -> Iterator[Row]:
    """Yield copies of rows with the times just before and at each boundary of the window and of the split.

    Real rows seldom lie there, and without such rows a boundary could be moved unnoticed.
    """
    stamp = inputs.concepts.get("timestamp")
    if stamp is None or stamp.source.lookup is not None:
        return
    is_date = stamp.column.type is ColumnType.DATE
    times: list[Any] = []
    for moment in _boundaries(inputs):
        bound = moment.date if is_date else moment.instant
        times += [bound - (timedelta(days=1) if is_date else timedelta(seconds=1)), bound]
    for row, time in zip(rows[::_EVERY], times, strict=False):
        yield {**row, stamp.column.name: time}


def _user_query(hashed: exp.Select, most: int) -> exp.Query:
    """Return the query of at most `most` rows of each user, as many users as it takes."""
    place = exp.Window(this=exp.RowNumber(), partition_by=[column(_USER)], order=_by(_HASH))
    placed = exp.select("*", exp.alias_(place, _PLACE)).from_(hashed.subquery("_hashed"))
    few = exp.LTE(this=column(_PLACE), expression=number(most))
    kept = exp.select("*").from_(placed.subquery("_placed")).where(few)
    return kept.order_by(*_by(_USER, _HASH).expressions).limit(_ROWS)


def _boundaries(inputs: SelectionInput) -> Iterator[Moment]:
    if inputs.window:
        yield from (inputs.window.start, inputs.window.end)
    config = inputs.dataset.split_config
    if config is None:
        return
    days, named = 0, config.days_not_trained
    for setting in ("test_days", "eval_days", "gap_days"):
        if named.get(setting):
            days += named[setting]
            yield inputs.moment(inputs.anchor - timedelta(days=days))


def _hashed(inputs: SelectionInput) -> exp.Select:
    """Return the query of all rows of the main table with hashes of their user and of their values."""
    main = inputs.scope.main
    columns = {each.name: _read(inputs, main, each) for each in main.columns}
    user = inputs.concepts.get("user_id")
    read = {each.name: (columns[each.name], each.type) for each in main.columns}
    keys = [read[user.column.name]] if user and user.source.lookup is None else list(read.values())
    hashes = {_USER: keys, _HASH: list(read.values())}
    return exp.select(
        *(exp.alias_(value, name, quoted=True) for name, value in columns.items()),
        *(exp.alias_(exp.MD5(this=row_text(values)), name) for name, values in hashes.items()),
    ).from_(alias_table(inputs.relations[main.name].source, main.name))


def _by(*names: str) -> exp.Order:
    return exp.Order(expressions=[exp.Ordered(this=column(name), nulls_first=True) for name in names])


def _read(inputs: SelectionInput, source: Source, definition: ColumnDef) -> exp.Expr:
    """Return a column of a source with its declared type; a made-up value if no transfer carries it."""
    relation = inputs.relations[source.name]
    if find(relation, definition.name):
        return as_declared(source, relation, definition, source.name)
    unread = exp.null() if definition.nullable else exp.Literal.string(_UNREAD[definition.type])
    return exp.cast(unread, SQL_TYPES[definition.type])


def _lookup_rows(
    inputs: SelectionInput,
    lookup: Source,
    main: Sequence[Row],
    lookups: Mapping[str, Sequence[Row]],
    session: Session,
) -> list[Row]:
    source, own = next(iter(inputs.joins(lookup)))
    keys = sorted(_values(source, main, lookups), key=str)
    if not keys:
        return []
    columns = {each.name: (_read(inputs, lookup, each), each.type) for each in lookup.stored_columns}
    kind = SQL_TYPES[own.column.type]
    wanted = exp.In(
        this=columns[own.column.name][0].copy(), expressions=[exp.cast(literal(key), kind) for key in keys]
    )
    rows = exp.select(
        *(exp.alias_(value, name, quoted=True) for name, (value, _) in columns.items()),
        exp.alias_(exp.MD5(this=row_text(list(columns.values()))), _HASH),
    ).from_(alias_table(inputs.relations[lookup.name].source, lookup.name))
    found = exp.select("*").from_(rows.where(wanted).subquery("_found"))
    found = found.order_by(*_by(_HASH).expressions).limit(_LOOKUP_ROWS)
    return [{name: row[name] for name in columns} for row in session.rows(found)]


def _values(source: Reference, main: Sequence[Row], lookups: Mapping[str, Sequence[Row]]) -> set[Any]:
    """Return the values of a column, of the main table or a lookup, that are not NULL."""
    rows = main if source.source.lookup is None else lookups[source.source.name]
    return {row[source.column.name] for row in rows} - {None}
