"""Translate a statement once for all tests that run it; part of the server's process.

Statements of two tests mostly differ in names that a test made up: its BigQuery dataset, its staging tables,
its run. They are replaced by numbered names, the statement is translated, and the names are put back.
"""

import re
from functools import lru_cache

from bqemulator.domain.result import Ok
from bqemulator.jobs import executor
from bqemulator.sql.translator import SQLTranslator

MADE_UP = re.compile(
    r"\bd[0-9a-f]{12}\b"  # a dataset of BigQuery
    r"|(?<=_)[0-9a-f]{8}\b"  # a staging table
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # an id
)
STAND_IN = re.compile(r"d9700[0-9]{8}|_9800[0-9]{4}|9900[0-9]{4}(?:-9000){3}-900000000000")
"""What stands for a made-up name: as long, of the same kind, and no part of another.

A statement that has one already is left alone.
"""
KEPT = 2_000


class Names:
    """The made-up names of one statement, and what stands for each."""

    def __init__(self):
        self.stand_ins = {}

    def hidden(self, text):
        return MADE_UP.sub(lambda found: self.stand_in(found[0]), text)

    def shown(self, text):
        for name, stand_in in self.stand_ins.items():
            text = text.replace(stand_in, name)
        return text

    def stand_in(self, name):
        number = len(self.stand_ins)
        digits = {13: f"d9700{number:08}", 8: f"9800{number:04}"}
        uuid = f"9900{number:04}-9000-9000-9000-900000000000"
        return self.stand_ins.setdefault(name, digits.get(len(name), uuid))


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
