"""Functions of GoogleSQL that the emulator has not; part of the server's process."""

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator


def reverse_takes_bytes() -> None:
    """DuckDB's own reverses text alone."""

    def reverse_sql(generator, node):
        if not isinstance(node.this, exp.Unhex):
            return generator.function_fallback_sql(node)
        pairs = f"regexp_extract_all({generator.sql(node.this, 'this')}, '..')"
        return f"UNHEX(array_to_string(list_reverse({pairs}), ''))"

    DuckDBGenerator.TRANSFORMS[exp.Reverse] = reverse_sql


PATCHES = (reverse_takes_bytes,)
