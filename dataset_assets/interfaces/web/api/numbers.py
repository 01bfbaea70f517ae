"""Statistics with numbers as JSON numbers, as the Domain specification shows them.

Records keep decimals as exact text. Numbers of JSON are rounded to the nearest double, which is what most
clients read anyway; `statistics` of a publication has the exact texts.
"""

from collections.abc import Mapping
from typing import Any

from dataset_assets.contract.model import ColumnType

NUMERIC = frozenset({ColumnType.DECIMAL.value, ColumnType.INTEGER.value})
_VALUES = frozenset({"min", "max", "median", "low", "high", "value"})


def with_numbers(statistics: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    """Return a column's statistics, as JSON, with numbers for the texts of a numeric type."""
    if kind not in NUMERIC:
        return dict(statistics)
    return {key: _value(key, each) for key, each in statistics.items()}


def _value(key: str, value: Any) -> Any:
    match value:
        case str() if key in _VALUES:
            return number(value)
        case list() | tuple() if key == "sample_values":
            return [number(each) if isinstance(each, str) else each for each in value]
        case list() | tuple():
            return [_value(key, each) for each in value]
        case Mapping():
            return {inner: _value(inner, each) for inner, each in value.items()}
    return value


def number(text: str) -> int | float:
    """Return the number that a text writes: whole if the text is."""
    try:
        return int(text)
    except ValueError:
        return float(text)
