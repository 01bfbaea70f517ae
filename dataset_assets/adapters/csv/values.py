"""How a text of a CSV file becomes a value of its declared type: exactly, or not at all.

Each type has a pattern of the texts that are its values. DuckDB's own casts take more (`1e3` or `1.5` for an
integer, a tenth decimal place, `yes` for true), so the pattern stands in front of the cast.
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
class Reading:
    """Which texts are values of a type, what they look like for people, and what to do about others."""

    pattern: str
    example: str
    hint: str = "fix the file, or declare the column as what it is"


def reading(kind: ColumnType, form: CsvFormat) -> Reading | None:
    """Return how texts of a type are read; None where every text is a value."""
    return _READINGS[kind](form)


def _integer(form: CsvFormat) -> Reading:
    return Reading(f"[+-]?{form.whole_number()}", "an integer of 64 bits")


def decimal_parts(form: CsvFormat) -> tuple[str, str]:
    """Return the pattern of decimals that fit 18 digits and are fast to read, and that of all that fit."""
    point, whole = re.escape(form.decimal), form.whole_number()
    return (
        rf"[+-]?[0-9]{{1,9}}(?:{point}[0-9]{{0,9}})?",
        rf"[+-]?(?:{whole}(?:{point}[0-9]{{0,9}}0*)?|{point}[0-9]{{1,9}}0*)",
    )


def rounded_parts(form: CsvFormat) -> tuple[str, str]:
    """Return the patterns of decimals that are rounded to nine places, and of those with an exponent."""
    point, whole = re.escape(form.decimal), form.whole_number()
    plain = f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    return plain, plain + _EXPONENT


def _decimal(form: CsvFormat) -> Reading:
    exact = decimal_parts(form)[1]
    if form.extra_decimals == "round":
        return Reading(f"{exact}|{rounded_parts(form)[0]}(?:{_EXPONENT})?", "a decimal of up to 29 digits")
    example = f"a decimal such as 1234{form.decimal}5, with up to 29 digits and nine decimal places"
    return Reading(exact, example, "fix the file; or `decimal`, `thousands`, `extra_decimals` in the target")


def _boolean(_: CsvFormat) -> Reading:
    return Reading(_BOOLEANS, "a boolean (true, false, t, f, 1 or 0)")


def _date(form: CsvFormat) -> Reading:
    if form.date_format:
        return Reading(format_pattern(form.date_format), f"a date as {form.date_format}")
    return Reading(ISO_DATE, "a date such as 2026-01-31", 'say its `date_format` in the target: "%d.%m.%Y"')


def _timestamp(form: CsvFormat) -> Reading:
    if form.timestamp_format:
        return Reading(format_pattern(form.timestamp_format), f"a timestamp as {form.timestamp_format}")
    hint = 'say its `timestamp_format` in the target: "%d.%m.%Y %H:%M:%S"'
    return Reading(ISO_TIMESTAMP, "a timestamp such as 2026-01-31 10:30:00, no finer than microseconds", hint)


_READINGS: Mapping[ColumnType, Callable[[CsvFormat], Reading | None]] = {
    ColumnType.STRING: lambda _: None,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
}


@dataclass(frozen=True)
class Judge:
    """Tells of texts of one column whether they are values of its type, as DuckDB's casts do."""

    column: ColumnDef
    form: CsvFormat

    def __post_init__(self) -> None:
        found = reading(self.column.type, self.form)
        object.__setattr__(self, "_pattern", re.compile(f"(?:{found.pattern})") if found else None)

    def fits(self, text: str) -> bool:
        """Whether the text is NULL or a value."""
        pattern: re.Pattern[str] | None = getattr(self, "_pattern", None)
        if pattern is None or text in self.form.nulls:
            return True
        return bool(pattern.fullmatch(text)) and _VALID[self.column.type](text, self.form)


def _in_64_bits(text: str, form: CsvFormat) -> bool:
    return -(2**63) <= int(text.replace(form.thousands or "\0", "")) < 2**63


def _in_38_digits(text: str, form: CsvFormat) -> bool:
    plain = text.replace(form.thousands or "\0", "").replace(form.decimal, ".")
    try:
        return Decimal(plain).copy_abs() <= _LARGEST
    except InvalidOperation:
        return False


def _is_day(text: str, form: CsvFormat) -> bool:
    try:
        datetime.strptime(text, form.date_format or "%Y-%m-%d")  # noqa: DTZ007 - a day
    except ValueError:
        return False
    return True


def _is_instant(text: str, form: CsvFormat) -> bool:
    """Years run from 1 to 9999 in UTC too; a zone's own offset is at most a day."""
    try:
        own = form.timestamp_format
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
