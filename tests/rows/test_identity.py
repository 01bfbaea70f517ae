"""Row ids, their order, and the system columns that a refresh keeps (BR-117, BR-013 to BR-019)."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, Stamp
from dataset_assets.rows.identity import EarlierRows, Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.rows.stamping import row_id
from dataset_assets.sql.build import CTE, assemble, column, table
from dataset_assets.sql.dialect import BIGQUERY
from tests.engines.engine_fixtures import Bench

COLUMNS = (
    ColumnDef(name="seen", type="timestamp", nullable=True),
    ColumnDef(name="k", type="integer", nullable=True),
    ColumnDef(name="word", type="string", nullable=True),
)
KEYED = Identity(COLUMNS, ("k",), "seen")
KEYLESS = Identity(COLUMNS, (), "seen")
TIMELESS = Identity(COLUMNS, ("k",), None)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[datetime | None, int | None, str | None]


class Table:
    """One Period of a dataset; `publish` replaces its rows."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        self.bench = bench
        self.identity = identity
        self.instant = T0
        self.is_published = False

    def publish(self, rows: list[Row], bucketed: bool = False, run: str = "run") -> list[dict[str, Any]]:
        self.instant += timedelta(seconds=1)
        held = self.bench.hold({each.name: each.type for each in COLUMNS}, rows)
        source = CTE("source", exp.select("*").from_(held))
        stamp = Stamp(uuid.UUID(int=7), "source", None, run, self.instant, "2026-01")
        before = EarlierRows(self.bench.table("published"), COLUMNS) if self.is_published else None
        ctes = row_metadata("source", self.identity, stamp, before, bucketed=bucketed)
        self.bench.keep("published", assemble((source, *ctes)))
        self.is_published = True
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        return self.bench.rows(exp.select("*").from_(self.bench.table("published")).order_by("_row_id"))


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


ROWS: list[Row] = [(at(2), 2, "b"), (at(1), 1, "a"), (at(2), 3, None), (None, 4, "ü")]


def test_a_new_row_carries_every_system_column(bench: Bench) -> None:
    row = Table(bench, KEYED).publish(ROWS)[0]
    assert list(row)[3:] == [system.name for system in SYSTEM_COLUMNS]
    assert row["_source_dataset_id"] == str(uuid.UUID(int=7))
    assert (row["_source_table"], row["_created_by_run_id"], row["_period"]) == ("source", "run", "2026-01")
    assert row["_created_by_project_id"] is None
    assert row["_created_at"] == row["_updated_at"] == T0 + timedelta(seconds=1)
    assert row["_deleted"] is False
    assert row["_labels"] == []


def test_ids_are_version_7_of_the_publications_instant_and_in_order_of_time_then_key(bench: Bench) -> None:
    rows = Table(bench, KEYED).publish(ROWS)
    assert [row["k"] for row in rows] == [4, 1, 2, 3]
    for row in rows:
        parsed = uuid.UUID(row["_row_id"])
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122
        assert parsed.int >> 80 == int((T0.timestamp() + 1) * 1000)


def test_a_refresh_of_the_same_rows_changes_nothing(bench: Bench) -> None:
    data = Table(bench, KEYED)
    first = data.publish(ROWS)
    assert data.publish(list(reversed(ROWS)), run="later") == first


def test_a_changed_row_keeps_its_identity_and_labels_and_only_moves_updated_at(bench: Bench) -> None:
    data = Table(bench, KEYED)
    data.publish(ROWS)
    told = parse_one("[STRUCT('ok' AS key, 'yes' AS value)]", dialect="bigquery")
    data.bench.write(
        exp.update(data.bench.table("published"), {"_labels": told, "_deleted": True}, where="k = 2")
    )
    before = {row["k"]: row for row in data.rows()}
    after = {row["k"]: row for row in data.publish([(at(5), 2, "changed"), *ROWS[1:]], run="later")}
    assert after[2] == {**before[2], "seen": at(5), "word": "changed", "_updated_at": data.instant}
    assert after[2]["_labels"] == [{"key": "ok", "value": "yes"}]
    assert {k: row for k, row in after.items() if k != 2} == {k: r for k, r in before.items() if k != 2}


def test_missing_rows_are_removed_and_new_rows_sort_last(bench: Bench) -> None:
    data = Table(bench, KEYED)
    old = {row["k"]: row["_row_id"] for row in data.publish(ROWS)}
    rows = {row["k"]: row for row in data.publish([*ROWS[1:], (at(1), 0, "new")], run="later")}
    assert set(rows) == {0, 1, 3, 4}
    assert rows[0]["_row_id"] > max(old.values())
    assert rows[0]["_created_by_run_id"] == "later"
    assert all(rows[k]["_row_id"] == old[k] for k in (1, 3, 4))


def test_without_a_key_equal_rows_are_identified_by_occurrence(bench: Bench) -> None:
    data = Table(bench, KEYLESS)
    twice: list[Row] = [(at(1), 1, "a"), (at(1), 1, "a"), (at(2), 1, "b")]
    first = data.publish(twice)
    assert len({row["_row_id"] for row in first}) == 3
    assert data.publish(twice[::-1], run="later") == first
    grown = data.publish([*twice, (at(1), 1, "a")], run="later")
    assert [row["_row_id"] for row in grown][:3] == [row["_row_id"] for row in first]
    assert grown[3]["_created_by_run_id"] == "later"


def test_nulls_in_the_key_are_equal(bench: Bench) -> None:
    data = Table(bench, KEYED)
    first = data.publish([(at(1), None, "a"), (at(1), 1, "b")])
    assert data.publish([(at(1), 1, "b"), (at(1), None, "a")], run="later") == first


def test_a_new_key_column_gives_new_ids(bench: Bench) -> None:
    data = Table(bench, KEYED)
    stamp = Stamp(uuid.UUID(int=7), "source", None, "run", T0, None)
    before = EarlierRows(table("published"), COLUMNS[:1])
    fresh = row_metadata("source", data.identity, stamp, None, bucketed=False)
    assert row_metadata("source", data.identity, stamp, before, bucketed=False) == fresh


row = st.tuples(
    st.none() | st.builds(at, st.integers(1, 4), st.integers(0, 23)),
    st.none() | st.integers(-3, 3),
    st.none() | st.text(alphabet="aüz|\U0001f600", max_size=2),
)


def test_numbering_by_bucket_and_at_once_is_the_same(bench: Bench) -> None:
    @given(st.lists(row, max_size=12))
    @settings(max_examples=bench.examples(40))
    def holds(rows: list[Row]) -> None:
        unique = list({each[1]: each for each in rows}.values())
        for identity, given_rows in ((KEYED, unique), (TIMELESS, unique), (KEYLESS, rows)):
            by_bucket = Table(bench, identity).publish(given_rows, bucketed=True)
            assert by_bucket == Table(bench, identity).publish(given_rows)

    holds()


def test_a_refresh_has_the_selected_rows_with_unique_ids(bench: Bench) -> None:
    some = st.lists(row, max_size=10)

    @given(some, some, st.sampled_from([KEYED, KEYLESS, TIMELESS]))
    @settings(max_examples=bench.examples(60))
    def holds(old: list[Row], new: list[Row], identity: Identity) -> None:
        refresh(Table(bench, identity), old, new)

    holds()


def refresh(data: Table, old: list[Row], new: list[Row]) -> None:
    identity = data.identity
    if identity.key:
        old, new = (list({each[1]: each for each in rows}.values()) for rows in (old, new))
    before = data.publish(old)
    after = data.publish(new)
    told = (lambda r: r["k"]) if identity.key else (lambda r: (r["seen"], r["k"], r["word"]))
    assert Counter((r["seen"], r["k"], r["word"]) for r in after) == Counter(new)
    assert len({r["_row_id"] for r in after}) == len(after)
    ids = {r["_row_id"]: told(r) for r in before}
    assert all(ids[r["_row_id"]] == told(r) for r in after if r["_row_id"] in ids)
    kept = sum(r["_row_id"] in ids for r in after)
    left = [told(r) for r in before]
    for r in after:
        if told(r) in left:
            left.remove(told(r))
    assert kept == len(before) - len(left)


@pytest.mark.parametrize("identity", [KEYED, KEYLESS, TIMELESS])
def test_row_metadata_is_rendered_for_bigquery(identity: Identity) -> None:
    stamp = Stamp(uuid.UUID(int=7), "source", None, "run", T0, None)
    before = EarlierRows(table("published"), COLUMNS)
    text = BIGQUERY.render(assemble(row_metadata("source", identity, stamp, before, bucketed=True)))
    assert "FORMAT('%03x-%04x'," in text
    assert "ARRAY<STRUCT<key STRING, value STRING>>[]" in text


def test_a_counter_that_is_full_is_carried_into_the_milliseconds(bench: Bench) -> None:
    stamp = Stamp(uuid.UUID(int=7), "source", None, "run", T0, None)
    numbers = [(1 << 26) - 1, 1 << 26, (1 << 40) + 5]
    held = bench.hold({"n": ColumnType.INTEGER}, [(n,) for n in numbers])
    numbered = exp.select(exp.alias_(column("n"), "_number")).from_(held).subquery()
    made = exp.select(exp.alias_(row_id(stamp), "id")).from_(numbered).order_by("_number")
    found = [uuid.UUID(each["id"]) for each in bench.rows(made)]
    base = int(T0.timestamp() * 1000)
    assert [each.int >> 80 for each in found] == [base, base + 1, base + (1 << 14)]
    assert sorted(found) == found
    assert {each.version for each in found} == {7}
