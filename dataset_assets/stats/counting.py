"""Count how many rows hold each value of each column: every statistic is derived from these counts."""

from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import column, identifier, number, table, text
from dataset_assets.stats.column_statistics import AGGREGATES
from dataset_assets.stats.expressions import UNPIVOTED, named, select, union, unpivoted
from dataset_assets.stats.families import FAMILIES, Family, family_of

ALL = "all"
SCOPES = {"n": ALL, **{f"n_{name}": name for name in NAMES.values()}}
"""Columns with the number of rows, in all and in each split, and the scope that each counts."""
ANSWER = ("kind", "field", "scope", "place", *SCOPES, *(each.column for each in AGGREGATES))
"""The columns of an answer; `field` numbers the profiled columns from 0, `scope` is a value of `SCOPES`."""
_STAGED = "staged"


def answer(**fields: exp.Expr) -> list[exp.Expr]:
    """Return the columns of `ANSWER`; columns that are not given are NULL."""
    return [exp.Alias(this=fields.get(name) or exp.null(), alias=identifier(name)) for name in ANSWER]


@dataclass(frozen=True)
class Counting:
    """The columns whose values are counted in the rows of `source`, in all and in each split.

    `in_one_scan` counts all columns of a family by one GROUP BY over unpivoted rows: the query does not grow
    with the columns, but each value costs two to three times as much.
    """

    source: exp.Expr
    columns: tuple[PublishedColumn, ...]
    split: str | None
    in_one_scan: bool = False

    @property
    def counters(self) -> tuple[str, ...]:
        """The columns of `SCOPES` that are counted: without a split only the first."""
        return tuple(SCOPES) if self.split else tuple(SCOPES)[:1]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that have a column."""
        return tuple(family for family in FAMILIES if self.places(family))

    def places(self, family: Family, *types: ColumnType) -> list[int]:
        """Return the numbers of a family's columns, or of its columns of the given types."""
        wanted = types or tuple(family.read)
        return [
            place
            for place, each in enumerate(self.columns)
            if each.type in wanted and family_of(each) is family
        ]

    def staged(self) -> exp.Expr:
        """Return the source under an alias, so that its columns differ from those of the counts."""
        return exp.alias_(self.source, _STAGED, table=True)

    def counts(self, family: Family) -> exp.Query:
        """Return the query of how many rows hold each value of each column of a family."""
        if self.in_one_scan and family.unpivots:
            return self._count_unpivoted(family)
        return union([self._count(family, place) for place in self.places(family)])

    def _count(self, family: Family, place: int) -> exp.Query:
        each = self.columns[place]
        read = self._read(family, place)
        days = [named(family.days[each.type](read.copy()), "day")] if family.days else []
        shown = [named(number(place), "field"), named(read, "value"), *days]
        split = column(self.split, _STAGED) if self.split else None
        return select([*shown, *self._counters(split)], self.staged(), by=[column(each.name, _STAGED)])

    def _count_unpivoted(self, family: Family) -> exp.Query:
        """Turn the columns `_0`, `_1` … into rows with their names in `field` and their values in `value`."""
        place = exp.cast(exp.Substring(this=column("field"), start=number(2)), "BIGINT")
        days = [named(self._day(family), "day")] if family.days else []
        split = column("split_code", UNPIVOTED) if self.split else None
        shown = [named(place, "field"), column("value"), *days, *self._counters(split)]
        by = [column("field", UNPIVOTED), column("value", UNPIVOTED)]
        return select(shown, self._unpivoted(family), by=by)

    def _unpivoted(self, family: Family) -> exp.Expr:
        places = self.places(family)
        columns = [named(self._read(family, place), f"_{place}") for place in places]
        split = [named(column(self.split, _STAGED), "split_code")] if self.split else []
        rows = select([*columns, *split], self.staged()).subquery(copy=False)
        return unpivoted(rows, "value", "field", [f"_{place}" for place in places], include_nulls=True)

    def _read(self, family: Family, place: int) -> exp.Expr:
        """Return the values of one column, converted to the family's common type."""
        each = self.columns[place]
        return family.read[each.type](column(each.name, _STAGED))

    def _day(self, family: Family) -> exp.Expr:
        """Return the day of an unpivoted value, by the type of its column."""
        chosen = [
            exp.If(this=self._unpivoted_from(family, kind), true=day_of(column("value")))
            for kind, day_of in family.days.items()
            if self.places(family, kind)
        ]
        return exp.Case(ifs=chosen)

    def _unpivoted_from(self, family: Family, kind: ColumnType) -> exp.Expr:
        names = [text(f"_{place}") for place in self.places(family, kind)]
        return exp.In(this=column("field", UNPIVOTED), expressions=names)

    def _counters(self, split: exp.Expr | None) -> list[exp.Expr]:
        """Return the counts of rows, in all and in each split."""
        splits = [
            named(exp.CountIf(this=split.copy().eq(number(code))), f"n_{name}")
            for code, name in NAMES.items()
            if split
        ]
        return [named(exp.Count(this=exp.Star()), "n"), *splits]

    def totals(self, family: Family) -> exp.Query:
        """Return the query of a family's aggregates: one row for each column and scope."""
        rows = column("held")
        shown = answer(
            kind=text("total"),
            field=column("field"),
            scope=column("scope"),
            n=exp.Sum(this=rows.copy()),
            **{each.column: each.expression() for each in AGGREGATES if each.applies(family)},
        )
        counted = unpivoted(table(family.name), "held", "scope", self.counters)
        return select(shown, counted, rows > number(0), by=[column("field"), column("scope")])
