"""Turn the snapshot of a Period into segments of valid time, and find rows that contradict each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import VALID_FROM, VALID_TO
from dataset_assets.errors import Fault
from dataset_assets.periods.instants import Moment
from dataset_assets.periods.period import Period
from dataset_assets.rows.intervals import Intervals
from dataset_assets.sql.build import CTE, alias, all_before, boundary, column, text
from dataset_assets.sql.internal_names import NO_NAMES, Names
from dataset_assets.sql.nodes import UtcTime
from dataset_assets.text.wording import shown

_Row = Mapping[str, Any]
_EXAMPLES = 5
_OTHER_FROM, _OTHER_TO, _REASON, _COUNT = "_other_from", "_other_to", "_reason", "_fault_count"
_BOUNDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_LAST = Moment(_BOUNDS[1], _BOUNDS[1].date())
_ENDS = (VALID_FROM, VALID_TO)
_OUTSIDE = "is not within the years 1 to 9999"


def validity(period: Period, begin: ColumnDef | None, end: ColumnDef | None) -> tuple[exp.Expr, exp.Expr]:
    """Return the valid time of a row by two columns, dates or instants, as a begin and an end in UTC.

    A date is its midnight in UTC. Without an end column rows are open; without both they are valid in the
    Period itself.
    """
    if begin is None:
        first, last = Moment(period.start, period.start_date), Moment(period.end, period.end_date)
        return boundary(first, "TIMESTAMPTZ"), boundary(last, "TIMESTAMPTZ")
    return _instant_of(begin), _instant_of(end) if end else exp.cast(exp.null(), "TIMESTAMPTZ")


def _instant_of(definition: ColumnDef) -> exp.Expr:
    value = column(definition.name)
    return UtcTime(this=value) if definition.type is ColumnType.DATE else value


@dataclass(frozen=True)
class Snapshot:
    """The rows of one Period's load: `rows` is the CTE or table that holds them.

    `columns` are the published columns, `key` is the natural key among them. `valid_from` and `valid_to` are
    expressions over the rows; an interval without an end is open.
    """

    rows: exp.Expr
    columns: tuple[ColumnDef, ...]
    key: tuple[str, ...]
    valid_from: exp.Expr
    valid_to: exp.Expr
    names: Names = NO_NAMES

    def segments(self) -> tuple[CTE, ...]:
        """Return CTEs, the last of which has a row for each segment: a stretch of time with equal values.

        Rows of the same key and values whose intervals touch or overlap are one segment.
        """
        source, marked, numbered, segments = map(
            self.names.free, ("snapshot", "marked_rows", "numbered_rows", "segments")
        )
        valid = Intervals(tuple(each.name for each in self.columns), VALID_FROM, VALID_TO)
        return (
            CTE(source, self._stretches()),
            *valid.islands(source, (), marked, numbered),
            CTE(segments, valid.merged(numbered)),
        )

    def _stretches(self) -> exp.Select:
        times = ((self.valid_from, VALID_FROM), (self.valid_to, VALID_TO))
        ends = (alias(value.copy(), name) for value, name in times)
        return exp.select(*(column(each.name) for each in self.columns), *ends).from_(self.rows.copy())

    def unusable(self) -> exp.Select:
        """Return the query of a few rows whose valid time is no interval, the reason, and their number.

        An instant that is out of bounds is NULL in the answer, because Python cannot represent it.
        """
        reasons = exp.Case()
        for reason, applies in _unusable():
            reasons = reasons.when(applies, text(reason))
        return self._examples(self.unusable_rows(self._open_key).select(exp.alias_(reasons, _REASON)))

    def unusable_rows(self, names: Sequence[str]) -> exp.Select:
        """Return the query of these columns and the valid time of all rows whose valid time is no interval.

        An instant that is out of bounds is NULL in the answer, because Python cannot represent it.
        """
        ends = (alias(exp.Case().when(_is_within(n), column(n)), n) for n in (VALID_FROM, VALID_TO))
        rows = exp.select(*map(column, names), *ends)
        rows = rows.from_(self._stretches().subquery(self.names.free("stretches")))
        return rows.where(exp.or_(*(applies for _, applies in _unusable())))

    def overlapping_rows(self, segments: exp.Expr) -> exp.Select:
        """Return the query of all segments that overlap another one of their key, with their valid time.

        In the order of their begin, a segment overlaps an earlier one if the latest end so far is after its
        begin, and a later one if the next one begins before its end.
        """
        free = self.names.free
        ended, follows = free("latest_end"), free("next_begin")
        key, begin = [column(name) for name in self.key], column(VALID_FROM)
        end = exp.Coalesce(this=column(VALID_TO), expressions=[boundary(_LAST, "TIMESTAMPTZ")])
        order = exp.Order(expressions=[exp.Ordered(this=column(n), nulls_first=True) for n in _ENDS])
        windows = {
            ended: exp.Window(this=exp.Max(this=end), partition_by=key, order=order, spec=all_before()),
            follows: exp.Window(
                this=exp.Lead(this=begin), partition_by=[k.copy() for k in key], order=order.copy()
            ),
        }
        columns = [column(name) for name in (*(each.name for each in self.columns), *_ENDS)]
        placed = exp.select(*columns, *(exp.alias_(each, name) for name, each in windows.items()))
        found = exp.select(*(each.copy() for each in columns))
        found = found.from_(placed.from_(segments.copy()).subquery(free("placed_segments")))
        is_late = exp.GT(this=column(ended), expression=begin.copy())
        return found.where(exp.or_(is_late, exp.LT(this=column(follows), expression=end.copy())))

    def overlaps(self, segments: exp.Expr) -> exp.Select:
        """Return the query of pairs of segments of one key that overlap: a few, and how many pairs there are.

        Segments of equal values never overlap. If any two of a key do, so do two that follow one another in
        the order of their begin.
        """
        key = [column(name) for name in self.key]
        ends = (VALID_FROM, VALID_TO)
        order = exp.Order(expressions=[exp.Ordered(this=column(n), nulls_first=True) for n in ends])

        def earlier(name: str) -> exp.Expr:
            return exp.Window(this=exp.Lag(this=column(name)), partition_by=key, order=order.copy())

        pairs = exp.select(
            *self._shown, alias(earlier(VALID_FROM), _OTHER_FROM), alias(earlier(VALID_TO), _OTHER_TO)
        ).from_(segments.copy())
        goes_on = exp.or_(
            column(_OTHER_TO).is_(exp.null()), exp.GT(this=column(_OTHER_TO), expression=column(VALID_FROM))
        )
        others = (column(name) for name in (_OTHER_FROM, _OTHER_TO))
        found = exp.select(*self._shown, *others).from_(pairs.subquery(self.names.free("pairs")))
        return self._examples(found.where(exp.not_(column(_OTHER_FROM).is_(exp.null())), goes_on))

    @property
    def _shown(self) -> list[exp.Expr]:
        """The columns that a fault shows: the key without sensitive columns, and the interval."""
        return [column(name) for name in (*self._open_key, VALID_FROM, VALID_TO)]

    @property
    def _open_key(self) -> list[str]:
        key = {name.lower() for name in self.key}
        return [each.name for each in self.columns if each.name.lower() in key and not each.sensitive]

    def _examples(self, found: exp.Select) -> exp.Select:
        """Return the first rows of a query in a total order, each with the number of all."""
        count = exp.Window(this=exp.Count(this=exp.Star()))
        order = [exp.Ordered(this=each, nulls_first=True) for each in self._shown]
        return found.select(exp.alias_(count, _COUNT)).order_by(*order).limit(_EXAMPLES)

    def faults(self, unusable: Sequence[_Row], overlaps: Sequence[_Row]) -> list[Fault]:
        """Return a fault for each row of the answers of `unusable` and `overlaps`."""
        return [
            *(self._fault(row, _unusable_sentence(row), _USABLE) for row in unusable),
            *_number_of_others(unusable),
            *(self._fault(row, _overlap_sentence(row), _DISJOINT) for row in overlaps),
            *_number_of_others(overlaps),
        ]

    def _fault(self, row: _Row, sentence: str, hint: str) -> Fault:
        values = ", ".join(f"{name} {shown(row[name])}" for name in self._open_key)
        return Fault(f"{values or 'a key of sensitive columns'}: {sentence}", hint=hint)


def _number_of_others(rows: Sequence[_Row]) -> Iterator[Fault]:
    others = int(rows[0][_COUNT]) - len(rows) if rows else 0
    if others:
        yield Fault(f"{others:,} more rows are like these")


_USABLE = "every row needs a begin of its validity, and an end that is later or empty"
_DISJOINT = "two values of one key may not be true at the same time: end the first where the second begins"


def _unusable() -> Iterator[tuple[str, exp.Expr]]:
    """Yield the reasons why a valid time is no interval, each with its condition."""
    begin, end = column(VALID_FROM), column(VALID_TO)
    yield "has no begin", begin.is_(exp.null())
    yield _OUTSIDE, exp.or_(*(exp.not_(_is_within(name)) for name in (VALID_FROM, VALID_TO)))
    yield "is empty", exp.GTE(this=begin, expression=end)


def _is_within(name: str) -> exp.Expr:
    """Return whether an instant is one that every engine and Python can represent."""
    low, high = (boundary(Moment(each, each.date()), "TIMESTAMPTZ") for each in _BOUNDS)
    return exp.Between(this=column(name), low=low, high=high)


def _unusable_sentence(row: _Row) -> str:
    interval = "" if row[_REASON] == _OUTSIDE else f" {_interval(row[VALID_FROM], row[VALID_TO])}"
    return f"the validity{interval} {row[_REASON]}"


def _overlap_sentence(row: _Row) -> str:
    first, second = _interval(row[_OTHER_FROM], row[_OTHER_TO]), _interval(row[VALID_FROM], row[VALID_TO])
    return f"different values are valid in {first} and {second}, which overlap"


def _interval(begin: datetime | None, end: datetime | None) -> str:
    return f"[{_instant(begin, 'NULL')}, {_instant(end, 'open')})"


def _instant(instant: datetime | None, without: str) -> str:
    return instant.isoformat() if instant else without
