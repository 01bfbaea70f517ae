"""How the emulator reads SQL; part of the server's process."""

import sys
from functools import lru_cache, partial

from bqemulator.sql import translator
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from sqlglot import exp
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


def allow_deep_nesting() -> None:
    """A CONCAT of many texts becomes as many nested calls; what is too deep is left as it is, and fails."""
    sys.setrecursionlimit(20_000)


def a_chain_of_texts_is_cast_once() -> None:
    """The emulator casts each step of `a || b || c`, and copies all steps before for it."""
    applies = ConcatStringTypeRule.applies_to

    def applies_to_all(rule, node):
        return applies(rule, node) and not isinstance(node.parent, exp.DPipe)

    ConcatStringTypeRule.applies_to = applies_to_all


def a_star_is_left_to_duckdb() -> None:
    """The emulator forgot columns of arrays, and mixed up tables of one name in two datasets."""
    translator.qualify = partial(translator.qualify, expand_stars=False)


PATCHES = (
    parse_a_text_once,
    allow_deep_nesting,
    a_chain_of_texts_is_cast_once,
    a_star_is_left_to_duckdb,
)
