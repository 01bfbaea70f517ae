"""Functions of GoogleSQL that the emulator has not; part of the server's process."""

from bqemulator.sql.rules.datetime_semantics import FormatPrintfRule
from sqlglot import exp, parse_one
from sqlglot.generators.duckdb import DuckDBGenerator


def reverse_takes_bytes() -> None:
    """DuckDB's own reverses text alone."""

    def reverse_sql(generator, node):
        if not isinstance(node.this, exp.Unhex):
            return generator.function_fallback_sql(node)
        pairs = f"regexp_extract_all({generator.sql(node.this, 'this')}, '..')"
        return f"UNHEX(array_to_string(list_reverse({pairs}), ''))"

    DuckDBGenerator.TRANSFORMS[exp.Reverse] = reverse_sql


def decimals_are_written_exactly() -> None:
    """FORMAT('%.9f', …) of a NUMERIC has all its digits; DuckDB's printf makes a float of it."""
    rewrite = FormatPrintfRule.rewrite
    exact = parse_one(
        "CASE WHEN typeof(:value) LIKE 'DECIMAL%'"
        " THEN CAST(TRY_CAST(:value AS DECIMAL(38, 9)) AS VARCHAR) ELSE printf('%.9f', :value) END",
        dialect="duckdb",
    )

    def rewrite_exactly(rule, node):
        if node.this.name != "%.9f":
            return rewrite(rule, node)
        return exp.replace_placeholders(exact.copy(), value=node.expressions[0])

    FormatPrintfRule.rewrite = rewrite_exactly


PATCHES = (reverse_takes_bytes, decimals_are_written_exactly)
