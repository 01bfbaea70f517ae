"""`where` and the difference of rows mean the same in GoogleSQL as on DuckDB and in plain Python."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.rows.difference import RowDifference
from dataset_assets.sql.build import column, number, table
from dataset_assets.sql.nodes import LabelsText
from dataset_assets.sql.where.where import parse_where
from tests.googlesql.session import Both
from tests.rows.test_difference import COLUMNS as COMPARED
from tests.rows.test_difference import Row, fields, keyed, unkeyed
from tests.sql import random_where
from tests.sql.random_where import COLUMNS, Meant
from tests.sql.test_where import ROWS, TYPES, labelled

NATIVE = {
    "integer": "BIGINT",
    "decimal": "DECIMAL(38, 9)",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}


@settings(max_examples=4)
@given(st.lists(random_where.conditions, min_size=8, max_size=8))
def test_a_condition_is_true_for_the_same_rows(conditions: list[Meant]):
    shape = {name: NATIVE[kind] for name, kind in COLUMNS.items()}
    both = Both({"sold": shape}, {"sold": [tuple(row[name] for name in COLUMNS) for row in ROWS]})
    shown = []
    for place, each in enumerate(conditions):
        condition = parse_where(each.text, TYPES).condition
        case = exp.Case().when(condition(), number(1)).when(exp.not_(condition()), number(0))
        shown.append(exp.alias_(case, f"c{place}"))
    shown.append(exp.alias_(LabelsText(this=column("_labels")), "labels_text"))
    query = exp.select(column("n"), *shown).from_(labelled(table("sold")).subquery("labelled"))
    found = {row["n"]: row for row in both.rows(query)}
    for place, each in enumerate(conditions):
        values = [found[row["n"]][f"c{place}"] for row in ROWS]
        assert [None if value is None else bool(value) for value in values] == [each.of(row) for row in ROWS]


def same_difference(before: list[Row], after: list[Row], *, key: bool) -> None:
    shape = {name: NATIVE[kind] for name, kind in COMPARED.items()}
    both = Both({"old": shape, "new": shape}, {"old": before, "new": after})
    old, new = (exp.select(*map(column, COMPARED)).from_(table(name)) for name in ("old", "new"))
    both.rows(RowDifference(old, new, fields(key=key)).query)


@settings(max_examples=4)
@given(keyed, keyed)
def test_rows_with_a_key_differ_in_the_same(before: list[Row], after: list[Row]):
    same_difference(before, after, key=True)


@settings(max_examples=4)
@given(unkeyed, unkeyed)
def test_rows_without_a_key_differ_in_the_same(before: list[Row], after: list[Row]):
    same_difference(before, after, key=False)
