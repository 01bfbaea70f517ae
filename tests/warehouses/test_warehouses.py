"""Contract tests of every warehouse: claims, publications, versions, schema changes (BR-201, BR-202)."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.errors import DatasetAssetsError, PublishError, ResolveError, SupersededError
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.relation import PhysicalType
from dataset_assets.ports.warehouse import PublicationQuery, PublishedColumn
from tests.warehouses.warehouse_fixtures import ONE, TWO, A, B, OpenWarehouse, WarehouseLocation

TEXT = PublishedColumn("a", ColumnType.STRING, True)


def test_nothing_is_published_yet(opened: OpenWarehouse) -> None:
    assert opened.current(None) is None
    assert opened.warehouse.latest("sales", opened.session) is None
    assert opened.warehouse.periods("sales", opened.session) == []


def test_a_period_is_replaced_and_the_others_stay(opened: OpenWarehouse) -> None:
    assert opened.publish(ONE, "2026-01") == 0
    assert opened.publish(ONE, "2026-02") == 1
    before = opened.current("2026-02")
    assert opened.publish(TWO, "2026-01") == 2
    assert opened.values("2026-01") == [10, 11]
    assert opened.values("2026-02") == [1]
    assert opened.values("2026-03") is None
    after = opened.current("2026-02")
    assert before
    assert after
    assert after.version == before.version
    assert opened.warehouse.periods("sales", opened.session) == ["2026-01", "2026-02"]


def test_an_unpartitioned_table_is_replaced_whole(opened: OpenWarehouse) -> None:
    opened.publish(ONE, None)
    opened.publish(TWO, None)
    assert opened.values(None) == [10, 11]
    assert opened.values(None, name="_period") == [None, None]
    assert opened.warehouse.periods("sales", opened.session) == [None]


def test_every_version_can_be_read_back_with_its_record(opened: OpenWarehouse) -> None:
    for number in range(3):
        opened.publish(f"SELECT {number}::BIGINT AS a", "2026-01", (A,), {"n": number})
        opened.publish(TWO, "2026-02")
    for number in range(3):
        found = opened.warehouse.current("sales", "2026-01", opened.session, 2 * number)
        assert found
        assert (found.version, found.record["n"]) == (2 * number, number)
        assert [row["a"] for row in opened.rows(found.relation)] == [number]
    with pytest.raises(ResolveError, match=r"no version 7.*0 to 5"):
        opened.current("2026-01", 7)


def test_several_periods_are_read_as_one_version_has_them(opened: OpenWarehouse) -> None:
    assert opened.warehouse.version("sales", opened.session) is None
    months = ["2026-02", "2026-01", "2026-03", "2026-01"]
    for number, month in enumerate(months):
        opened.publish(f"SELECT {number}::BIGINT AS a", month)
    assert opened.warehouse.version("sales", opened.session) == 3
    wanted = {None: [3, 0, 2], 3: [3, 0, 2], 2: [1, 0, 2], 1: [1, 0], 0: [0]}
    for version, values in wanted.items():
        periods = ["2026-01", "2026-02", "2026-03"]
        query = PublicationQuery("sales", periods, version)
        found = opened.warehouse.publications(query, opened.session)
        assert [row["a"] for each in found for row in opened.rows(each.relation)] == values


def test_what_a_publication_looks_like(opened: OpenWarehouse) -> None:
    opened.publish("SELECT 1::BIGINT AS a, NULL::VARCHAR AS b", "2026-01", (A, B))
    relation = opened.current()
    assert relation
    assert [c.name for c in relation.columns] == ["a", "b", *(c.name for c in SYSTEM_COLUMNS)]
    types = {c.name: c.type for c in relation.columns}
    assert (types["a"], types["b"]) == (PhysicalType.INTEGER, PhysicalType.STRING)
    assert (types["_created_at"], types["_labels"]) == (PhysicalType.TIMESTAMP, PhysicalType.OTHER)
    assert relation.row_count == 1
    (row,) = opened.rows(relation)
    assert row["_period"] == "2026-01"
    assert row["_created_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert row["_labels"] == [{"key": "k", "value": "v"}]


def test_only_the_staging_run_sees_staged_rows(opened: OpenWarehouse, location: WarehouseLocation) -> None:
    claim = opened.claim()
    staged = opened.stage(claim)
    assert opened.current() is None
    assert [row["_period"] for row in opened.rows(staged.relation)] == ["2026-01"]
    assert staged.relation.row_count == 1
    assert len(location.leftovers()) == 1
    opened.warehouse.discard(claim, staged, opened.session)
    assert location.leftovers() == []
    opened.warehouse.discard(claim, staged, opened.session)


def test_leftovers_are_found_and_removed_but_no_publication(opened: OpenWarehouse) -> None:
    opened.publish(ONE, "2026-01")
    claim = opened.claim("2026-02")
    staged = opened.stage(claim)
    (left,) = opened.warehouse.leftovers(opened.session)
    assert abs(datetime.now(UTC) - left.left_at) < timedelta(hours=1)
    assert opened.warehouse.remove(left, opened.session)
    assert list(opened.warehouse.leftovers(opened.session)) == []
    with pytest.raises(DatasetAssetsError):
        opened.finish(claim, staged)
    assert opened.warehouse.periods("sales", opened.session) == ["2026-01"]


def test_the_records_of_all_periods_are_read_at_once(opened: OpenWarehouse) -> None:
    assert opened.warehouse.records("sales", opened.session) == {}
    for month in (2, 1, 2):
        start = {"period_start": f"2026-{month:02}-01", "n": month}
        opened.publish(ONE, f"2026-{month:02}", (A,), start)
    found = opened.warehouse.records("sales", opened.session)
    assert [(period, record["n"]) for period, record in found.items()] == [("2026-01", 1), ("2026-02", 2)]


def test_marks_of_records_change_with_each_record(opened: OpenWarehouse) -> None:
    def settled(before: RecordMarks) -> RecordMarks:
        """The marks once the file system's clock has gone on."""
        time.sleep(0.05)
        return opened.warehouse.record_marks(["sales", "other"], opened.session, before)

    marks = settled(RecordMarks({}))
    assert marks.by_dataset == {}
    seen = []
    for month in (1, 2, 1):
        opened.publish(ONE, f"2026-{month:02}")
        marks = settled(marks)
        assert set(marks.by_dataset) == {"sales"}
        seen.append(marks.by_dataset["sales"])
        assert settled(marks) == marks, "nothing was published"
    claim, before = opened.claim(), opened.warehouse.current("sales", "2026-01", opened.session)
    assert before
    assert settled(marks) == marks, "a claim is no record"
    opened.warehouse.confirm_unchanged(claim, before, {**before.record, "affirmed": {}}, opened.session)
    seen.append(settled(marks).by_dataset["sales"])
    assert len(set(seen)) == 4


def test_the_last_records_of_several_datasets_are_read_at_once(opened: OpenWarehouse) -> None:
    def last(*datasets: str) -> dict[str, int]:
        found = opened.warehouse.last_records(datasets, opened.session)
        assert found.faults == ()
        return {dataset: record["n"] for dataset, record in found.records.items()}

    assert last("sales", "other") == {}
    for number, month in enumerate((2, 3, 1, 2)):
        start = {"period_start": f"2026-{month:02}-01", "n": number}
        opened.publish(ONE, f"2026-{month:02}", (A,), start)
    assert last("sales", "other") == {"sales": 1}
    assert last("other") == last() == {}


def test_an_unchanged_publication_gets_another_record_and_keeps_its_rows(opened: OpenWarehouse) -> None:
    opened.publish(TWO, "2026-01")
    opened.publish(ONE, "2026-02")
    claim = opened.claim()
    before = opened.warehouse.current("sales", "2026-01", opened.session)
    assert before
    opened.warehouse.confirm_unchanged(claim, before, {**before.record, "seen": 7}, opened.session)
    assert opened.warehouse.records("sales", opened.session)["2026-01"]["seen"] == 7
    assert opened.values("2026-01") == [10, 11]
    assert opened.values("2026-02") == [1]
    stale = opened.claim()
    opened.publish(ONE, "2026-01")
    assert opened.values("2026-01") == [1]
    late = opened.warehouse.current("sales", "2026-01", opened.session)
    assert late
    with pytest.raises(SupersededError):
        opened.warehouse.confirm_unchanged(stale, late, {}, opened.session)


def test_zero_rows_are_a_publication(opened: OpenWarehouse) -> None:
    opened.publish(f"{ONE} WHERE FALSE")
    assert opened.values() == []


def test_a_stale_claim_cannot_publish(opened: OpenWarehouse) -> None:
    orphan = opened.claim(run="killed")
    staged = opened.stage(orphan)
    opened.publish(TWO, run="newer")
    with pytest.raises(SupersededError, match="'newer' took over 'sales' for 2026-01; run 'killed'"):
        opened.warehouse.confirm(orphan, opened.session)
    with pytest.raises(SupersededError, match="'newer' took over 'sales' for 2026-01; run 'killed'"):
        opened.finish(orphan, staged)
    assert opened.values() == [10, 11]


def test_a_superseded_claim_cannot_publish_before_the_newer_one_did(opened: OpenWarehouse) -> None:
    orphan = opened.claim()
    staged = opened.stage(orphan)
    newer = opened.claim()
    with pytest.raises(SupersededError):
        opened.finish(orphan, staged)
    assert opened.current() is None
    opened.finish(newer, opened.stage(newer))
    assert opened.values() == [1]


def test_a_claim_of_another_period_supersedes_nothing(opened: OpenWarehouse) -> None:
    claim = opened.claim("2026-01", "r")
    staged = opened.stage(claim)
    opened.publish(TWO, "2026-02", run="r")
    opened.finish(claim, staged)
    assert opened.values("2026-01") == [1]
    assert opened.values("2026-02") == [10, 11]


def test_the_same_claim_publishes_once(opened: OpenWarehouse) -> None:
    claim = opened.claim()
    staged = opened.stage(claim)
    first = opened.finish(claim, staged)
    second = opened.publish(TWO, "2026-02")
    assert opened.finish(claim, staged) == first
    assert opened.publish(TWO, "2026-03") == second + 1, "there was no version in between"
    assert opened.values() == [1]


def test_a_claim_removes_what_killed_runs_left(opened: OpenWarehouse, location: WarehouseLocation) -> None:
    opened.publish(ONE)
    for _ in range(2):
        opened.stage(opened.claim())
    opened.claim()
    assert location.leftovers() == []
    assert opened.values() == [1]


def test_added_and_removed_columns(opened: OpenWarehouse) -> None:
    opened.publish(ONE, "2026-01")
    opened.publish("SELECT 'x' AS b", "2026-02", (B,))
    assert opened.values("2026-02", name="a") == [None]
    assert opened.values("2026-01", name="b") == [None]
    assert opened.values("2026-01") == [1]


def test_a_changed_type_is_refused_while_other_periods_hold_the_old(opened: OpenWarehouse) -> None:
    opened.publish(ONE, "2026-01")
    opened.publish(ONE, "2026-02")
    changed = r"'a' is now \w+, but \w+ in the published Periods 2026-01"
    with pytest.raises(PublishError, match=changed):
        opened.publish("SELECT 'x' AS a", "2026-02", (TEXT,))
    assert opened.values("2026-02") == [1]


def test_partitioning_does_not_change_silently(opened: OpenWarehouse) -> None:
    opened.publish(ONE, "2026-01")
    with pytest.raises(PublishError, match="was published by Period before"):
        opened.publish(ONE, None)


def test_an_unpartitioned_table_does_not_become_partitioned_silently(opened: OpenWarehouse) -> None:
    opened.publish(ONE, None)
    with pytest.raises(PublishError, match="was published as one piece before"):
        opened.publish(ONE, "2026-01")
    assert opened.values(None) == [1]


def test_rows_of_another_shape_are_refused_with_all_faults(opened: OpenWarehouse) -> None:
    with pytest.raises(PublishError) as caught:
        opened.publish("SELECT 'x' AS a, 2 AS c", "2026-01", (A, B))
    assert len(caught.value.faults) == 3
    assert opened.current() is None


def test_latest_is_the_period_that_begins_last(opened: OpenWarehouse) -> None:
    opened.publish(ONE, "FY2026-M02", (A,), {"period_start": "2026-08-01T00:00:00+00:00"})
    opened.publish(TWO, "FY2025-M12", (A,), {"period_start": "2026-09-01T00:00:00+00:00"})
    latest = opened.warehouse.latest("sales", opened.session)
    assert latest
    assert latest.period == "FY2025-M12"
    assert opened.warehouse.periods("sales", opened.session) == ["FY2026-M02", "FY2025-M12"]


def _numbered(number: int) -> dict[str, Any]:
    return {"n": number, "published_at": f"2026-02-{number + 1:02}T00:00:00+00:00"}


def test_the_records_of_the_last_publications_of_some_periods(opened: OpenWarehouse) -> None:
    for number, period in enumerate(("2026-01", "2026-02", "2026-01", "2026-03", "2026-01")):
        opened.publish(ONE, period, (A,), _numbered(number))

    def recent(*periods: str | None, last: int = 1) -> list[int]:
        return [each["n"] for each in opened.warehouse.recent("sales", periods, opened.session, last)]

    assert recent("2026-03", "2026-01", "2025-12", "2026-02") == [3, 4, 1]
    assert recent("2026-01", "2026-02", last=2) == [4, 2, 1]
    assert recent("2026-01", last=9) == [4, 2, 0]
    assert recent() == recent("2025-12", last=2) == []


def test_the_records_of_an_unpartitioned_dataset(opened: OpenWarehouse) -> None:
    assert opened.warehouse.recent("sales", [None], opened.session) == []
    for number in range(3):
        opened.publish(ONE, None, (A,), _numbered(number))
    found = opened.warehouse.recent("sales", [None], opened.session, 2)
    assert [each["n"] for each in found] == [2, 1]


def test_datasets_are_independent(opened: OpenWarehouse) -> None:
    opened.publish(ONE)
    warehouse, session = opened.warehouse, opened.session
    assert warehouse.current("sale", "2026-01", session) is None
    assert warehouse.periods("sales_2", session) == []
    assert warehouse.location("sales") != warehouse.location("sale")
