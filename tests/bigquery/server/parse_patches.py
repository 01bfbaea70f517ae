"""How the emulator reads SQL; part of the server's process."""

from functools import lru_cache

from sqlglot.dialects.dialect import Dialect


def parse_a_text_once() -> None:
    """The emulator parses a query some twenty times over, which takes longer than to run it."""
    parse = Dialect.parse
    parsed = lru_cache(maxsize=32)(parse)

    def copied(dialect, sql, **options):
        if options:
            return parse(dialect, sql, **options)
        return [each and each.copy() for each in parsed(dialect, sql)]

    Dialect.parse = copied


PATCHES = (parse_a_text_once,)
