"""Render a query as DuckDB's or BigQuery's SQL.

Tables give the text of each node that the two dialects write differently.
"""

import re
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
from dataset_assets.sql.as_of_joins import as_of_merge, as_of_ranges
from dataset_assets.sql.nodes import (
    AsOfJoin,
    ChangedLabels,
    ClockTime,
    CreateSnapshot,
    DecimalText,
    Fingerprint,
    FingerprintPart,
    FirstBy,
    FloatAsDecimal,
    LabelsText,
    LabelValue,
    MicrosecondsSince,
    RowHash,
    SaltedHash,
    SingleAsDouble,
    UtcTime,
)


def _template(form: str) -> Callable[[Generator, exp.Expr], str]:
    """Return a function that renders a node as the text `form` with its arguments by name."""

    def write(generator: Generator, node: exp.Expr) -> str:
        return form.format(**{name: generator.sql(argument) for name, argument in node.args.items()})

    return write


def _ast_template(form: exp.Expr) -> Callable[[Generator, exp.Expr], str]:
    """Return a function that renders a node as the AST `form` with its arguments as placeholders by name."""

    def write(generator: Generator, node: exp.Expr) -> str:
        return generator.sql(exp.replace_placeholders(form.copy(), **node.args))

    return write


def _not(generator: Generator, node: exp.Expr) -> str:
    """Render `x IS NOT NULL` instead of sqlglot's `NOT x IS NULL`."""
    what = node.this
    if isinstance(what, exp.Is) and isinstance(what.expression, exp.Null):
        return f"{generator.sql(what.this)} IS NOT NULL"
    return f"NOT {generator.sql(what)}"


def _format(generator: Generator, node: exp.Expr) -> str:
    """Render `FORMAT('%04x', n)` as `FORMAT('{:04x}', n)`, which DuckDB writes faster than its `PRINTF`."""
    form = exp.Literal.string(re.sub(r"%(0[0-9]+x)", r"{:\1}", node.this.name))
    return generator.func("FORMAT", form, *node.expressions)


_SHORTEST_DECIMAL = parse_one(
    "CASE WHEN ABS(:this * 1e9 - ROUND(:this * 1e9)) < 0.5 - ABS(:this) * 2.5e-7"
    " THEN CAST(CAST(:this AS DOUBLE) AS DECIMAL(38, 9))"
    " WHEN ABS(:this) < 1e13 AND ROUND(:this * 1e2) / 1e2 = :this"
    " THEN CAST(CAST(ROUND(:this * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9))"
    " AS DECIMAL(38, 9))"
    " ELSE CAST(CAST(:this AS VARCHAR) AS DECIMAL(38, 9)) END",
    dialect="duckdb",
)
"""The decimal is the one of the shortest text, but rendering the text is slow. The decimal differs from the
float by at most half a unit of the last bit, and the product by 1e9 adds at most as much: if both errors
together (2.3e-16 of the value) cannot reach the next integer, arithmetic gives the same decimal. It also does
for amounts in cents of up to fifteen digits, which are their own shortest text."""
_SHORTEST_SINGLE = parse_one(
    "CASE WHEN ABS(:this) < 1e4 AND CAST(ROUND(CAST(:this AS DOUBLE) * 1e2) / 1e2 AS FLOAT) = :this"
    " THEN ROUND(CAST(:this AS DOUBLE) * 1e2) / 1e2"
    " WHEN CAST(PRINTF('%.6g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.6g', :this) AS DOUBLE)"
    " WHEN CAST(PRINTF('%.7g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.7g', :this) AS DOUBLE)"
    " WHEN CAST(PRINTF('%.8g', :this) AS FLOAT) = :this THEN CAST(PRINTF('%.8g', :this) AS DOUBLE)"
    " ELSE CAST(PRINTF('%.9g', :this) AS DOUBLE) END",
    dialect="duckdb",
)
"""DuckDB does not render a 32-bit float as its shortest text: it renders 334667.62 as 334667.625. A number of
six digits is always its own shortest text, so amounts in cents below ten thousand need no text."""
_SHORTEST_NUMERIC = (
    "CAST(CASE WHEN CAST(FORMAT('%.15g', {this}) AS FLOAT64) = {this} THEN FORMAT('%.15g', {this})"
    " WHEN CAST(FORMAT('%.16g', {this}) AS FLOAT64) = {this} THEN FORMAT('%.16g', {this})"
    " ELSE FORMAT('%.17g', {this}) END AS NUMERIC)"
)
"""BigQuery renders a float with 15 or 17 digits, but the shortest text can have 16."""
_FIRST_INSTANT = parse_one(
    "CASE WHEN TIMEZONE(:zone, TIMEZONE(:zone, :this - INTERVAL '3' HOUR) + INTERVAL '3' HOUR)"
    " = CAST(:this AS TIMESTAMP)"
    " THEN TIMEZONE(:zone, :this - INTERVAL '3' HOUR) + INTERVAL '3' HOUR"
    " ELSE TIMEZONE(:zone, :this) END",
    dialect="duckdb",
)
"""If a clock is set back, it shows a time twice. DuckDB takes the second instant and BigQuery the first,
which is the one by the offset of three hours earlier."""


class DuckDBText(DuckDB):
    """The dialect of DuckDB with the nodes of `sql/nodes.py`."""

    class Generator(DuckDB.Generator):
        TRANSFORMS = {
            **DuckDB.Generator.TRANSFORMS,
            exp.Format: _format,
            exp.Not: _not,
            AsOfJoin: as_of_merge,
            MicrosecondsSince: _template("EPOCH_US({this}) - EPOCH_US({start})"),
            ClockTime: _ast_template(_FIRST_INSTANT),
            # AT TIME ZONE asks a calendar for each row, which takes ten times as long
            UtcTime: _template("MAKE_TIMESTAMPTZ(EPOCH_US(CAST({this} AS TIMESTAMP)))"),
            FloatAsDecimal: _ast_template(_SHORTEST_DECIMAL),
            SingleAsDouble: _ast_template(_SHORTEST_SINGLE),
            # 128 bits take four times as long to write as 64, which hold almost every value
            DecimalText: _template(
                "COALESCE(CAST(TRY_CAST({this} AS DECIMAL(18, 9)) AS TEXT), CAST({this} AS TEXT))"
            ),
            FirstBy: _template("ARG_MIN({this}, {key}, {count})"),
            LabelValue: _template("LIST_FILTER({this}, LAMBDA _pair: _pair.key = {key})[1].value"),
            ChangedLabels: _template(
                "LIST_SORT(LIST_CONCAT(LIST_FILTER({this}, LAMBDA _pair: _pair.key NOT IN {keys}), {added}))"
            ),
            # almost no row has labels, and JSON takes as long to write as a join
            LabelsText: _template(
                "CASE WHEN LEN({this}) > 0 THEN CAST(TO_JSON({this}) AS TEXT) ELSE '[]' END"
            ),
            RowHash: lambda generator, node: generator.func("HASH", *node.expressions),
            SaltedHash: rename_func("SHA256"),
            Fingerprint: rename_func("md5_number"),
            FingerprintPart: _template(
                "CAST(({this} >> CAST(64 * {part} AS UHUGEINT))"
                " & CAST(1152921504606846975 AS UHUGEINT) AS BIGINT)"
            ),
        }


class BigQueryText(BigQuery):
    """The dialect of BigQuery (GoogleSQL) with the nodes of `sql/nodes.py`."""

    class Generator(BigQuery.Generator):
        TRANSFORMS = {
            **BigQuery.Generator.TRANSFORMS,
            exp.Not: _not,
            AsOfJoin: as_of_ranges,
            MicrosecondsSince: _template("TIMESTAMP_DIFF({this}, {start}, MICROSECOND)"),
            # sqlglot writes NUMERIC for DECIMAL(38, 9) in CAST, and forgets SAFE_CAST
            exp.TryCast: preprocess([remove_precision_parameterized_types]),
            # what `MAX_BY` stands for, which the published GoogleSQL lacks
            exp.ArgMax: _template("ANY_VALUE({this} HAVING MAX {expression})"),
            ClockTime: _template("TIMESTAMP({this}, {zone})"),
            UtcTime: _template("TIMESTAMP({this}, 'UTC')"),
            FloatAsDecimal: _template(_SHORTEST_NUMERIC),
            SingleAsDouble: _template("{this}"),
            DecimalText: _template("FORMAT('%.9f', {this})"),
            FirstBy: _template("ARRAY_AGG({this} ORDER BY {key} LIMIT {count})"),
            LabelsText: _template("TO_JSON_STRING({this})"),
            LabelValue: _template(
                "(SELECT _pair.value FROM UNNEST({this}) AS _pair WHERE _pair.key = {key})"
            ),
            ChangedLabels: _template(
                "ARRAY(SELECT AS STRUCT _pair.key, _pair.value FROM UNNEST(ARRAY_CONCAT("
                "ARRAY(SELECT _pair FROM UNNEST({this}) AS _pair WHERE _pair.key NOT IN {keys}), {added}"
                ")) AS _pair ORDER BY _pair.key)"
            ),
            CreateSnapshot: _template(
                "CREATE SNAPSHOT TABLE IF NOT EXISTS {this} CLONE {source} FOR SYSTEM_TIME AS OF {at}"
            ),
            RowHash: lambda generator, node: generator.sql(exp.MD5(this=node.this.copy())),
            SaltedHash: _template("TO_HEX(SHA256({this}))"),
            # DuckDB's md5_number reads the bytes in reverse
            Fingerprint: _template("TO_HEX(REVERSE(MD5({this})))"),
            FingerprintPart: _template(
                "CAST(CAST(CONCAT('0x', SUBSTR({this}, 18 - 16 * {part}, 15)) AS INT64) AS NUMERIC)"
            ),
        }

        def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
            """Render the cast of a text to a date or an instant as a literal: `DATE '2018-01-01'`."""
            value, kind = expression.this, expression.to
            if safe_prefix is None and value.is_string and kind.is_type(*exp.DataType.TEMPORAL_TYPES):
                return f"{self.sql(kind)} {self.sql(value)}"
            return super().cast_sql(expression, safe_prefix)


@dataclass(frozen=True)
class Dialect:
    """The SQL dialect of an engine.

    `functions` are the allowed functions for which sqlglot has no node. `sorts_in_one_place` is true if a
    window without PARTITION BY is computed by one worker, so that row numbers have to be computed by bucket.
    `rewrites` is true if sqlglot's generator changes a query while it renders it, so that it needs a copy.
    """

    name: str
    text: type[SqlglotDialect]
    functions: frozenset[str] = frozenset()
    sorts_in_one_place: bool = False
    rewrites: bool = False

    def render(self, query: exp.Expr, pretty: bool = True) -> str:
        """Return a query as text. Raises UnsupportedError if the dialect has no SQL for a part of it."""
        for call in query.find_all(exp.Anonymous):
            if call.name.lower() not in self.functions:
                raise UnsupportedError(Fault(f"{self.name} has no function {call.name!r} that we use"))
        try:
            return query.sql(
                dialect=self.text,
                pretty=pretty,
                copy=self.rewrites,
                normalize_functions=False,
                unsupported_level=ErrorLevel.RAISE,
            )
        except SqlglotUnsupportedError as error:
            raise UnsupportedError(Fault(f"{self.name} cannot say this query: {error}")) from error


DUCKDB = Dialect("duckdb", DuckDBText, frozenset({"read_parquet", "read_csv", "struct_pack"}))
BIGQUERY = Dialect("bigquery", BigQueryText, sorts_in_one_place=True, rewrites=True)

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (DUCKDB, BIGQUERY)}
