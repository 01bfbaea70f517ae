"""How each type's values are read from a profile's answers, ordered, and laid out on a histogram's axis."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from dataset_assets.contract.model import ColumnType
from dataset_assets.stats.histogram import BINS, LEAST_WIDTH
from dataset_assets.stats.statistics import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MICROS = 86_400_000_000
_LAST_DAY = date.max - _EPOCH.date()
_EXACT = Context(prec=80)
_PLACES = Decimal(LEAST_WIDTH)


def day(number: Decimal | int) -> date:
    """The date that is so many days after 1970-01-01; never one after the last there is."""
    return _EPOCH.date() + min(timedelta(days=int(number)), _LAST_DAY)


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
    """A histogram's axis: where a value lies, how wide a bin is (as in the query), how an edge is shown."""

    point: Callable[[str], Decimal]
    width: Callable[[Decimal], Decimal]
    shown: Callable[[Decimal], Value]
    closed: bool = False
    """Whether the last bin ends at the greatest value and holds it."""

    def edges(self, low: str, high: str) -> list[Value]:
        """The edges of the bins, one more than there are bins."""
        with localcontext(_EXACT):
            first, last = self.point(low), self.point(high)
            width = self.width(last - first)
            count = min(BINS, int((last - first) // width) + 1)
            edges = [first + width * place for place in range(count + 1)]
            return [self.shown(edge) for edge in ([*edges[:-1], last] if self.closed else edges)]


@dataclass(frozen=True)
class Reading:
    """One type: its JSON value, and the order of its texts in the answers."""

    value: Callable[[str], Value]
    order: Callable[[str], bytes | Decimal]
    axis: Axis | None = None


def _iso_day(number: Decimal) -> str:
    return day(number).isoformat()


READINGS: Mapping[ColumnType, Reading] = {
    ColumnType.STRING: Reading(str, str.encode),
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
