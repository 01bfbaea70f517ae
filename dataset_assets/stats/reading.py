"""Define how each column type is read from a profile's answers: JSON value, sort order, histogram axis."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from dataset_assets.contract.model import ColumnType
from dataset_assets.stats.histogram import BINS, LEAST_WIDTH
from dataset_assets.stats.listing import LONGEST_TEXT
from dataset_assets.stats.statistics import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MICROS = 86_400_000_000
_LAST_DAY = date.max - _EPOCH.date()
_EXACT = Context(prec=80)
_PLACES = Decimal(LEAST_WIDTH)


def day(number: Decimal | int) -> date:
    """Return the date that is `number` days after 1970-01-01, at most 9999-12-31."""
    return _EPOCH.date() + min(timedelta(days=int(number)), _LAST_DAY)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _instant(micros: str) -> str:
    return (_EPOCH + timedelta(microseconds=int(Decimal(micros)))).isoformat()


def _decimal_text(number: Decimal) -> str:
    return f"{number.normalize(_EXACT):f}" if number else "0"


def _whole_width(reach: Decimal) -> Decimal:
    return Decimal(math.ceil((reach + 1) / BINS))


def _fine_width(reach: Decimal) -> Decimal:
    return max((reach / BINS).quantize(_PLACES, ROUND_HALF_UP, _EXACT), _PLACES)


@dataclass(frozen=True)
class Axis:
    """The axis of a histogram: a value's point, the width of a bin (as in the query), an edge's value."""

    point: Callable[[str], Decimal]
    width: Callable[[Decimal], Decimal]
    shown: Callable[[Decimal], Value]
    closed: bool = False
    """Whether the last bin ends at the greatest value and includes it."""

    def edges(self, least: str, greatest: str, first: Decimal, end: Decimal) -> list[Value]:
        """Return the edges of the bins, one more than there are bins.

        The bins divide the range from `first` to `end` evenly. The first bin begins at the least value and
        the last one ends at the greatest value if these are outside of the range.
        """
        with localcontext(_EXACT):
            low, high = self.point(least), self.point(greatest)
            width = self.width(end - first)
            count = min(BINS, int((high - first) // width) + 1)
            edges = [first + width * place for place in range(count + 1)]
            edges[0] = min(low, first)
            edges[-1] = high if self.closed else max(edges[-1], high + 1)
            return [self.shown(edge) for edge in edges]


@dataclass(frozen=True)
class Reading:
    """How one type is read: from an answer's text to its JSON value, the sort key of texts, and its axis."""

    value: Callable[[str], Value]
    order: Callable[[str], bytes | Decimal]
    axis: Axis | None = None


def middle(reading: Reading, low: Decimal, high: Decimal) -> Value:
    """Return the mean of two numbers: a value of the column if it is whole, else exact text."""
    with localcontext(_EXACT):
        mean = (low + high) / 2
        return reading.value(str(mean)) if mean == int(mean) else _decimal_text(mean)


def _iso_day(number: Decimal) -> str:
    return day(number).isoformat()


READINGS: Mapping[ColumnType, Reading] = {
    ColumnType.STRING: Reading(_cut, str.encode),
    ColumnType.BOOLEAN: Reading(lambda answer: answer == "true", str.encode),
    ColumnType.INTEGER: Reading(
        lambda answer: int(Decimal(answer)), Decimal, Axis(Decimal, _whole_width, int)
    ),
    ColumnType.DECIMAL: Reading(
        lambda answer: _decimal_text(Decimal(answer)),
        Decimal,
        Axis(Decimal, _fine_width, _decimal_text, closed=True),
    ),
    ColumnType.DATE: Reading(
        lambda answer: _iso_day(Decimal(answer)), Decimal, Axis(Decimal, _whole_width, _iso_day)
    ),
    ColumnType.TIMESTAMP: Reading(
        _instant, Decimal, Axis(lambda micros: Decimal(int(micros) // _DAY_MICROS), _whole_width, _iso_day)
    ),
}
