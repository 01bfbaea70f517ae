"""Join a lookup as of the time of each row: the latest row of the lookup at or before it (BR-132)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import SQL_TYPES, as_declared, find
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.point_in_time import PointInTime
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.periods.instants import Moment
from dataset_assets.sql.build import alias, alias_table, boundary, column, identifier, number
from dataset_assets.sql.nodes import AsOfJoin, MicrosecondsSince, UtcTime

Side = Callable[[Reference], exp.Expr]
"""Function from a column of the rows that a lookup is joined to, to the expression that reads it."""

_FIRST = Moment(datetime(1, 1, 1, tzinfo=UTC), date(1, 1, 1))
"""The start of an interval without a start: no timestamp of both engines is earlier."""


@dataclass(frozen=True)
class PointInTimeJoin:
    """The join of one lookup that has `as_of`.

    The join itself is the same for changes and for intervals: it reads the latest row of the lookup that
    starts at or before the time of the row. That row may be too old, or its interval may have ended; `value`
    then reads NULL. Earlier rows have ended before it, because a check ensures that intervals are disjoint.
    """

    inputs: SelectionInput
    lookup: Source
    as_of: PointInTime

    @cached_property
    def row_time(self) -> Reference:
        """The column with the time as of which a row reads the lookup."""
        found = self.inputs.row_time(self.lookup)
        if found is None:
            raise LookupError(f"the row time of {self.lookup.name!r} was not checked before it was compiled")
        return found

    @property
    def start_column(self) -> Reference:
        """The lookup's column with the time from which on a row of it is known."""
        return self.inputs.own(self.lookup, str(self.as_of.start))

    @property
    def keys(self) -> list[ColumnDef]:
        """The lookup's own columns of its join conditions."""
        return [target.column for _, target in self.inputs.joins(self.lookup)]

    def join(self, query: exp.Select, side: Side) -> exp.Select:
        """LEFT JOIN the lookup to a query whose rows are read through `side`."""
        name, free = self.lookup.name, self.inputs.names.free
        conditions = (
            exp.EQ(this=side(reference), expression=column(target.column.name, name))
            for reference, target in self.inputs.joins(self.lookup)
        )
        join = AsOfJoin(
            this=self.history(),
            alias=identifier(name),
            on=exp.and_(*conditions),
            keys=[column(each.name) for each in self.keys],
            time=column(self.start_name, name),
            row_time=self.instant(side(self.row_time)),
            next=identifier(free("next_start")),
        )
        query.append("joins", join)
        return query

    def value(self, definition: ColumnDef, side: Side) -> exp.Expr:
        """Return a column of the joined lookup; NULL if its row is too old or no longer valid."""
        value = column(definition.name, self.lookup.name)
        still = self._still_counts(side)
        return exp.Case().when(still, value) if still is not None else value

    def _still_counts(self, side: Side) -> exp.Expr | None:
        if not (self.as_of.oldest or self.as_of.to):
            return None
        instant = self.instant(side(self.row_time))
        if self.as_of.oldest:
            age = MicrosecondsSince(this=instant, start=column(self.start_name, self.lookup.name))
            return exp.LTE(this=age, expression=number(self.as_of.oldest // timedelta(microseconds=1)))
        definition = self._own(str(self.as_of.to))
        end = column(definition.name, self.lookup.name)
        is_before = exp.LT(this=instant, expression=self._instant(end.copy(), definition))
        return exp.or_(end.is_(exp.null()), is_before) if definition.nullable else is_before

    def history(self) -> exp.Select:
        """Return a query of the lookup's rows that can be read as of some time, with their start.

        Of rows of one key and instant it has the one with the greatest `latest_by` (the check of lookups
        ensures that there is one). Intervals without an instant are left out.
        """
        rows = exp.select(*(alias(value, name) for name, value in self._read().items()))
        rows = rows.from_(alias_table(self.inputs.relations[self.lookup.name].source, self.lookup.name))
        if self.as_of.to:
            return rows.where(self._is_not_empty())
        return self._last_of_ties(rows) if self.as_of.latest_by else rows

    def _read(self) -> dict[str, exp.Expr]:
        columns = {each.name: self._declared(each) for each in self.inputs.needed(self.lookup)}
        return {**columns, self.start_name: self.start}

    @cached_property
    def start_name(self) -> str:
        """The name of the start in the joined rows: the lookup's own column if it is compared as it is."""
        definition = self.start_column.column
        is_as_it_is = self.start == self._declared(definition)
        return definition.name if is_as_it_is else self.inputs.names.free("known_from")

    @property
    def start(self) -> exp.Expr:
        """The time from which on a row of the lookup is known, in a query over the lookup's relation."""
        definition = self.start_column.column
        start = self._instant(self._declared(definition), definition)
        if self.as_of.column or not definition.nullable:
            return start
        return exp.Coalesce(this=start, expressions=[boundary(_FIRST, SQL_TYPES[self._compared_as])])

    def bounds(self) -> exp.Select:
        """Return a query of the keys with the earliest and the latest start of their rows."""
        start = column(self.start_name)
        return self._bounds_of(exp.Min(this=start), exp.Max(this=start.copy()))

    def _bounds_of(self, first: exp.Expr, last: exp.Expr) -> exp.Select:
        """Return the query of `bounds` with these aggregates over `history`."""
        free, keys = self.inputs.names.free, [column(each.name) for each in self.keys]
        ends = {free("first_start"): first, free("last_start"): last}
        query = exp.select(*keys, *(exp.alias_(value, name) for name, value in ends.items()))
        return query.from_(self.history().subquery(free("history"))).group_by(*(k.copy() for k in keys))

    @property
    def may_be_undated(self) -> bool:
        """Whether rows of the lookup may have NULL as their start."""
        definition = self.start_column.column
        physical = find(self.inputs.relations[self.lookup.name], definition.name)
        return physical is None or physical.has_nulls is not False

    @property
    def is_interval(self) -> bool:
        """Whether rows of the lookup are valid in intervals, instead of until the next change."""
        return self.as_of.to is not None

    @property
    def end(self) -> exp.Expr:
        """The time at which an interval ends, NULL if it is open, in a query over `history`."""
        definition = self._own(str(self.as_of.to))
        return self._instant(column(definition.name), definition)

    def _is_not_empty(self) -> exp.Expr:
        definition = self._own(str(self.as_of.to))
        end = self._declared(definition)
        is_before = exp.LT(this=self.start, expression=self._instant(end, definition))
        is_open = end.copy().is_(exp.null())
        return exp.or_(is_open, is_before) if definition.nullable else is_before

    def _last_of_ties(self, rows: exp.Select) -> exp.Select:
        place, free = self.inputs.names.free("place"), self.inputs.names.free
        order = [
            exp.Ordered(this=column(name), desc=True, nulls_first=False) for name in self.as_of.latest_by
        ]
        keys = [column(each.name) for each in self.keys]
        numbered = exp.select("*").from_(rows.subquery(free("changes")))
        window = exp.Window(
            this=exp.RowNumber(),
            partition_by=[*keys, column(self.start_name)],
            order=exp.Order(expressions=order),
        )
        numbered = numbered.select(exp.alias_(window, place))
        first = exp.EQ(this=column(place), expression=number(1))
        return exp.select("*").from_(numbered.subquery(free("numbered"))).where(first)

    def instant(self, row_time: exp.Expr) -> exp.Expr:
        """Return the time of a row in the form in which it is compared with the times of the lookup."""
        return self._instant(row_time, self.row_time.column)

    def _instant(self, value: exp.Expr, definition: ColumnDef) -> exp.Expr:
        """Return a time in the form in which times are compared: a date is the first instant of its day."""
        is_converted = definition.type is ColumnType.DATE and self._compared_as is ColumnType.TIMESTAMP
        return UtcTime(this=value) if is_converted else value

    @cached_property
    def _compared_as(self) -> ColumnType:
        """The type in which times are compared: dates only if all of them are, and no age is measured."""
        own = filter(None, (self.as_of.start, self.as_of.to))
        types = {self.row_time.column.type, *(self._own(name).type for name in own)}
        only_dates = types == {ColumnType.DATE} and not self.as_of.oldest
        return ColumnType.DATE if only_dates else ColumnType.TIMESTAMP

    def _own(self, name: str) -> ColumnDef:
        return self.inputs.own(self.lookup, name).column

    def _declared(self, definition: ColumnDef) -> exp.Expr:
        relation = self.inputs.relations[self.lookup.name]
        return as_declared(self.lookup, relation, definition, self.lookup.name)
