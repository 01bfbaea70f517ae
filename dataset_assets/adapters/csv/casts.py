"""Build the SQL that casts texts of a CSV file to their declared types, guarded by patterns."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.csv.time_formats import ISO_OFFSET
from dataset_assets.adapters.csv.values import TextPattern, decimal_parts, rounded_parts, text_pattern
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.compiler.typing import CASTS as DECLARED_CASTS
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.sql.build import text
from dataset_assets.sql.nodes import FloatAsDecimal

_FIRST, _LAST = "0001-01-01 00:00:00+00:00", "9999-12-31 23:59:59.999999+00:00"

Cast = Callable[[exp.Expr, CsvFormat, str], exp.Expr]


def declared(value: exp.Expr, column: ColumnDef, csv_format: CsvFormat, zone: str) -> exp.Expr:
    """Return the SQL of a value of the declared type or NULL. Its evaluation fails for any other text."""
    value = _with_nulls(value, csv_format)
    pattern = text_pattern(column.type, csv_format)
    if pattern is None:
        return value
    return _guarded(value, column, pattern, CASTS[column.type](value, csv_format, zone))


def _guarded(value: exp.Expr, column: ColumnDef, pattern: TextPattern, cast: exp.Expr) -> exp.Expr:
    refused = duckdb_nodes.failure(f"{column.name} is not {pattern.example}")
    return exp.Case().when(exp.not_(matches(value, pattern.pattern)), refused).else_(cast)


def _with_nulls(value: exp.Expr, csv_format: CsvFormat) -> exp.Expr:
    """Return NULL for a text that means NULL. DuckDB's reader already does so for the empty text."""
    nulls = [each for each in csv_format.nulls if each]
    if not nulls:
        return value
    is_null = exp.In(this=value.copy(), expressions=[text(each) for each in nulls])
    return exp.Case().when(is_null, exp.null()).else_(value)


def matches(value: exp.Expr, pattern: str) -> exp.Expr:
    """Return whether the whole text matches a pattern."""
    return exp.Anonymous(this="regexp_full_match", expressions=[value.copy(), text(f"(?:{pattern})")])


def _plain_number(value: exp.Expr, csv_format: CsvFormat) -> exp.Expr:
    """Return the text with `.` as decimal separator and without separators of thousands."""
    for mark, put in (
        (csv_format.thousands, ""),
        (csv_format.decimal if csv_format.decimal != "." else None, "."),
    ):
        if mark:
            value = _call("replace", value.copy(), mark, put)
    return value.copy()


def _call(name: str, value: exp.Expr, *arguments: str) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[value, *(text(each) for each in arguments)])


def _integer(value: exp.Expr, csv_format: CsvFormat, zone: str) -> exp.Expr:  # noqa: ARG001
    return exp.cast(_plain_number(value, csv_format), SQL_TYPES[ColumnType.INTEGER])


def _decimal(value: exp.Expr, csv_format: CsvFormat, zone: str) -> exp.Expr:  # noqa: ARG001
    """Cast to decimal. Most decimals fit 64 bits, which DuckDB casts 30 times as fast as 128 bits."""
    target, plain = SQL_TYPES[ColumnType.DECIMAL], _plain_number(value, csv_format)
    short, _ = decimal_parts(csv_format)
    fast = exp.cast(exp.cast(plain, "DECIMAL(18, 9)"), target)
    found = exp.Case().when(matches(value, short), fast)
    if csv_format.extra_decimals == "round":
        number = exp.cast(plain.copy(), "DOUBLE")
        _, exponent = rounded_parts(csv_format)
        found = found.when(
            matches(value, exponent), FloatAsDecimal(this=number, to=exp.DataType.build(target))
        )
    return found.else_(exp.cast(plain.copy(), target))


def _boolean(value: exp.Expr, csv_format: CsvFormat, zone: str) -> exp.Expr:  # noqa: ARG001
    return exp.In(this=_call("lower", value.copy()), expressions=[text(each) for each in ("true", "t", "1")])


def _date(value: exp.Expr, csv_format: CsvFormat, zone: str) -> exp.Expr:  # noqa: ARG001
    found = (
        _call("strptime", value.copy(), csv_format.date_format) if csv_format.date_format else value.copy()
    )
    return exp.cast(found, SQL_TYPES[ColumnType.DATE])


def _timestamp(value: exp.Expr, csv_format: CsvFormat, zone: str) -> exp.Expr:
    """Cast to an instant: by the offset in the text, or without one by the table's zone (BR-128)."""
    if csv_format.timestamp_format:
        found = _call("strptime", value.copy(), csv_format.timestamp_format)
        has_offset = "%z" in re.sub("%%", "", csv_format.timestamp_format)
        instant = found if has_offset else _in_zone(found, zone)
    elif zone == "UTC":
        instant = exp.cast(value.copy(), SQL_TYPES[ColumnType.TIMESTAMP])
    else:
        naive = _in_zone(exp.cast(value.copy(), "TIMESTAMP"), zone)
        offset = exp.cast(value.copy(), SQL_TYPES[ColumnType.TIMESTAMP])
        instant = exp.Case().when(matches(value, f".*[0-9]{ISO_OFFSET}"), offset).else_(naive)
    return _within_years(instant)


def _in_zone(value: exp.Expr, zone: str) -> exp.Expr:
    """Return the instant of a naive time in a zone, as for naive timestamps of any other source (BR-128)."""
    naive = PhysicalColumn("", PhysicalType.DATETIME, "TIMESTAMP")
    return DECLARED_CASTS[ColumnType.TIMESTAMP, PhysicalType.DATETIME](value, naive, zone)


def _within_years(instant: exp.Expr) -> exp.Expr:
    """Fail for an instant outside the years 1 to 9999, which offsets at their ends can reach."""
    bounds = [exp.cast(text(each), SQL_TYPES[ColumnType.TIMESTAMP]) for each in (_FIRST, _LAST)]
    outside = exp.not_(exp.Between(this=instant.copy(), low=bounds[0], high=bounds[1]))
    refused = duckdb_nodes.failure("a timestamp is outside the years 1 to 9999")
    return exp.Case().when(outside, refused).else_(instant)


CASTS: Mapping[ColumnType, Cast] = {
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
}


def read(paths: list[Any], width: int, csv_format: CsvFormat, scan_options: Mapping[str, Any]) -> exp.Table:
    """Return the rows of files as texts, in columns `column0`, `column1` and so on.

    DuckDB needs a text for NULL: if the empty text is a value, it is one that no file contains.
    """
    options = {
        "auto_detect": False,
        "delim": csv_format.delimiter,
        "quote": csv_format.quote,
        "escape": csv_format.escape or csv_format.quote,
        "header": False,
        "columns": {name_of(at): "VARCHAR" for at in range(width)},
        "strict_mode": True,
        "null_padding": False,
        "ignore_errors": False,
        "nullstr": ["" if "" in csv_format.nulls else "\x1f\x1e\x1f"],
        **scan_options,
    }
    return duckdb_nodes.read_csv(paths, options)


def name_of(at: int) -> str:
    """Return the name of a file's column in the relation, by its position from 0."""
    return f"column{at}"
