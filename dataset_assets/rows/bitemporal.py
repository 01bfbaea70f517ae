"""Load the snapshot of a Period into a bitemporal table, in SQL that is the same on every engine.

A row of the table says: these values are true from `_valid_from` to `_valid_to`, and the loads of the Periods
from `_period_from` to `_period_to` say so. The table and the list of loaded Periods together hold every
snapshot, so that loads in any order give the same table. Ids of the Periods of one grain sort as texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import (
    BITEMPORAL_COLUMNS,
    PERIOD_FROM,
    PERIOD_TO,
    VALID_FROM,
    VALID_TO,
    Stamp,
)
from dataset_assets.rows.encoding import row_text
from dataset_assets.rows.identity import Identity
from dataset_assets.rows.intervals import ISLAND, Intervals
from dataset_assets.rows.numbering import numbered_rows
from dataset_assets.rows.stamping import constants, instant, row_id
from dataset_assets.sql.build import CTE, alias, column, is_in, number, table, text
from dataset_assets.sql.internal_names import NO_NAMES, Names
from dataset_assets.sql.nodes import Fingerprint

KNOWN = Intervals((), PERIOD_FROM, PERIOD_TO)
"""The known time of a row, whose points are ids of Periods."""
VALID = Intervals((), VALID_FROM, VALID_TO)
"""The valid time of a row, whose points are instants."""

_AXES = {
    VALID_FROM: ColumnType.TIMESTAMP,
    VALID_TO: ColumnType.TIMESTAMP,
    PERIOD_FROM: ColumnType.STRING,
    PERIOD_TO: ColumnType.STRING,
}
_SYSTEM = tuple(each.name for each in BITEMPORAL_COLUMNS if each.name not in _AXES)
_ROW_CHANGES = ("_deleted", "_labels")
"""The system columns that people change, which both parts of a split row keep."""
_SEGMENT = "_segment"
"""The hash of the values and the valid time of a row: rows of one segment differ only in their Periods."""
_WAS_FROM, _WAS_TO, _JOINED_FROM, _JOINED_TO, _PLACE = (
    "_was_from",
    "_was_to",
    "_joined_from",
    "_joined_to",
    "_place",
)


@dataclass(frozen=True)
class PeriodLoad:
    """The load of one Period's snapshot into a bitemporal table.

    `segments` is the FROM item of the snapshot, merged by `rows/valid_time.py`; `earlier` that of the table,
    None if there is none. `loaded` are the ids of the Periods that were loaded into it before; `period` can
    be one of them, and can be before some of them. `columns` are the published columns, `key` is the natural
    key among them.
    """

    columns: tuple[ColumnDef, ...]
    key: tuple[str, ...]
    segments: exp.Expr
    earlier: exp.Expr | None
    period: str
    loaded: Sequence[str]
    stamp: Stamp
    names: Names = NO_NAMES

    def rows(self, *, bucketed: bool) -> tuple[CTE, ...]:
        """Return the CTEs of the table after the load; the last one holds its rows.

        A row keeps its `_row_id` as long as Periods are left to it that it had before: of a row that is split
        the earliest part keeps it, of rows that are joined the earliest. Its `_updated_at` moves if and only
        if its `_period_from` or `_period_to` does. `bucketed` numbers the new rows bucket by bucket, for an
        engine that would sort all of them in one place.
        """
        snapshot, added, published = map(self._named, ("loaded_segments", "added", "published_rows"))
        loaded = CTE(snapshot, self._with_segment(self.segments))
        numbered = numbered_rows(added, self._identity, bucketed)
        if self.earlier is None:
            return (loaded, CTE(added, self._new_part(snapshot)), *numbered, CTE(published, self._new()))
        joined = self._named("joined_rows")
        without_id = exp.select("*").from_(table(joined)).where(column("_row_id").is_(exp.null()))
        rows = exp.union(self._new(), *self._earlier_rows(self.earlier), distinct=False)
        return (
            loaded,
            *self._changes(self.earlier),
            CTE(added, without_id),
            *numbered,
            CTE(published, rows),
        )

    @cached_property
    def next_period(self) -> str | None:
        """The first loaded Period after this one; None if this is the last."""
        return min((each for each in self.loaded if each > self.period), default=None)

    @cached_property
    def _identity(self) -> Identity:
        """The columns by which new rows are numbered: no two rows of a key begin at the same two points."""
        axes = (
            # no file can declare such a name, so the model would refuse it
            ColumnDef.model_construct(name=name, type=kind, nullable=True)
            for name, kind in _AXES.items()
        )
        key = (*self.key, VALID_FROM, PERIOD_FROM)
        return Identity((*self.columns, *axes), key, None, self.names, carried=_SYSTEM)

    def _named(self, wanted: str) -> str:
        return self._identity.named(wanted)

    @property
    def _values(self) -> list[exp.Expr]:
        """The columns of a segment: the published values and the valid time."""
        return [column(name) for name in (*(each.name for each in self.columns), VALID_FROM, VALID_TO)]

    def _with_segment(self, source: exp.Expr, *further: str) -> exp.Select:
        """Select the columns of a segment, further ones, and the segment's hash."""
        times = ((column(name), ColumnType.TIMESTAMP) for name in (VALID_FROM, VALID_TO))
        content = row_text([*((column(each.name), each.type) for each in self.columns), *times])
        hashed = alias(Fingerprint(this=content), _SEGMENT)
        return exp.select(*self._values, *map(column, further), hashed).from_(source.copy())

    def _changes(self, earlier: exp.Expr) -> Iterator[CTE]:
        """Yield the CTEs up to that of the rows that the load changes or adds.

        Of the rows that the table has in the Period, those that the snapshot lacks are cut before and after
        it. The segments that the table lacks in the Period are added there, and joined with the rows of the
        same segment that end there or begin with the next Period.
        """
        names = ("covering", "parts", "marked_parts", "numbered_parts", "joined_rows")
        covering, parts, marked, numbered, joined = map(self._named, names)
        there = self._with_segment(earlier, PERIOD_FROM, PERIOD_TO, *_SYSTEM)
        yield CTE(covering, there.where(KNOWN.contains(text(self.period))))
        yield CTE(parts, exp.union(*self._parts(earlier), distinct=False))
        known = Intervals((_SEGMENT,), PERIOD_FROM, PERIOD_TO)
        carried = [*(each.name for each in self._values), *_SYSTEM, _WAS_FROM, _WAS_TO]
        yield from known.islands(parts, carried, marked, numbered)
        yield CTE(joined, self._first_of_islands(known, numbered))

    def _parts(self, earlier: exp.Expr) -> Iterator[exp.Select]:
        """Yield the rows that the load adds, and those that it can change."""
        snapshot, covering = self._named("loaded_segments"), self._named("covering")
        period, begins, ends = text(self.period), column(PERIOD_FROM), column(PERIOD_TO)
        is_new = exp.not_(is_in(column(_SEGMENT), covering, _SEGMENT))
        yield self._new_part(snapshot).where(is_new)
        begins_before = exp.LT(this=begins, expression=period)
        yield self._part(table(covering), begins, period).where(self._is_gone, begins_before)
        if self.period in self.loaded:
            yield self._part(self._neighbours(earlier, exp.EQ(this=ends, expression=period)), begins, ends)
        if self.next_period is not None:
            after = text(self.next_period)
            lasts = exp.or_(ends.is_(exp.null()), exp.GT(this=ends, expression=after))
            later = self._part(table(covering), after, ends)
            yield later.where(self._is_gone, exp.not_(begins_before), lasts)
            # the part before the Period keeps the id; labels and deletion stay on both
            split = {name: each for name, each in self._new_values.items() if name not in _ROW_CHANGES}
            later = self._part(table(covering), after, ends, split)
            yield later.where(self._is_gone, begins_before, lasts)
            yield self._part(self._neighbours(earlier, exp.EQ(this=begins, expression=after)), begins, ends)

    @property
    def _is_gone(self) -> exp.Expr:
        """Whether the snapshot lacks the segment of a row."""
        return exp.not_(is_in(column(_SEGMENT), self._named("loaded_segments"), _SEGMENT))

    def _neighbours(self, earlier: exp.Expr, where: exp.Expr) -> exp.Expr:
        """Return rows of the table that end where the Period begins, or begin where it ends, for FROM."""
        rows = self._with_segment(earlier, PERIOD_FROM, PERIOD_TO, *_SYSTEM)
        return rows.where(where).subquery(self._named("neighbours"))

    def _new_part(self, snapshot: str) -> exp.Select:
        """Return the segments of the snapshot as new rows, from the Period to the next loaded one."""
        end = _no_text() if self.next_period is None else text(self.next_period)
        return self._part(table(snapshot), text(self.period), end, self._new_values)

    @property
    def _new_values(self) -> Mapping[str, exp.Expr]:
        """The system columns of a row that has no id yet."""
        return {**constants(self.stamp), "_row_id": _no_text(), _WAS_FROM: _no_text(), _WAS_TO: _no_text()}

    def _part(
        self,
        source: exp.Expr,
        begin: exp.Expr,
        end: exp.Expr,
        values: Mapping[str, exp.Expr] | None = None,
    ) -> exp.Select:
        """Return rows with other Periods; `values` are their system columns, by default those they have."""
        made = {_WAS_FROM: column(PERIOD_FROM), _WAS_TO: column(PERIOD_TO), **(values or {})}
        periods = (alias(begin.copy(), PERIOD_FROM), alias(end.copy(), PERIOD_TO))
        system = (alias(made.get(name, column(name)).copy(), name) for name in (*_SYSTEM, _WAS_FROM, _WAS_TO))
        return exp.select(*self._values, *periods, *system, column(_SEGMENT)).from_(source.copy())

    def _first_of_islands(self, known: Intervals, numbered: str) -> exp.Select:
        """Return the earliest row of each island that has an id, with the Periods of the whole island."""
        within = [column(_SEGMENT), column(ISLAND)]
        has_no_id = exp.Ordered(this=column("_row_id").is_(exp.null()), nulls_first=True)
        order = exp.Order(expressions=[has_no_id, exp.Ordered(this=column(PERIOD_FROM), nulls_first=True)])
        place = exp.Window(this=exp.RowNumber(), partition_by=within, order=order)
        first = exp.Window(this=exp.Min(this=column(PERIOD_FROM)), partition_by=within)
        kept = [*self._values, *map(column, (*_SYSTEM, _WAS_FROM, _WAS_TO))]
        ranked = exp.select(
            *kept,
            exp.alias_(first, _JOINED_FROM),
            exp.alias_(known.island_end(within), _JOINED_TO),
            exp.alias_(place, _PLACE),
        ).from_(table(numbered))
        whole = (alias(column(_JOINED_FROM), PERIOD_FROM), alias(column(_JOINED_TO), PERIOD_TO))
        found = exp.select(*kept, *whole).from_(ranked.subquery(self._named("ranked_parts")))
        return found.where(exp.EQ(this=column(_PLACE), expression=number(1)))

    def _new(self) -> exp.Select:
        """Return the numbered rows, which get new ids."""
        return self._output({"_row_id": row_id(self.stamp)}).from_(table(self._named("numbered")))

    def _earlier_rows(self, earlier: exp.Expr) -> Iterator[exp.Select]:
        """Yield the rows that keep their ids: those with other Periods, and those that stay as they are."""
        is_same = exp.and_(
            exp.EQ(this=column(PERIOD_FROM), expression=column(_WAS_FROM)),
            exp.NullSafeEQ(this=column(PERIOD_TO), expression=column(_WAS_TO)),
        )
        updated = exp.Case().when(is_same, column("_updated_at")).else_(instant(self.stamp))
        kept = self._output({"_updated_at": updated}).from_(table(self._named("joined_rows")))
        yield kept.where(exp.not_(column("_row_id").is_(exp.null())))
        still_there = is_in(column(_SEGMENT), self._named("loaded_segments"), _SEGMENT)
        yield self._output({}).from_(table(self._named("covering"))).where(still_there)
        is_apart = exp.LT(this=column(PERIOD_TO), expression=text(self.period))
        if self.next_period is not None:
            later = exp.GT(this=column(PERIOD_FROM), expression=text(self.next_period))
            is_apart = exp.or_(is_apart, later)
        yield self._output({}).from_(earlier.copy()).where(is_apart)

    def _output(self, values: Mapping[str, exp.Expr]) -> exp.Select:
        """Return the columns of the table in their order; `values` are those that are computed."""
        names = (*(each.name for each in self.columns), *(each.name for each in BITEMPORAL_COLUMNS))
        return exp.select(*(alias(values.get(name, column(name)), name) for name in names))


def _no_text() -> exp.Expr:
    return exp.cast(exp.null(), "VARCHAR")
