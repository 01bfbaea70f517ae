"""Read column values from hive partition paths such as `orders/dt=2026-01-31/part-0.parquet`."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from urllib.parse import unquote

from dataset_assets.contract.model import ColumnType

_NULL = "__HIVE_DEFAULT_PARTITION__"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    _DATE.pattern + r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")


def path_values(root: Path, path: Path) -> Mapping[str, str | None]:
    """Return the values of the folders `name=value` between `root` and a file; None for NULL."""
    parts = (part.partition("=") for part in path.relative_to(root).parent.parts)
    found = {unquote(name): unquote(value) for name, is_pair, value in parts if name and is_pair}
    return {name: None if value == _NULL else value for name, value in found.items()}


def typed_value(kind: ColumnType, text: str | None) -> tuple[str, str | None]:
    """Return DuckDB's type for a value and the value in DuckDB's notation.

    Raises ValueError for an invalid text.
    """
    if text is None:
        return _NULL_TYPES[kind], None
    return _READ[kind](text)


def _integer(text: str) -> tuple[str, str]:
    if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError
    return "BIGINT", str(int(text))


def _decimal(text: str) -> tuple[str, str]:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    with localcontext() as context:
        context.prec = 100
        value = Decimal(text)
        exact = value.quantize(Decimal("1e-9"))
    if exact != value or abs(value) >= 10**29:
        raise ValueError
    return "DECIMAL(38,9)", f"{exact:f}"


def _boolean(text: str) -> tuple[str, str]:
    if text.lower() not in {"true", "false"}:
        raise ValueError
    return "BOOLEAN", text.lower()


def _date(text: str) -> tuple[str, str]:
    if not _DATE.fullmatch(text):
        raise ValueError
    return "DATE", date.fromisoformat(text).isoformat()


def _timestamp(text: str) -> tuple[str, str]:
    if not _TIME.fullmatch(text) and not _DATE.fullmatch(text):
        raise ValueError
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        return "TIMESTAMP", found.isoformat(" ")
    return "TIMESTAMP WITH TIME ZONE", found.astimezone(UTC).isoformat(" ")


_READ: Mapping[ColumnType, Callable[[str], tuple[str, str]]] = {
    ColumnType.STRING: lambda text: ("VARCHAR", text),
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
}
_NULL_TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(38,9)",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
