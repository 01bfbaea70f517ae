"""Count what a point-in-time join found, and what a plain join would have leaked (BR-132)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.compiler.point_in_time import PointInTimeJoin, Side
from dataset_assets.compiler.typing import as_declared
from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import alias_table, column


@dataclass(frozen=True)
class PointInTimeCounts:
    """The numbers of rows by what a lookup with `as_of` has for them.

    Nothing is found for rows `without_time`, for rows with `nothing_before` them, and for rows whose latest
    lookup row is `outdated`: too old, or no longer valid. `later` is the number of rows whose key has a later
    row in the lookup, which a plain join of the latest row would have leaked. `undated` is the number of rows
    of the lookup that nothing can find, because they have no time.
    """

    without_time: int
    nothing_before: int
    outdated: int
    later: int
    undated: int

    @classmethod
    def read(cls, found: Mapping[str, int], prefix: str, undated: int) -> "PointInTimeCounts":
        """Return the counts that a query returned under the names of `counts`."""
        by_name = {name: found[f"{prefix}{name}"] for name in _COUNTED}
        return cls(**by_name, undated=undated)

    def sentence(self, name: str, rows: int) -> str:
        """Describe the counts of the lookup `name` for this many rows."""
        words = (
            f"a plain join of the latest row of {name} would have given {self.later:,} of {rows:,} rows a "
            f"value from after their time; {self.outdated:,} rows found only outdated ones, "
            f"{self.nothing_before:,} found none before them, {self.without_time:,} have no time"
        )
        lost = f"; {self.undated:,} rows of {name} have no time and are never found"
        return words + lost if self.undated else words


_COUNTED = ("without_time", "nothing_before", "outdated", "later")


def join_bounds(query: exp.Select, join: PointInTimeJoin, side: Side, name: str) -> exp.Select:
    """LEFT JOIN, under `name`, the earliest and the latest start of the lookup's rows of each key."""
    same = (
        exp.EQ(this=side(reference), expression=column(target.column.name, name))
        for reference, target in join.inputs.joins(join.lookup)
    )
    return query.join(join.bounds().subquery(name), on=exp.and_(*same), join_type="left")


def counts(
    join: PointInTimeJoin, row_time: exp.Expr, missing: exp.Expr, bounds: str, prefix: str = ""
) -> list[exp.Expr]:
    """Return the counts of `PointInTimeCounts` as columns of a query with the bounds of `join_bounds`.

    `missing` is whether the lookup has nothing for a row.
    """
    free = join.inputs.names.free
    instant = join.instant(row_time)
    first, last = column(free("first_start"), bounds), column(free("last_start"), bounds)
    has_time = exp.not_(instant.copy().is_(exp.null()))
    has_earlier = _is_true(exp.LTE(this=first, expression=instant.copy()))
    conditions = {
        "without_time": instant.copy().is_(exp.null()),
        "outdated": exp.and_(missing.copy(), has_earlier),
        "nothing_before": exp.and_(missing.copy(), has_time, exp.not_(has_earlier.copy())),
        "later": _is_true(exp.GT(this=last, expression=instant.copy())),
    }
    return [
        exp.alias_(exp.CountIf(this=condition), f"{prefix}{name}") for name, condition in conditions.items()
    ]


def _is_true(condition: exp.Expr) -> exp.Expr:
    """Return a condition that is false where the given one is NULL."""
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def undated(join: PointInTimeJoin, session: Session) -> int:
    """Count the rows of the lookup that have no time; of intervals NULL is an open start."""
    if join.is_interval or not join.may_be_undated:
        return 0
    relation = join.inputs.relations[join.lookup.name]
    start = as_declared(join.lookup, relation, join.start_column.column, join.lookup.name)
    counted = exp.select(exp.alias_(exp.CountIf(this=start.is_(exp.null())), "undated"))
    query = counted.from_(alias_table(relation.source, join.lookup.name))
    return int(session.rows(query)[0]["undated"] or 0)
