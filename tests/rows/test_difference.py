"""The difference of two sets of rows, on each engine, as plain Python finds it."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.rows.difference import (
    ADDED,
    CHANGED,
    REMOVED,
    ComparedField,
    CountedDifference,
    RowDifference,
)
from dataset_assets.sql.build import column
from tests.engines.engine_fixtures import Bench

COLUMNS = {
    "v0": ColumnType.INTEGER,
    "v1": ColumnType.STRING,
    "v2": ColumnType.DECIMAL,
    "v3": ColumnType.STRING,
}
Row = tuple[Any, ...]
keys = st.tuples(st.integers(0, 4), st.sampled_from([None, "", "a", "|s1:a", "ä"]))
contents = st.tuples(st.sampled_from([None, Decimal(0), Decimal(1)]), st.sampled_from([None, "", "x", "n"]))
keyed = st.dictionaries(keys, contents, max_size=8).map(lambda found: [(*k, *v) for k, v in found.items()])
unkeyed = st.lists(st.tuples(keys, contents).map(lambda each: (*each[0], *each[1])), max_size=8)


def fields(*, key: bool, hidden: str = "") -> list[ComparedField]:
    return [
        ComparedField(
            name, kind, nullable=name != "v0", identifies=key and name in {"v0", "v1"}, shown=name != hidden
        )
        for name, kind in COLUMNS.items()
    ]


def compared(bench: Bench, before: Sequence[Row], after: Sequence[Row], **options: Any) -> CountedDifference:
    sides = [exp.select(*map(column, COLUMNS)).from_(bench.hold(COLUMNS, rows)) for rows in (before, after)]
    difference = RowDifference(*sides, fields(**options), examples=2)
    return difference.read(bench.rows(difference.query))


def test_rows_with_a_key_are_added_removed_and_changed(bench: Bench):
    @settings(max_examples=bench.examples(150))
    @given(keyed, keyed)
    def check(before: list[Row], after: list[Row]) -> None:
        old, new = ({row[:2]: row[2:] for row in rows} for rows in (before, after))
        changed = {key for key in old.keys() & new.keys() if old[key] != new[key]}
        found = compared(bench, before, after, key=True)
        expected = {
            ADDED: len(new.keys() - old.keys()),
            REMOVED: len(old.keys() - new.keys()),
            CHANGED: len(changed),
        }
        assert found.counts == {state: count for state, count in expected.items() if count}
        by_column = [sum(old[key][place] != new[key][place] for key in changed) for place in (0, 1)]
        assert [found.changes.get(place, 0) for place in (2, 3)] == by_column
        for place, count in zip((2, 3), by_column, strict=True):
            examples = found.column_examples.get(place, ())
            assert len(examples) == min(2, count)
            for left, right in examples:
                key = (left["v0"], left["v1"])
                assert old[key][place - 2] == left[f"v{place}"]
                assert new[key][place - 2] == right[f"v{place}"]
        for left, right in found.examples.get(CHANGED, ()):
            assert tuple(left.values()) in before
            assert tuple(right.values()) in after

    check()


def test_rows_without_a_key_are_counted(bench: Bench):
    @settings(max_examples=bench.examples(100))
    @given(unkeyed, unkeyed)
    def check(before: list[Row], after: list[Row]) -> None:
        old, new = Counter(before), Counter(after)
        expected = {ADDED: (new - old).total(), REMOVED: (old - new).total()}
        found = compared(bench, before, after, key=False)
        assert found.counts == {state: count for state, count in expected.items() if count}
        assert found.changes == {}
        for _, row in found.examples.get(ADDED, ()):
            assert (new - old)[tuple(row.values())]

    check()


def test_a_hidden_column_is_compared_and_not_shown(bench: Bench):
    before, after = [(1, "a", 1, "secret")], [(1, "a", 2, "other secret"), (2, "a", 1, "secret")]
    found = compared(bench, before, after, key=True, hidden="v3")
    assert found.counts == {CHANGED: 1, ADDED: 1}
    assert found.changes == {2: 1, 3: 1}
    assert "secret" not in str(found)
