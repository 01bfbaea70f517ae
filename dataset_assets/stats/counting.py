"""How many rows hold each value of each column: what every statistic is derived from.

Columns of a kind share a CTE: `numbers`, `times`, `texts`, `identifiers`, and `hidden` for sensitive ones,
whose values never enter it (BR-206).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import big, column, identifier, number, table, text

ALL = "all"
SCOPES = {"n": ALL, **{f"n_{name}": name for name in NAMES.values()}}
"""The columns that hold how many rows there are, in all and in each split."""
ANSWER = ("kind", "field", "scope", "place", *SCOPES, "missing", "cardinality", "low", "high", "total")
"""The columns of an answer; `field` counts the profiled columns from 0, `scope` is one of `SCOPES`."""
DECIMAL = "DECIMAL(38, 9)"
_STAGED = "staged"
_UNPIVOTED = "unpivoted"
_DAY = 86_400_000_000

Read = Callable[[exp.Expr], exp.Expr]


def select(
    shown: Sequence[exp.Expr], source: exp.Expr, *where: exp.Expr, by: Sequence[exp.Expr] = ()
) -> exp.Select:
    """A query of nodes that are new: sqlglot's builders would copy all of them at each step."""
    made = exp.select(*shown, copy=False).from_(source, copy=False)
    if where:
        made.where(*where, copy=False)
    return made.group_by(*by, copy=False) if by else made


def answer(**fields: exp.Expr) -> list[exp.Expr]:
    """The columns of `ANSWER`; what is not given is NULL."""
    return [exp.Alias(this=fields.get(name) or exp.null(), alias=identifier(name)) for name in ANSWER]


def union(queries: Sequence[exp.Query]) -> exp.Query:
    """UNION ALL of them."""
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False, copy=False)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """`value AS name`."""
    return exp.Alias(this=value, alias=identifier(name))


def as_text(value: exp.Expr) -> exp.Expr:
    """The engine's own text of a value."""
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.TEXT))


def decimal(value: exp.Expr) -> exp.Expr:
    """A number in the one exact type that all engines share."""
    sizes = [exp.DataTypeParam(this=number(38)), exp.DataTypeParam(this=number(9))]
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.DECIMAL, expressions=sizes))


def least(name: str) -> exp.Expr:
    """`MIN(name)`."""
    return exp.Min(this=column(name))


def most(name: str) -> exp.Expr:
    """`MAX(name)`."""
    return exp.Max(this=column(name))


def unpivoted(
    source: exp.Expr, value: str, name: str, columns: Sequence[str], include_nulls: bool = False
) -> exp.Expr:
    """The rows of `source`, called `unpivoted`, each as often as there are `columns`.

    A column's name is in the new column `name` and its value in the new column `value`.
    """
    fields = exp.In(this=identifier(name), expressions=[column(each) for each in columns])
    pivot = exp.Pivot(
        expressions=[identifier(value)],
        fields=[fields],
        unpivot=True,
        include_nulls=include_nulls,
        alias=exp.TableAlias(this=identifier(_UNPIVOTED)),
    )
    source.set("pivots", [pivot])
    return source


def is_null() -> exp.Expr:
    """Whether the counted value is NULL."""
    return exp.Is(this=column("value"), expression=exp.null())


def _known(value: exp.Expr) -> exp.Expr:
    """1 for a value, NULL for none: all that may be seen of a sensitive column."""
    return exp.Case(
        ifs=[exp.If(this=exp.Is(this=value, expression=exp.null()), true=exp.null())], default=number(1)
    )


def _day(micros: exp.Expr) -> exp.Expr:
    """The day since 1970 of UTC microseconds, before 1970 too: engines cut a quotient towards zero."""
    within = exp.Mod(this=micros.copy(), expression=big(_DAY))
    rest = exp.Mod(this=exp.paren(within + big(_DAY)), expression=big(_DAY))
    return exp.IntDiv(this=exp.paren(micros - exp.paren(rest)), expression=big(_DAY))


@dataclass(frozen=True, eq=False)
class Family:
    """Columns whose values are counted in one CTE. `read` turns each type into the family's common one."""

    name: str
    read: Mapping[ColumnType, Read]
    days: Mapping[ColumnType, Read] = field(default_factory=dict)
    """Turns what was read into a day since 1970."""
    ordered: bool = False
    summed: bool = False
    listed: bool = True
    sampled: bool = False
    unpivots: bool = True
    """Whether what `read` answers tells one value from another, so that rows can be grouped by it."""
    drawn_by: Read = lambda value: exp.MD5(this=value)
    """Samples are the first values in the order of this."""


NUMBERS = Family(
    "numbers", {ColumnType.INTEGER: decimal, ColumnType.DECIMAL: decimal}, ordered=True, summed=True
)
TIMES = Family(
    "times",
    {
        ColumnType.DATE: lambda value: exp.UnixDate(this=value),
        ColumnType.TIMESTAMP: lambda value: exp.UnixMicros(this=value),
    },
    days={ColumnType.DATE: lambda value: value, ColumnType.TIMESTAMP: _day},
    ordered=True,
)
TEXTS = Family("texts", {ColumnType.STRING: lambda value: value, ColumnType.BOOLEAN: as_text}, sampled=True)
IDENTIFIERS = Family(
    "identifiers",
    {ColumnType.INTEGER: lambda value: value},
    ordered=True,
    sampled=True,
    drawn_by=lambda value: value,
)
HIDDEN = Family("hidden", dict.fromkeys(ColumnType, _known), listed=False, unpivots=False)
FAMILIES = (NUMBERS, TIMES, TEXTS, IDENTIFIERS, HIDDEN)


def family_of(each: PublishedColumn) -> Family:
    """Where a column's values are counted. Without a natural order of size an id is only a name."""
    if each.sensitive:
        return HIDDEN
    if each.identifies and each.type in IDENTIFIERS.read:
        return IDENTIFIERS
    return next(family for family in (NUMBERS, TIMES, TEXTS) if each.type in family.read)


@dataclass(frozen=True)
class Counting:
    """What is counted: the columns, in order, of the rows of `source`, in all and in each split.

    `in_one_scan` counts all columns of a family by one GROUP BY over unpivoted rows: the query does not grow
    with the columns, and each value costs two to three times as much.
    """

    source: exp.Expr
    columns: tuple[PublishedColumn, ...]
    split: str | None
    in_one_scan: bool = False

    @property
    def counters(self) -> tuple[str, ...]:
        """Those of `SCOPES` that are counted."""
        return tuple(SCOPES) if self.split else tuple(SCOPES)[:1]

    @property
    def families(self) -> tuple[Family, ...]:
        """Those that have a column."""
        return tuple(family for family in FAMILIES if self.places(family))

    def places(self, family: Family, *types: ColumnType) -> list[int]:
        """Where the columns of a family stand, or those of them that are of some types."""
        wanted = types or tuple(family.read)
        return [
            place
            for place, each in enumerate(self.columns)
            if each.type in wanted and family_of(each) is family
        ]

    def staged(self) -> exp.Expr:
        """The rows, named, so that no column is mistaken for one of the counts'."""
        return exp.alias_(self.source, _STAGED, table=True)

    def counts(self, family: Family) -> exp.Query:
        """One row for each value of each column: how many rows hold it."""
        if self.in_one_scan and family.unpivots:
            return self._count_unpivoted(family)
        return union([self._count(family, place) for place in self.places(family)])

    def _count(self, family: Family, place: int) -> exp.Query:
        each = self.columns[place]
        read = family.read[each.type](column(each.name, _STAGED))
        days = [named(family.days[each.type](read.copy()), "day")] if family.days else []
        shown = [named(number(place), "field"), named(read, "value"), *days]
        split = column(self.split, _STAGED) if self.split else None
        return select([*shown, *self._counters(split)], self.staged(), by=[column(each.name, _STAGED)])

    def _count_unpivoted(self, family: Family) -> exp.Query:
        """Columns called `_0`, `_1` … become rows: their names are in `field`, their values in `value`."""
        place = exp.cast(exp.Substring(this=column("field"), start=number(2)), "BIGINT")
        days = [named(self._day(family), "day")] if family.days else []
        split = column("split_code", _UNPIVOTED) if self.split else None
        shown = [named(place, "field"), column("value"), *days, *self._counters(split)]
        by = [column("field", _UNPIVOTED), column("value", _UNPIVOTED)]
        return select(shown, self._unpivoted(family), by=by)

    def _unpivoted(self, family: Family) -> exp.Expr:
        columns = [
            named(family.read[each.type](column(each.name, _STAGED)), f"_{place}")
            for place, each in enumerate(self.columns)
            if family_of(each) is family
        ]
        split = [named(column(self.split, _STAGED), "split_code")] if self.split else []
        rows = select([*columns, *split], self.staged()).subquery(copy=False)
        return unpivoted(rows, "value", "field", [each.alias for each in columns], include_nulls=True)

    def _day(self, family: Family) -> exp.Expr:
        """The day of an unpivoted value, by the type of its column."""
        chosen = [
            exp.If(this=self._unpivoted_from(family, kind), true=day_of(column("value")))
            for kind, day_of in family.days.items()
            if self.places(family, kind)
        ]
        return exp.Case(ifs=chosen)

    def _unpivoted_from(self, family: Family, kind: ColumnType) -> exp.Expr:
        names = [text(f"_{place}") for place in self.places(family, kind)]
        return exp.In(this=column("field", _UNPIVOTED), expressions=names)

    def _counters(self, split: exp.Expr | None) -> list[exp.Expr]:
        """How many rows there are, in all and in each split."""
        splits = [
            named(exp.CountIf(this=split.copy().eq(number(code))), f"n_{name}")
            for code, name in NAMES.items()
            if split
        ]
        return [named(exp.Count(this=exp.Star()), "n"), *splits]

    def totals(self, family: Family) -> exp.Query:
        """Rows, nulls, cardinality and what the family allows of ends and sum, for each column and scope."""
        value, rows = column("value"), column("held")
        nulls = exp.Case(ifs=[exp.If(this=is_null(), true=rows.copy())], default=number(0))
        ends = {"low": as_text(least("value")), "high": as_text(most("value"))} if family.ordered else {}
        sums = {"total": as_text(exp.Sum(this=value * rows))} if family.summed else {}
        shown = answer(
            kind=text("total"),
            field=column("field"),
            scope=column("scope"),
            n=exp.Sum(this=rows.copy()),
            missing=exp.Sum(this=nulls),
            cardinality=exp.Count(this=value),
            **ends,
            **sums,
        )
        counted = unpivoted(table(family.name), "held", "scope", self.counters)
        return select(shown, counted, rows > number(0), by=[column("field"), column("scope")])
