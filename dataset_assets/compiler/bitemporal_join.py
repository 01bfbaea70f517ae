"""Join a bitemporal lookup: what is true at the time of each row, as one of the loads says (BR-134)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlglot import exp
from typing_extensions import override

from dataset_assets.compiler.period_starts import period_start
from dataset_assets.compiler.point_in_time import PointInTimeJoin, Side
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.instants import Moment
from dataset_assets.sql.build import alias, alias_table, boundary, column, identifier

_END = Moment(datetime.max.replace(tzinfo=UTC), date.max)
"""The end of an interval without an end: DuckDB joins by hash only if each condition is one comparison.

No timestamp of both engines is later.
"""


@dataclass(frozen=True)
class LatestKnowledgeJoin(PointInTimeJoin):
    """The join with what the last load says: the intervals of valid time of one key are disjoint."""

    @override
    def history(self) -> exp.Select:
        return super().history().where(self._declared(self._own(PERIOD_TO)).is_(exp.null()))


@dataclass(frozen=True)
class AsKnownJoin(PointInTimeJoin):
    """The join with what was known in the Period of the time of each row.

    A load says something of a Period if the Period of the load is not later. That is so if and only if the
    Period of the load begins at the time of the row or before it. So known time is compared as instants, too.
    """

    @property
    def cadence(self) -> Cadence:
        """The cadence of the Periods by which the lookup was loaded."""
        if self.lookup.grain is None:
            raise LookupError(f"the Periods of {self.lookup.name!r} were not checked before it was compiled")
        return self.inputs.scope.calendars.cadence(self.lookup.grain)

    @override
    def join(self, query: exp.Select, side: Side) -> exp.Select:
        name = self.lookup.name
        conditions: list[exp.Expr] = [
            exp.EQ(this=side(reference), expression=column(target.column.name, name))
            for reference, target in self.inputs.joins(self.lookup)
        ]
        instant = self.instant(side(self.row_time))
        for begin, end in self.bounds_of_row:
            conditions.append(exp.GTE(this=instant.copy(), expression=column(begin, name)))
            conditions.append(exp.LT(this=instant.copy(), expression=column(end, name)))
        source = exp.alias_(self.history().subquery(), identifier(name), table=True)
        return query.join(source, on=exp.and_(*conditions), join_type="left")

    @override
    def value(self, definition: ColumnDef, side: Side) -> exp.Expr:
        """Return a column of the joined lookup: the conditions of the join leave no other rows."""
        return column(definition.name, self.lookup.name)

    @override
    def history(self) -> exp.Select:
        """Return a query of the lookup's rows, with the ends of both intervals as instants, none NULL."""
        free, relation = self.inputs.names.free, self.inputs.relations[self.lookup.name]
        ends = {
            VALID_FROM: self.start,
            free("valid_until"): _or_end(self._declared(self._own(VALID_TO))),
            free("known_from"): self.known_from,
            free("known_until"): _or_end(self._period_start(PERIOD_TO)),
        }
        own = {each.name: self._declared(each) for each in self.inputs.needed(self.lookup)}
        shown = (alias(value, name) for name, value in (own | ends).items())
        rows = exp.select(*shown).from_(alias_table(relation.source, self.lookup.name))
        return rows.where(self._is_not_empty())

    @override
    def bounds(self) -> exp.Select:
        """Return a query of the keys with the earliest and the latest start of their rows.

        A row starts when it is both true and known. The latest one is what a plain join of today's values
        would give: of the rows that the last load says, the one that becomes true last.
        """
        known_from = column(self.inputs.names.free("known_from"))
        begun = exp.Greatest(this=column(VALID_FROM), expressions=[known_from], ignore_nulls=False)
        today = exp.Case().when(column(PERIOD_TO).is_(exp.null()), column(VALID_FROM))
        return self._bounds_of(exp.Min(this=begun), exp.ArgMax(this=begun.copy(), expression=today))

    @property
    def bounds_of_row(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The names of the begin and the end of the valid and of the known time in `history`."""
        free = self.inputs.names.free
        return (VALID_FROM, free("valid_until")), (free("known_from"), free("known_until"))

    @property
    def known_from(self) -> exp.Expr:
        """The first instant of the Period whose load was the first to have a row, over the relation."""
        return self._period_start(PERIOD_FROM)

    def _period_start(self, name: str) -> exp.Expr:
        return period_start(self._declared(self._own(name)), self.cadence)


def _or_end(instant: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=instant, expressions=[boundary(_END, "TIMESTAMPTZ")])
