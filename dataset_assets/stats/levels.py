"""Compare how often the values of a column are in each part of the split, for columns with few values."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlglot import exp

from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import column, number, table, text
from dataset_assets.stats.counting import Counting, answer
from dataset_assets.stats.expressions import select
from dataset_assets.stats.families import TEXTS
from dataset_assets.stats.listing import shown_text
from dataset_assets.stats.reading import Reading
from dataset_assets.stats.statistics import SplitDeviation

LEVEL = "level"
MOST_LEVELS = 50
"""The most values, NULL included, of a column that is compared."""


def answers(counting: Counting) -> list[exp.Query]:
    """Return the query of the rows of each value in each part; none without a split or such columns."""
    if counting.split is None or TEXTS not in counting.families:
        return []
    few = select([column("field")], table(TEXTS.name), by=[column("field")])
    few = few.having(exp.Count(this=exp.Star()) <= number(MOST_LEVELS))
    counts = {name: column(name) for name in counting.counters}
    shown = answer(kind=text(LEVEL), field=column("field"), low=shown_text(column("value")), **counts)
    return [select(shown, table(TEXTS.name), exp.In(this=column("field"), query=few.subquery()))]


def split_deviation(levels: Sequence[Mapping[str, Any]], reading: Reading) -> SplitDeviation | None:
    """Return the value whose shares in the parts differ most; None if fewer than two parts have rows.

    Of values that differ equally it is the first, NULL before all others.
    """
    rows = {name: sum(int(level[f"n_{name}"]) for level in levels) for name in NAMES.values()}
    filled = [name for name, count in rows.items() if count]
    if len(filled) < 2:
        return None

    def shares(level: Mapping[str, Any]) -> dict[str, Fraction]:
        return {name: Fraction(100 * int(level[f"n_{name}"]), rows[name]) for name in filled}

    def difference(level: Mapping[str, Any]) -> Fraction:
        found = shares(level).values()
        return max(found) - min(found)

    def place(level: Mapping[str, Any]) -> tuple[bool, bytes | Decimal]:
        return (level["low"] is not None, b"" if level["low"] is None else reading.order(level["low"]))

    most = min(sorted(levels, key=place), key=lambda level: -difference(level))
    return SplitDeviation(
        value=None if most["low"] is None else reading.value(most["low"]),
        percents={name: float(share) for name, share in shares(most).items()},
        points=float(difference(most)),
    )
