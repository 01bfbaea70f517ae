"""Translate a statement once for all tests that run it; part of the server's process.

Statements of two tests mostly differ in names that a test made up: its BigQuery dataset, its staging tables,
its run. They are replaced by numbered names, the statement is translated, and the names are put back.
"""

from functools import lru_cache

from bqemulator.domain.result import Ok
from bqemulator.jobs import executor
from bqemulator.sql.translator import SQLTranslator
from made_up_names import STAND_IN, Names

KEPT = 2_000


def frozen(schema, names):
    """Return a schema as a value that can be a key."""
    if isinstance(schema, dict):
        return tuple((names.hidden(name), frozen(each, names)) for name, each in schema.items())
    return schema


def thawed(schema):
    if isinstance(schema, tuple):
        return {name: thawed(each) for name, each in schema}
    return schema


def a_statement_is_translated_once() -> None:
    translate = SQLTranslator.translate

    @lru_cache(maxsize=KEPT)
    def translated(translator, sql, schema, caller):
        return translate(translator, sql, schema=thawed(schema), caller=caller)

    def once(translator, sql, *, schema=None, caller=None):
        names = Names()
        if STAND_IN.search(sql):
            return translate(translator, sql, schema=schema, caller=caller)
        found = translated(translator, names.hidden(sql), schema and frozen(schema, names), caller)
        if isinstance(found, Ok):
            return Ok(names.shown(found.value))
        return translate(translator, sql, schema=schema, caller=caller)  # the message has the real names

    SQLTranslator.translate = once


def tables_are_named_once() -> None:
    rewrite = executor.rewrite_table_refs
    rewritten = lru_cache(maxsize=KEPT)(rewrite)

    def once(sql, project_id):
        names = Names()
        if STAND_IN.search(sql):
            return rewrite(sql, project_id)
        return names.shown(rewritten(names.hidden(sql), project_id))

    executor.rewrite_table_refs = once


PATCHES = (a_statement_is_translated_once, tables_are_named_once)
