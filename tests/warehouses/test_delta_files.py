"""The files and records of a Delta table, read without the Delta library and without their large parts."""

import json
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from deltalake import DeltaTable

from dataset_assets.adapters.delta import publications, stored_record
from dataset_assets.adapters.delta.current_files import files_of_small_log
from dataset_assets.adapters.delta.folder import read_json
from dataset_assets.adapters.delta.log import open_table
from dataset_assets.adapters.delta.periods import first_files
from tests.warehouses.warehouse_fixtures import ONE, TWO, A, DeltaLocation, OpenWarehouse

DATASET, MONTHS = "sales", ("2026-01", "2026-02", "2026-03")
HEAD = {"dataset": DATASET, "dataset_id": "x", "version": 1, "sha256": "0"}
LARGE = {
    "definition": {"name": 'a ", "counts": {"rows": 7} b'},
    "columns": [{"name": "a"}],
    "sql": 'SELECT \', "statistics": {\' AS "a"',
}
COUNTS = {"counts": {"rows": 1}, "digest": "d", "size_bytes": None}
STATISTICS = {"statistics": {"columns": {"affirmed": {"sensitive": True}}}, "checks": []}


@pytest.fixture
def opened(tmp_path) -> Generator[OpenWarehouse]:
    with DeltaLocation(tmp_path / "warehouse").open() as found:
        yield found


def both(opened: OpenWarehouse) -> tuple[object, object]:
    folder = Path(unquote(urlsplit(opened.warehouse.location(DATASET)).path))
    return files_of_small_log(folder), first_files(open_table(folder))


@pytest.mark.parametrize("periods", [MONTHS, (None,)])
def test_the_files_are_those_of_the_delta_library(opened, periods):
    for query in (ONE, TWO):
        for period in periods:
            opened.publish(query, period)
            ours, theirs = both(opened)
            assert ours == theirs
            assert ours
    if periods == MONTHS:
        DeltaTable(opened.warehouse.root / DATASET).delete(f"_period = '{MONTHS[1]}'")
        ours, theirs = both(opened)
        assert ours == theirs
        assert list(opened.warehouse.records(DATASET, opened.session)) == [MONTHS[0], MONTHS[2]]


def test_only_the_library_reads_what_it_alone_knows(opened, tmp_path):
    assert files_of_small_log(tmp_path / "nothing") is None
    for month in MONTHS:
        opened.publish(ONE, month)
    folder = opened.warehouse.root / DATASET
    log = folder / "_delta_log"
    first = (log / f"{0:020}.json").read_text()
    for line in ('{"sidecar": {"path": "x"}}', '{"protocol": {"minReaderVersion": 3}}', "[]", "{"):
        (log / f"{0:020}.json").write_text(f"{first}{line}\n")
        assert files_of_small_log(folder) is None
    (log / f"{0:020}.json").write_text(first)
    assert files_of_small_log(folder)
    (log / f"{1:020}.json").rename(tmp_path / "second")
    assert files_of_small_log(folder) is None, "a commit is gone"
    (tmp_path / "second").rename(log / f"{1:020}.json")
    DeltaTable(folder).create_checkpoint()
    assert files_of_small_log(folder) is None
    assert list(opened.warehouse.records(DATASET, opened.session)) == list(MONTHS)


def test_a_small_log_is_read_without_the_library(opened, monkeypatch):
    opened.publish(ONE, MONTHS[0])
    monkeypatch.setattr(publications, "open_table", None)
    monkeypatch.setattr(type(opened.warehouse), "table", None)
    assert list(opened.warehouse.records(DATASET, opened.session)) == [MONTHS[0]]


@pytest.mark.parametrize("confirmed", [{}, {"affirmed": {"sources": {"a": 'x", "counts": {'}}}])
def test_a_record_is_the_same_without_its_large_parts(opened, monkeypatch, confirmed):
    for month in MONTHS:
        period = {"period": month, "period_start": f"{month}-01T00:00:00+00:00"}
        record = {**HEAD, **period, "sources": {}, **LARGE, **COUNTS, **STATISTICS, **confirmed}
        claim = opened.claim(month)
        opened.warehouse.publish(claim, opened.stage(claim, ONE), [A], record, opened.session)
    read: list[object] = []

    def count(path):
        read.append(path)
        return read_json(path)

    monkeypatch.setattr(stored_record, "read_json", count)
    for found in opened.warehouse.records(DATASET, opened.session).values():
        for key in (*HEAD, "sources", *COUNTS, *confirmed):
            assert found[key] == {**record, "period": None}[key]
        assert found.get("affirmed") == confirmed.get("affirmed")
        assert not read
        assert found["definition"] == LARGE["definition"]
        assert found["statistics"] == STATISTICS["statistics"]
        assert found.get("unknown") is None
        assert {**found} == {**record, "period": found["period"], "period_start": found["period_start"]}
        assert len(read) == 1
        read.clear()


def test_a_record_in_another_order_is_read_whole(opened):
    record = {**HEAD, "period": None, "period_start": None, **STATISTICS, **COUNTS, **LARGE}
    claim = opened.claim(None)
    opened.warehouse.publish(claim, opened.stage(claim, ONE), [A], record, opened.session)
    [found] = opened.warehouse.records(DATASET, opened.session).values()
    assert json.loads(json.dumps({**found})) == record
    assert (found["counts"], found.get("affirmed")) == (COUNTS["counts"], None)
