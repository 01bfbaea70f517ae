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


def floats_become_decimals_by_all_their_digits() -> None:
    """CAST(… AS NUMERIC) of a float or of a text with a negative exponent.

    DuckDB multiplies a float by 1e9 as floats do, and loses the last digits. Of a text with many digits and a
    negative exponent it makes 1E-9 where 0 is nearest; written without the exponent it is read correctly.
    """
    exact = parse_one(
        "CASE WHEN typeof(:value) = 'VARCHAR' AND CAST(:value AS VARCHAR) LIKE '%e-%' THEN"
        " list_transform([CAST(:value AS VARCHAR)], text -> CAST("
        "CASE WHEN starts_with(text, '-') THEN '-' ELSE '' END || '0.'"
        " || repeat('0', CAST(split_part(text, 'e-', 2) AS INTEGER) - 1)"
        " || replace(ltrim(split_part(text, 'e-', 1), '-'), '.', '') AS DECIMAL(38, 9)))[1]"
        " WHEN typeof(:value) <> 'DOUBLE' THEN CAST(:value AS DECIMAL(38, 9))"
        " WHEN ABS(:float) < 4e6 AND ABS(:float * 1e9 - ROUND(:float * 1e9)) < 0.25"  # right, and fast
        " THEN CAST(:float AS DECIMAL(38, 9))"
        " ELSE CAST(printf('%.40f', :float) AS DECIMAL(38, 9)) END",
        dialect="duckdb",
    )

    def cast_sql(generator, node):
        is_numeric = node.to.this is exp.DataType.Type.DECIMAL and not node.to.expressions
        is_no_float = isinstance(node.this, exp.Cast) and not node.this.is_type(exp.DataType.Type.DOUBLE)
        if is_no_float or not is_numeric:
            return generator.cast_sql(node)
        number = exp.TryCast(this=node.this.copy(), to=exp.DataType.build("DOUBLE"))
        return generator.sql(exp.replace_placeholders(exact.copy(), value=node.this, float=number))

    DuckDBGenerator.TRANSFORMS[exp.Cast] = cast_sql


def a_clock_that_is_set_back_shows_the_first_instant() -> None:
    """TIMESTAMP(…, zone) of a time that comes twice; DuckDB takes the second."""
    first = parse_one(
        "CASE WHEN timezone(:zone, timezone(:zone, :clock - INTERVAL '3' HOUR) + INTERVAL '3' HOUR) = :clock"
        " THEN timezone(:zone, :clock - INTERVAL '3' HOUR) + INTERVAL '3' HOUR"
        " ELSE timezone(:zone, :clock) END",
        dialect="duckdb",
    )
    plain = DuckDBGenerator.TRANSFORMS[exp.Timestamp]

    def timestamp_sql(generator, node):
        zone = node.args.get("zone")
        if zone is None:
            return plain(generator, node)
        clock = exp.cast(node.this, "TIMESTAMP", dialect="duckdb")
        return generator.sql(exp.replace_placeholders(first.copy(), clock=clock, zone=zone))

    DuckDBGenerator.TRANSFORMS[exp.Timestamp] = timestamp_sql


PATCHES = (
    reverse_takes_bytes,
    decimals_are_written_exactly,
    floats_become_decimals_by_all_their_digits,
    a_clock_that_is_set_back_shows_the_first_instant,
)
