"""Define which texts of a CSV file are values of each declared type.

Each type has a pattern of its valid texts. DuckDB's own casts accept more (`1e3` or `1.5` for an integer, a
tenth decimal place, `yes` for true), so a text is matched with the pattern before it is cast.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.csv.time_formats import ISO_DATE, ISO_OFFSET, ISO_TIMESTAMP, format_pattern
from dataset_assets.contract.model import ColumnDef, ColumnType

_LARGEST = Decimal(f"{'9' * 29}.{'9' * 9}")
_BOOLEANS = "(?i:true|false|t|f|1|0)"
_EXPONENT = "[eE][+-]?[0-9]{1,3}"


@dataclass(frozen=True)
class TextPattern:
    """The pattern of the valid texts of a type, with an example and a hint for error messages."""

    pattern: str
    example: str
    hint: str = "fix the file, or declare the column as what it is"


def text_pattern(kind: ColumnType, csv_format: CsvFormat) -> TextPattern | None:
    """Return the pattern of a type's texts; None if every text is valid."""
    return _PATTERNS[kind](csv_format)


def _integer(csv_format: CsvFormat) -> TextPattern:
    return TextPattern(f"[+-]?{csv_format.whole_number()}", "an integer of 64 bits")


def decimal_parts(csv_format: CsvFormat) -> tuple[str, str]:
    """Return the pattern of decimals of at most 18 digits, and that of all exact decimals."""
    point, whole = re.escape(csv_format.decimal), csv_format.whole_number()
    return (
        rf"[+-]?[0-9]{{1,9}}(?:{point}[0-9]{{0,9}})?",
        rf"[+-]?(?:{whole}(?:{point}[0-9]{{0,9}}0*)?|{point}[0-9]{{1,9}}0*)",
    )


def rounded_parts(csv_format: CsvFormat) -> tuple[str, str]:
    """Return the patterns of decimals that are rounded to nine places, without and with an exponent."""
    point, whole = re.escape(csv_format.decimal), csv_format.whole_number()
    plain = f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    return plain, plain + _EXPONENT


def _decimal(csv_format: CsvFormat) -> TextPattern:
    exact = decimal_parts(csv_format)[1]
    if csv_format.extra_decimals == "round":
        return TextPattern(
            f"{exact}|{rounded_parts(csv_format)[0]}(?:{_EXPONENT})?", "a decimal of up to 29 digits"
        )
    example = f"a decimal such as 1234{csv_format.decimal}5, with up to 29 digits and nine decimal places"
    return TextPattern(
        exact, example, "fix the file; or `decimal`, `thousands`, `extra_decimals` in the target"
    )


def _boolean(_: CsvFormat) -> TextPattern:
    return TextPattern(_BOOLEANS, "a boolean (true, false, t, f, 1 or 0)")


def _date(csv_format: CsvFormat) -> TextPattern:
    if csv_format.date_format:
        return TextPattern(format_pattern(csv_format.date_format), f"a date as {csv_format.date_format}")
    return TextPattern(
        ISO_DATE, "a date such as 2026-01-31", 'say its `date_format` in the target: "%d.%m.%Y"'
    )


def _timestamp(csv_format: CsvFormat) -> TextPattern:
    if csv_format.timestamp_format:
        return TextPattern(
            format_pattern(csv_format.timestamp_format), f"a timestamp as {csv_format.timestamp_format}"
        )
    hint = 'say its `timestamp_format` in the target: "%d.%m.%Y %H:%M:%S"'
    return TextPattern(
        ISO_TIMESTAMP, "a timestamp such as 2026-01-31 10:30:00, no finer than microseconds", hint
    )


_PATTERNS: Mapping[ColumnType, Callable[[CsvFormat], TextPattern | None]] = {
    ColumnType.STRING: lambda _: None,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
}


@dataclass(frozen=True)
class ValueCheck:
    """Checks in Python whether texts are values of a column's type, consistent with DuckDB's casts."""

    column: ColumnDef
    csv_format: CsvFormat

    def __post_init__(self) -> None:
        found = text_pattern(self.column.type, self.csv_format)
        object.__setattr__(self, "_pattern", re.compile(f"(?:{found.pattern})") if found else None)

    def accepts(self, text: str) -> bool:
        """Return whether the text is NULL or a value of the type."""
        pattern: re.Pattern[str] | None = getattr(self, "_pattern", None)
        if pattern is None or text in self.csv_format.nulls:
            return True
        return bool(pattern.fullmatch(text)) and _VALID[self.column.type](text, self.csv_format)


def _in_64_bits(text: str, csv_format: CsvFormat) -> bool:
    return -(2**63) <= int(text.replace(csv_format.thousands or "\0", "")) < 2**63


def _in_38_digits(text: str, csv_format: CsvFormat) -> bool:
    plain = text.replace(csv_format.thousands or "\0", "").replace(csv_format.decimal, ".")
    try:
        return Decimal(plain).copy_abs() <= _LARGEST
    except InvalidOperation:
        return False


def _is_day(text: str, csv_format: CsvFormat) -> bool:
    try:
        datetime.strptime(text, csv_format.date_format or "%Y-%m-%d")  # noqa: DTZ007 - a day
    except ValueError:
        return False
    return True


def _is_instant(text: str, csv_format: CsvFormat) -> bool:
    """Return whether the text is a timestamp within the years 1 to 9999 in UTC."""
    try:
        own = csv_format.timestamp_format
        found = datetime.strptime(text, own) if own else _iso(text)  # noqa: DTZ007 - has a zone or none
        offset = found.utcoffset() or timedelta()
        return date.min <= (found.replace(tzinfo=UTC) - offset).date() <= date.max
    except (ValueError, OverflowError):
        return False


def _iso(text: str) -> datetime:
    offset = re.search(f"{ISO_OFFSET}$", text[16:])
    clock = text[: len(text) - len(offset[0])] if offset else text
    whole, point, fraction = clock.partition(".")
    zone = "" if offset is None else offset[0] if len(offset[0]) != 3 else f"{offset[0]}:00"
    return datetime.fromisoformat(f"{whole}{point}{fraction[:6]}{zone}")


_VALID: Mapping[ColumnType, Callable[[str, CsvFormat], bool]] = {
    ColumnType.STRING: lambda _text, _form: True,
    ColumnType.INTEGER: _in_64_bits,
    ColumnType.DECIMAL: _in_38_digits,
    ColumnType.BOOLEAN: lambda _text, _form: True,
    ColumnType.DATE: _is_day,
    ColumnType.TIMESTAMP: _is_instant,
}
