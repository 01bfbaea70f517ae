"""How the emulator reads SQL; part of the server's process."""

import sys
from functools import lru_cache, partial

import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import ddl_result, executor, routine_ddl
from bqemulator.sql import catalog_schema, translator
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

PLACE = {"line", "col", "start", "end"}
"""Where in the text a node stands: nobody asks, and it is half of what is copied."""


def parse_a_text_once() -> None:
    """The emulator parses a query some twenty times over, which takes longer than to run it."""
    parse = Dialect.parse

    @lru_cache(maxsize=32)
    def parsed(dialect, sql):
        trees = parse(dialect, sql)
        for node in (node for tree in trees if tree for node in tree.walk()):
            node._meta = (node._meta and {k: v for k, v in node._meta.items() if k not in PLACE}) or None
        return trees

    def copied(dialect, sql, **options):
        if options:
            return parse(dialect, sql, **options)
        return [each and each.copy() for each in parsed(dialect, sql)]

    Dialect.parse = copied


class SharedTrees:
    """Stands for sqlglot in modules that look at a query and leave it as it is."""

    parse_one = staticmethod(lru_cache(maxsize=32)(sqlglot.parse_one))

    def __getattr__(self, name):
        return getattr(sqlglot, name)


def who_only_looks_needs_no_copy() -> None:
    """To copy a tree takes as long as to make it: two thirds of them were looked at once."""
    for module in (ddl_sync, ddl_result, executor, routine_ddl, catalog_schema):
        module.sqlglot = SharedTrees()
    executor._parse_for_classification = lru_cache(maxsize=32)(executor._parse_for_classification)


def a_column_can_have_options() -> None:
    """Compiled, sqlglot says that they are no constraint; the emulator goes through them as if they were."""

    def has_not_null(column):
        kinds = (constraint.args.get("kind") for constraint in column.args.get("constraints") or ())
        found = [kind for kind in kinds if isinstance(kind, exp.NotNullColumnConstraint)]
        return any(not kind.args.get("allow_null") for kind in found)

    ddl_result._has_not_null_constraint = has_not_null


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


def names_keep_their_capitals() -> None:
    """To find types the emulator folds all names, and the answer's columns and new tables had them folded."""
    qualify, annotate = translator.qualify, translator.annotate_types

    def marked(tree, **options):
        for name in tree.find_all(exp.Identifier):
            name.meta["written"] = name.this
        return qualify(tree, **options)

    def annotated(tree, **options):
        found = annotate(tree, **options)
        for name in found.find_all(exp.Identifier):
            name.set("this", name.meta.get("written", name.this))
        for alias in found.find_all(exp.Alias):
            name, value = alias.args["alias"], alias.this
            if "written" not in name.meta and isinstance(value, exp.Column):  # an alias that was added
                name.set("this", value.name)
        return found

    translator.qualify, translator.annotate_types = marked, annotated


PATCHES = (
    parse_a_text_once,
    who_only_looks_needs_no_copy,
    a_column_can_have_options,
    allow_deep_nesting,
    a_chain_of_texts_is_cast_once,
    a_star_is_left_to_duckdb,
    names_keep_their_capitals,
)
