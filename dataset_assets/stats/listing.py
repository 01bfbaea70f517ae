"""List values of each column: the most frequent ones and a few samples."""

from sqlglot import exp

from dataset_assets.sql.build import column, identifier, number, table, text
from dataset_assets.sql.nodes import FirstBy
from dataset_assets.stats.counting import Counting, answer
from dataset_assets.stats.expressions import as_text, is_null, named, select
from dataset_assets.stats.families import Family

TOP = 10
"""Most frequent values that are listed."""
SAMPLES = 3
"""Values in a sample."""
LONGEST_TEXT = 200
"""Characters after which a text is cut and ends with an ellipsis, to keep records small."""


def ctes(counting: Counting) -> dict[str, exp.Query]:
    """Return the CTEs from the counts of each family to its most frequent values, in order."""
    found: dict[str, exp.Query] = {}
    for family in counting.families:
        if family.listed:
            found[_frequencies(family)] = _count_frequencies(family)
            found[_least(family)] = _least_frequency(family)
    return found


def answers(counting: Counting) -> list[exp.Query]:
    """Return the queries of the answers: most frequent values and samples of each family."""
    found: list[exp.Query] = []
    for family in counting.families:
        if family.listed:
            found += [_more_frequent(family), _least_frequent(family)]
        if family.sampled:
            found.append(_samples(family))
    return found


def _frequencies(family: Family) -> str:
    return f"{family.name}_frequencies"


def _least(family: Family) -> str:
    return f"{family.name}_least"


def _count_frequencies(family: Family) -> exp.Query:
    """Count the values of each column that have the same number of rows."""
    shown = [column("field"), column("n"), named(exp.Count(this=exp.Star()), "held_by")]
    return select(shown, table(family.name), exp.Not(this=is_null()), by=[column("field"), column("n")])


def _least_frequency(family: Family) -> exp.Query:
    """Return the number of rows of each column's tenth value; values with more rows are in the list."""
    order = exp.Order(expressions=[exp.Ordered(this=column("n"), desc=True, nulls_first=False)])
    upto = exp.Window(this=exp.Sum(this=column("held_by")), partition_by=[column("field")], order=order)
    shown = [column("field"), column("n"), named(upto - column("held_by"), "before")]
    running = select(shown, table(_frequencies(family))).subquery("running", copy=False)
    least = named(exp.Min(this=column("n")), "n")
    return select([column("field"), least], running, column("before") < number(TOP), by=[column("field")])


def _joined(family: Family, shown: list[exp.Expr], *where: exp.Expr) -> exp.Select:
    """Join the values that are not NULL with the number of rows of their column's tenth value."""
    values, least = family.name, _least(family)
    found = select(
        shown,
        table(values),
        exp.Not(this=exp.Is(this=column("value", values), expression=exp.null())),
        *where,
    )
    same = column("field", values).eq(column("field", least))
    return found.join(table(least), on=same, copy=False)


def _more_frequent(family: Family) -> exp.Query:
    """Return the values with more rows than the tenth value: fewer than ten of each column."""
    values = family.name
    shown = answer(
        kind=text("top"),
        field=column("field", values),
        n=column("n", values),
        low=shown_text(column("value", values)),
    )
    return _joined(family, shown, column("n", values) > column("n", _least(family)))


def _least_frequent(family: Family) -> exp.Query:
    """Return the first values with as many rows as the tenth value; the reader keeps ten in all."""
    values, least = family.name, _least(family)
    value = column("value", values)
    first = named(FirstBy(this=value, key=value.copy(), count=number(TOP)), "listed")
    same = column("n", values).eq(column("n", least))
    shown = [column("field", values), column("n", least), first]
    tied = _joined(family, shown, same).group_by(column("field", values), column("n", least), copy=False)
    return _unnested("top", tied, n=column("n", "tied"))


def _samples(family: Family) -> exp.Query:
    """Return a few values of each column; texts are sampled by their MD5, so each run has the same sample."""
    key = family.drawn_by(column("value"))
    first = named(FirstBy(this=column("value"), key=key, count=number(SAMPLES)), "listed")
    shown = [column("field"), first]
    drawn = select(shown, table(family.name), exp.Not(this=is_null()), by=[column("field")])
    return _unnested("sample", drawn)


def _unnested(kind: str, lists: exp.Select, **more: exp.Expr) -> exp.Query:
    """Return one answer for each element of the column `listed`."""
    low = shown_text(column("element"))
    shown = answer(kind=text(kind), field=column("field", "tied"), low=low, **more)
    elements = exp.Unnest(
        expressions=[column("listed", "tied")],
        alias=exp.TableAlias(this=identifier("elements"), columns=[identifier("element")]),
    )
    query = select(shown, lists.subquery("tied", copy=False))
    return query.join(elements, join_type="cross", copy=False)


def shown_text(value: exp.Expr) -> exp.Expr:
    """Return the text of a value, cut one character after the limit, so that readers notice the cut."""
    return exp.Substring(this=as_text(value), start=number(1), length=number(LONGEST_TEXT + 1))
