"""What one publication reads of its Delta table does not grow with the publications before it."""

from collections import Counter
from collections.abc import Generator

import pytest
from deltalake import DeltaTable

from dataset_assets.adapters.delta import open_tables, publications, stored_record
from dataset_assets.adapters.delta.folder import read_json
from tests.warehouses.warehouse_fixtures import ONE, TWO, A, DeltaLocation, OpenWarehouse

DATASET, MONTH = "sales", "2026-01"


@pytest.fixture
def opened(tmp_path) -> Generator[OpenWarehouse]:
    with DeltaLocation(tmp_path / "warehouse").open() as found:
        yield found


def test_a_publication_opens_its_table_once_and_reads_the_last_commits(opened, monkeypatch):
    read: Counter[str] = Counter()
    open_table, read_commit = open_tables.open_table, publications.read_commit

    def count_tables(*of):
        read["tables"] += 1
        return open_table(*of)

    def count_commits(*of):
        read["commits"] += 1
        return read_commit(*of)

    monkeypatch.setattr(open_tables, "open_table", count_tables)
    monkeypatch.setattr(publications, "read_commit", count_commits)
    for number in range(12):
        read.clear()
        claim = opened.claim(None)
        staged = opened.stage(claim, ONE)
        assert (opened.current(None) is not None) == (number > 0)
        found = opened.warehouse.recent(DATASET, [None], opened.session, 3)
        assert [each["n"] for each in found] == [*range(number)][:-4:-1]
        opened.finish(claim, staged, record={"n": number})
        assert read["tables"] <= 1 if number else read["tables"] == 0
        assert read["commits"] <= 3


def test_versions_of_other_sessions_and_tools_are_seen(opened, tmp_path):
    opened.publish(ONE, MONTH)
    opened.publish(ONE, "2026-02")
    assert opened.values() == [1]
    with DeltaLocation(tmp_path / "warehouse").open() as other:
        other.publish(TWO, MONTH)
    assert opened.values() == [10, 11]
    DeltaTable(tmp_path / "warehouse" / DATASET).delete("_period = '2026-02'")
    assert opened.current("2026-02") is None
    assert opened.publish(ONE, MONTH) == 4
    assert (opened.values(), opened.values(version=2)) == ([1], [10, 11])


def test_a_table_that_was_made_anew_is_read_anew(opened, tmp_path):
    folder = tmp_path / "warehouse" / DATASET
    opened.publish(ONE, MONTH)
    assert opened.values() == [1]
    folder.rename(tmp_path / "away")
    assert opened.current() is None
    opened.publish(TWO, MONTH)
    assert opened.values() == [10, 11]


def test_records_are_read_when_they_are_asked_for(opened, monkeypatch):
    read: Counter[str] = Counter()
    days = [f"2026-01-{day:02}" for day in range(1, 10)]
    for day in reversed(days):
        head = {"dataset": DATASET, "dataset_id": "x", "version": 1, "sha256": "0", "period": day}
        record = {**head, "period_start": f"{day}T00:00:00+00:00"}
        claim = opened.claim(day)
        columns = [A]
        opened.warehouse.publish(claim, opened.stage(claim, ONE), columns, record, opened.session)

    def count_records(path):
        read[path.parent.name] += 1
        return read_json(path)

    monkeypatch.setattr(stored_record, "read_json", count_records)
    records = opened.warehouse.records(DATASET, opened.session)
    assert (list(records), opened.warehouse.periods(DATASET, opened.session)) == (days, days)
    assert not read
    assert (records[days[-1]]["version"], {**records[days[-1]]}["period"]) == (1, days[-1])
    assert read == {f"_period={days[-1]}": 1}
    (opened.warehouse.root / DATASET / "_records" / f"_period={days[0]}").rename(opened.warehouse.root / "x")
    assert opened.warehouse.records(DATASET, opened.session)[days[0]] == {}, "it is lost"
