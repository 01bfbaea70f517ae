"""The dialects that queries are rendered for. What differs is a table of nodes, never an `if`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.dialects.dialect import rename_func
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel
from sqlglot.errors import UnsupportedError as SqlglotUnsupportedError
from sqlglot.generator import Generator
from sqlglot.transforms import preprocess, remove_precision_parameterized_types

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.sql.nodes import (
    ClockTime,
    DecimalText,
    Fingerprint,
    FingerprintPart,
    FirstBy,
    FloatAsDecimal,
    SingleAsDouble,
)


def _template(form: str) -> Callable[[Generator, exp.Expr], str]:
    """Writes a node as `form`, its arguments put in by name."""

    def write(generator: Generator, node: exp.Expr) -> str:
        return form.format(**{name: generator.sql(argument) for name, argument in node.args.items()})

    return write


def _written(form: exp.Expr) -> Callable[[Generator, exp.Expr], str]:
    """Writes a node as the AST `form`, its arguments in place of the placeholders of their names."""

    def write(generator: Generator, node: exp.Expr) -> str:
        return generator.sql(exp.replace_placeholders(form.copy(), **node.args))

    return write


def _not(generator: Generator, node: exp.Expr) -> str:
    """`x IS NOT NULL`, where sqlglot writes `NOT x IS NULL`."""
    what = node.this
    if isinstance(what, exp.Is) and isinstance(what.expression, exp.Null):
        return f"{generator.sql(what.this)} IS NOT NULL"
    return f"NOT {generator.sql(what)}"


_SHORTEST_DECIMAL = parse_one(
    "CASE WHEN ABS(:this * 1e9 - ROUND(:this * 1e9)) < 0.5 - ABS(:this) * 2.5e-7"
    " THEN CAST(CAST(:this AS DOUBLE) AS DECIMAL(38, 9))"
    " WHEN ABS(:this) < 1e13 AND ROUND(:this * 1e2) / 1e2 = :this"
    " THEN CAST(CAST(ROUND(:this * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9))"
    " AS DECIMAL(38, 9))"
    " ELSE CAST(CAST(:this AS VARCHAR) AS DECIMAL(38, 9)) END",
    dialect="duckdb",
)
"""The shortest text names the decimal, but writing it is slow. It lies at most half a unit of the last
bit away from the float, and so does the product by 1e9: where both together (2.3e-16 of the value) cannot
reach the next integer, arithmetic is right. So it is for cents of fifteen digits: they are the shortest
text."""
_SHORTEST_SINGLE = parse_one(
    "CASE WHEN ABS(:this) < 1e4 AND CAST(ROUND(CAST(:this AS DOUBLE) * 1e2) / 1e2 AS FLOAT) = :this"
    " THEN ROUND(CAST(:this AS DOUBLE) * 1e2) / 1e2"
    " WHEN CAST(PRINTF('%.6g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.6g', :this) AS DOUBLE)"
    " WHEN CAST(PRINTF('%.7g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.7g', :this) AS DOUBLE)"
    " WHEN CAST(PRINTF('%.8g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.8g', :this) AS DOUBLE)"
    " ELSE CAST(PRINTF('%.9g', :this) AS DOUBLE) END",
    dialect="duckdb",
)
"""DuckDB's own text of a 32-bit float is not the shortest: that of 334667.62 is 334667.625. Six digits are
always the shortest text, so cents below ten thousand need no text."""
_SHORTEST_NUMERIC = (
    "CAST(CASE WHEN CAST(FORMAT('%.15g', {this}) AS FLOAT64) = {this} THEN FORMAT('%.15g', {this})"
    " WHEN CAST(FORMAT('%.16g', {this}) AS FLOAT64) = {this} THEN FORMAT('%.16g', {this})"
    " ELSE FORMAT('%.17g', {this}) END AS NUMERIC)"
)
"""BigQuery's own text of a float has 15 digits or 17, where the shortest may have 16."""
_FIRST_INSTANT = parse_one(
    "CASE WHEN TIMEZONE(:zone, TIMEZONE(:zone, :this - INTERVAL '3' HOUR) + INTERVAL '3' HOUR)"
    " = CAST(:this AS TIMESTAMP)"
    " THEN TIMEZONE(:zone, :this - INTERVAL '3' HOUR) + INTERVAL '3' HOUR"
    " ELSE TIMEZONE(:zone, :this) END",
    dialect="duckdb",
)
"""DuckDB takes the second of the two instants that a clock shows when it is set back, BigQuery the first:
the one by the offset of three hours before."""


class DuckDBText(DuckDB):
    """DuckDB, where a C format string is `printf`."""

    class Generator(DuckDB.Generator):
        TRANSFORMS = {
            **DuckDB.Generator.TRANSFORMS,
            exp.Format: rename_func("printf"),
            exp.Not: _not,
            ClockTime: _written(_FIRST_INSTANT),
            FloatAsDecimal: _written(_SHORTEST_DECIMAL),
            SingleAsDouble: _written(_SHORTEST_SINGLE),
            # 128 bits take four times as long to write as 64, which hold almost every value
            DecimalText: _template(
                "COALESCE(CAST(TRY_CAST({this} AS DECIMAL(18, 9)) AS TEXT), CAST({this} AS TEXT))"
            ),
            FirstBy: _template("ARG_MIN({this}, {key}, {count})"),
            Fingerprint: rename_func("md5_number"),
            FingerprintPart: _template(
                "CAST(({this} >> CAST(64 * {part} AS UHUGEINT))"
                " & CAST(1152921504606846975 AS UHUGEINT) AS BIGINT)"
            ),
        }


class BigQueryText(BigQuery):
    """GoogleSQL, where md5_number is the reversed bytes' hexadecimal digits."""

    class Generator(BigQuery.Generator):
        TRANSFORMS = {
            **BigQuery.Generator.TRANSFORMS,
            exp.Not: _not,
            # sqlglot writes NUMERIC for DECIMAL(38, 9) in CAST, and forgets SAFE_CAST
            exp.TryCast: preprocess([remove_precision_parameterized_types]),
            ClockTime: _template("TIMESTAMP({this}, {zone})"),
            FloatAsDecimal: _template(_SHORTEST_NUMERIC),
            SingleAsDouble: _template("{this}"),
            DecimalText: _template("FORMAT('%.9f', {this})"),
            FirstBy: _template("ARRAY_AGG({this} ORDER BY {key} LIMIT {count})"),
            Fingerprint: _template("TO_HEX(REVERSE(MD5({this})))"),
            FingerprintPart: _template(
                "CAST(CAST(CONCAT('0x', SUBSTR({this}, 18 - 16 * {part}, 15)) AS INT64) AS NUMERIC)"
            ),
        }

        def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
            """A day or an instant that is known reads as a literal: `DATE '2018-01-01'`."""
            value, kind = expression.this, expression.to
            if safe_prefix is None and value.is_string and kind.is_type(*exp.DataType.TEMPORAL_TYPES):
                return f"{self.sql(kind)} {self.sql(value)}"
            return super().cast_sql(expression, safe_prefix)


@dataclass(frozen=True)
class Dialect:
    """How an engine writes SQL.

    `functions` are those that sqlglot has no node for and that are meant. `sorts_in_one_place`: a window
    without PARTITION BY goes through one worker, so that row numbers must be made bucket by bucket.
    """

    name: str
    text: type[SqlglotDialect]
    functions: frozenset[str] = frozenset()
    sorts_in_one_place: bool = False

    def render(self, query: exp.Expr, pretty: bool = True) -> str:
        """The text of a query. Raises UnsupportedError for what the dialect cannot say."""
        for call in query.find_all(exp.Anonymous):
            if call.name.lower() not in self.functions:
                raise UnsupportedError(Fault(f"{self.name} has no function {call.name!r} that we use"))
        try:
            return query.sql(
                dialect=self.text,
                pretty=pretty,
                normalize_functions=False,
                unsupported_level=ErrorLevel.RAISE,
            )
        except SqlglotUnsupportedError as error:
            raise UnsupportedError(Fault(f"{self.name} cannot say this query: {error}")) from error


DUCKDB = Dialect("duckdb", DuckDBText, frozenset({"read_parquet", "read_csv", "struct_pack"}))
BIGQUERY = Dialect("bigquery", BigQueryText, sorts_in_one_place=True)

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (DUCKDB, BIGQUERY)}
