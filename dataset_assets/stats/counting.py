"""How many rows hold each value of each column: what every statistic is derived from.

Columns of a kind share a CTE: `numbers`, `times`, `texts`, `identifiers`, and `hidden` for sensitive ones,
whose values never enter it (promise 6).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import big, column, number, table, text

COUNTERS = ("n", *(f"n_{name}" for name in NAMES.values()))
"""The columns that hold how many rows there are, in all and in each split."""
ANSWER = ("kind", "field", "scope", "place", *COUNTERS, "missing", "cardinality", "low", "high", "total")
"""The columns of an answer; `field` counts the profiled columns from 0, `scope` is `all` or a split."""
ALL = "all"
DECIMAL = "DECIMAL(38, 9)"
_STAGED = "staged"
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
    return [exp.Alias(this=fields.get(name) or exp.null(), alias=exp.to_identifier(name)) for name in ANSWER]


def union(queries: Sequence[exp.Query]) -> exp.Query:
    """UNION ALL of them."""
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False, copy=False)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """`value AS name`."""
    return exp.Alias(this=value, alias=exp.to_identifier(name))


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
HIDDEN = Family("hidden", dict.fromkeys(ColumnType, _known), listed=False)
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
    """What is counted: the columns, in order, of the rows of `source`, in all and in each split."""

    source: exp.Expr
    columns: tuple[PublishedColumn, ...]
    split: str | None

    @property
    def scopes(self) -> dict[str, str]:
        """Scope → the column of the counts that holds its rows."""
        splits = {name: f"n_{name}" for name in NAMES.values()} if self.split else {}
        return {ALL: "n", **splits}

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
        return union([self._count(family, place) for place in self.places(family)])

    def _count(self, family: Family, place: int) -> exp.Query:
        each = self.columns[place]
        read = family.read[each.type](column(each.name, _STAGED))
        days = [named(family.days[each.type](read.copy()), "day")] if family.days else []
        splits = [
            named(exp.CountIf(this=column(self.split, _STAGED).eq(number(code))), self.scopes[name])
            for code, name in NAMES.items()
            if self.split
        ]
        rows = named(exp.Count(this=exp.Star()), "n")
        shown = [named(number(place), "field"), named(read, "value"), *days, rows, *splits]
        return select(shown, self.staged(), by=[column(each.name, _STAGED)])

    def total(self, family: Family, scope: str) -> exp.Query:
        """Rows, nulls, cardinality and what the family allows of ends and sum, for each column."""
        counter = column(self.scopes[scope])
        nulls = exp.Case(ifs=[exp.If(this=is_null(), true=counter.copy())], default=number(0))
        ends = {"low": as_text(least("value")), "high": as_text(most("value"))} if family.ordered else {}
        sums = {"total": as_text(exp.Sum(this=column("value") * counter))} if family.summed else {}
        shown = answer(
            kind=text("total"),
            field=column("field"),
            scope=text(scope),
            n=exp.Sum(this=counter.copy()),
            missing=exp.Sum(this=nulls),
            cardinality=exp.Count(this=column("value")),
            **ends,
            **sums,
        )
        return select(shown, table(family.name), counter > number(0), by=[column("field")])
