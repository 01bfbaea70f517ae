"""Retention of published Delta tables: what goes, what stays, kills, and others at the same time."""

import random
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from dataset_assets.adapters.delta.lines import append_lines, read_line, read_lines
from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.errors import ResolveError
from dataset_assets.ports.retention import Retention, RetentionRequest
from dataset_assets.ports.uses import PinRequest
from tests.engines.forked_process import Fork
from tests.warehouses.test_crowds import complete_publication, publish_repeatedly
from tests.warehouses.test_retention import NOW, expire, pin, publish, unpin, use
from tests.warehouses.warehouse_fixtures import A, DeltaLocation, OpenWarehouse

KEEP_TWO = Retention(publications=2)
GONE = "expired by retention and are gone since"


@pytest.fixture
def location(tmp_path: Path) -> DeltaLocation:
    return DeltaLocation(tmp_path / "warehouse")


@pytest.fixture
def opened(location: DeltaLocation) -> Generator[OpenWarehouse]:
    with location.open() as found:
        yield found


def data_files(location: DeltaLocation) -> set[str]:
    """Return what follows `run-` in the name of each data file: the number of its publication."""
    files = (path for path in location.root.rglob("*.parquet") if "_delta_log" not in path.parts)
    return {path.stem.partition("-run-")[2] for path in files}


def readable(opened: OpenWarehouse, period: str | None = "2026-01") -> dict[int, Any]:
    """Return the value of `a` in each table version that can be read."""
    newest = opened.warehouse.version("sales", opened.session)
    assert newest is not None
    found = {}
    for version in range(newest + 1):
        with suppress(ResolveError):
            found[version] = opened.values(period, version)
    return found


@pytest.mark.parametrize("period", ["2026-01", None])
def test_the_newest_publications_are_kept_and_the_others_go(opened, location, period):
    publish(opened, range(6), period)
    report = expire(opened, KEEP_TWO)
    assert [each.table_version for each in report.expired] == [0, 1, 2, 3]
    assert report.removed == report.expired
    assert report.freed_bytes
    assert readable(opened, period) == {4: [4], 5: [5]}
    assert data_files(location) == {"4", "5"}
    with pytest.raises(ResolveError, match=f"in version 2 of 'sales' {GONE} 20"):
        opened.values(period, 2)
    assert expire(opened, KEEP_TWO).is_empty
    publish(opened, [6], period)
    assert [each.table_version for each in expire(opened, KEEP_TWO).expired] == [4]
    assert readable(opened, period) == {5: [5], 6: [6]}


def test_the_current_publication_of_each_period_is_kept_however_old(opened):
    publish(opened, [0, 1], "2026-01")
    publish(opened, range(2, 6), "2026-02")
    expire(opened, Retention(publications=1), now=datetime.now(UTC) + timedelta(days=999))
    assert opened.values("2026-01") == [1]
    assert readable(opened, "2026-01") == {version: [1] for version in range(1, 6)}
    assert readable(opened, "2026-02") == {0: None, 1: None, 5: [5]}


def test_days_are_counted_from_the_replacement_and_either_limit_keeps(opened):
    publish(opened, range(4))
    now = datetime.now(UTC)
    both = Retention(days=90, publications=2)
    assert expire(opened, both, now=now + timedelta(days=89)).is_empty is False, "the log is checkpointed"
    assert expire(opened, both, now=now + timedelta(days=89)).expired == ()
    assert expire(opened, Retention(days=90), now=now + timedelta(days=89)).expired == ()
    assert [e.table_version for e in expire(opened, both, now=now + timedelta(days=91)).expired] == [0, 1]
    only_days = expire(opened, Retention(days=90), now=now + timedelta(days=91))
    assert [e.table_version for e in only_days.expired] == [2]
    (expired,) = only_days.expired
    assert expired.replaced_at
    assert abs(expired.replaced_at - now) < timedelta(minutes=5)


def test_a_dry_run_changes_nothing(opened, location):
    publish(opened, range(4))
    before = sorted(location.root.rglob("*"))
    report = expire(opened, KEEP_TWO, dry_run=True)
    assert [each.table_version for each in report.expired] == [0, 1]
    assert report.removed == report.expired
    assert report.freed_bytes
    assert [path for path in sorted(location.root.rglob("*")) if path.name != ".lock"] == [
        path for path in before if path.name != ".lock"
    ]
    assert readable(opened) == {n: [n] for n in range(4)}


def test_readers_that_opened_an_expired_publication_before_have_the_grace(opened, location):
    publish(opened, range(3))
    held = opened.current("2026-01", 0)
    now, hour = datetime.now(UTC), timedelta(hours=1)
    report = expire(opened, KEEP_TWO, grace=hour, now=now)
    assert [each.table_version for each in report.expired] == [0]
    assert report.removed == ()
    assert [row["a"] for row in opened.rows(held)] == [0]
    with pytest.raises(ResolveError, match=GONE):
        opened.values("2026-01", 0)
    assert expire(opened, KEEP_TWO, grace=hour, now=now + hour / 2).removed == ()
    assert data_files(location) == {"0", "1", "2"}
    later = expire(opened, KEEP_TWO, grace=hour, now=now + hour)
    assert [each.table_version for each in later.removed] == [0]
    assert data_files(location) == {"1", "2"}


def test_a_pin_within_the_grace_keeps_an_expired_publication(opened):
    publish(opened, range(3))
    hour = timedelta(hours=1)
    expire(opened, Retention(publications=1), grace=hour)
    pin(opened, 0)
    expire(opened, Retention(publications=1))
    assert readable(opened) == {0: [0], 2: [2]}
    with pytest.raises(ResolveError, match=GONE):
        pin(opened, 1)
    unpin(opened, 0)
    expire(opened, Retention(publications=1))
    assert readable(opened) == {2: [2]}
    assert [each["n"] for each in records(opened)] == [2, 1, 0]


def records(opened: OpenWarehouse, last: int = 99) -> list[Any]:
    return opened.warehouse.recent("sales", ["2026-01"], opened.session, last)


def test_records_are_kept_and_say_since_when_the_rows_are_gone(opened, location):
    publish(opened, range(5))
    pin(opened, 1)
    before = records(opened)
    report = expire(opened, KEEP_TWO)
    after = records(opened)
    assert [each["n"] for each in after] == [4, 3, 2, 1, 0]
    assert ["expired_at" in each for each in after] == [False, False, True, False, True]
    assert [{k: v for k, v in each.items() if k != "expired_at"} for each in after] == before
    assert [each["n"] for each in records(opened, 2)] == [4, 3]
    (found,) = opened.warehouse.recorded("sales", ["2026-01"], 2, opened.session)
    assert found.record["n"] == 2
    assert found.expired_at == report.expired[0].expired_at
    publish(opened, [5])
    assert [each["n"] for each in records(opened)] == [5, 4, 3, 2, 1, 0]
    assert len(list((location.root / "sales" / "_records").rglob("*.json"))) == 4


def test_versions_have_the_schema_that_they_had(opened):
    publish(opened, [0])
    opened.publish("SELECT 'x' AS b", "2026-01", (replace(A, name="b", type="string"),), {"n": 1})
    publish(opened, [2])
    pin(opened, 0)
    pin(opened, 1)
    expire(opened, Retention(publications=1))
    publish(opened, [3])
    expire(opened, Retention(publications=1))
    assert opened.values("2026-01", 0) == [0]
    assert opened.values("2026-01", 1, "b") == ["x"]
    assert opened.current("2026-01", 1).columns[0].name == "b"


def test_the_log_is_checkpointed_and_cleaned_and_other_readers_read_on(opened, location):
    publish(opened, range(30))
    assert expire(opened, Retention(publications=1)).log_files == 29
    log = location.root / "sales" / "_delta_log"
    assert sorted(path.name for path in log.glob("0*")) == [
        f"{29:020}.checkpoint.parquet",
        f"{29:020}.json",
    ]
    table = DeltaTable(location.root / "sales")
    assert (table.version(), table.to_pyarrow_table()["a"].to_pylist()) == (29, [29])
    publish(opened, [30])
    assert opened.values() == [30]
    assert DeltaTable(location.root / "sales").to_pyarrow_table()["a"].to_pylist() == [30]
    assert opened.warehouse.periods("sales", opened.session) == ["2026-01"]


def test_what_was_committed_before_the_log_begins_is_no_leftover(opened):
    publish(opened, [0], "2026-01")
    publish(opened, range(1, 4), "2026-02")
    expire(opened, Retention(publications=1))
    assert list(opened.warehouse.leftovers(opened.session)) == []
    claim = opened.claim("2026-01")
    assert opened.values("2026-01") == [0]
    staged = opened.stage(claim, "SELECT 9::BIGINT AS a")
    version = opened.finish(claim, staged)
    expire(opened, Retention(publications=1))
    publish(opened, [10], "2026-02")
    expire(opened, Retention(publications=1))
    assert opened.finish(claim, staged) == version, "published again, it has the version that it had"


def test_without_retention_nothing_goes(opened):
    publish(opened, range(3))
    report = opened.warehouse.expire(
        "sales", RetentionRequest(NOW + timedelta(days=9999), timedelta(0)), opened.session
    )
    assert report.is_empty
    assert readable(opened) == {n: [n] for n in range(3)}


def test_torn_lines_are_skipped(opened, location, tmp_path):
    publish(opened, [0])
    opened.warehouse.record_uses([use("a")], opened.session)
    file = location.root / "sales" / "_ledger" / "uses.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    assert [each.training_run for each in opened.warehouse.uses("sales", opened.session)] == ["a"]
    opened.warehouse.record_uses([use("b")], opened.session)
    assert [each.training_run for each in opened.warehouse.uses("sales", opened.session)] == ["a", "b"]
    path = tmp_path / "lines.jsonl"
    positions = append_lines(path, [{"n": 1}, {"n": "ü"}])
    path.write_bytes(path.read_bytes() + b'{"n": 3')
    positions += append_lines(path, [{"n": 4}])
    assert [read_line(path, position) for position in positions] == [{"n": 1}, {"n": "ü"}, {"n": 4}]
    assert [line["n"] for line in read_lines(path)] == [1, "ü", 4]
    assert read_line(path, 10_000) == {}


def expire_repeatedly(report: Callable[[Any], None], location: DeltaLocation) -> None:
    """Publish and expire without pause; report each publication that is certain."""
    with location.open() as opened:
        newest = opened.warehouse.version("sales", opened.session) or 0
        for n in range(newest + 1, newest + 10_000):
            publish(opened, [n])
            report(n)
            expire(opened, KEEP_TWO)


def test_kill_9_during_retention_loses_nothing_that_is_kept(opened, location):
    publish(opened, range(5))
    pin(opened, 2)
    moments, slowest = random.Random(11), 0.3
    for _ in range(8):
        process = Fork.begun(expire_repeatedly, location)
        time.sleep(slowest + 0.4 * moments.random())
        told = process.kill()
        assert opened.values("2026-01", 2) == [2]
        newest = opened.warehouse.version("sales", opened.session)
        assert newest is not None
        assert newest >= max(told, default=0)
        assert opened.values() == [newest], "version n has the row n"
        assert opened.values("2026-01", newest - 1) == [newest - 1]
    expire(opened, KEEP_TWO)
    assert readable(opened) == {2: [2], newest - 1: [newest - 1], newest: [newest]}
    for leftover in list(opened.warehouse.leftovers(opened.session)):
        assert opened.warehouse.remove(leftover, opened.session), "killed just before a commit"
    assert len(list((location.root / "sales").glob("_period=*/*.parquet"))) == 3
    assert [each["n"] for each in records(opened, 10_000)] == list(range(newest, -1, -1))


@pytest.mark.parametrize("point", ["history", "records", "expired", "unlink", "checkpoint", "log"])
def test_interrupted_at_each_step_the_next_run_finishes(opened, location, monkeypatch, point):
    publish(opened, range(6))
    pin(opened, 1)
    with monkeypatch.context() as patched:
        interrupt(patched, point)
        with pytest.raises(KeyboardInterrupt):
            expire(opened, KEEP_TWO)
    assert opened.values() == [5]
    assert opened.values("2026-01", 1) == [1]
    assert opened.values("2026-01", 4) == [4]
    publish(opened, [6])
    expire(opened, KEEP_TWO)
    assert readable(opened) == {1: [1], 5: [5], 6: [6]}
    assert len(list((location.root / "sales").glob("_period=*/*.parquet"))) == 3
    assert [each["n"] for each in records(opened)] == list(range(6, -1, -1))
    assert len(list((location.root / "sales" / "_delta_log").glob("0*.json"))) == 1


def interrupt(patched: pytest.MonkeyPatch, point: str) -> None:
    """Interrupt retention just after this step, or in the middle of it."""
    if point in ("history", "records", "expired"):
        file = {"history": "publications.jsonl"}.get(point, f"{point}.jsonl")

        def append_and_stop(path, lines):
            positions = append_lines(path, lines)
            if path.name == file:
                raise KeyboardInterrupt
            return positions

        patched.setattr("dataset_assets.adapters.delta.history.append_lines", append_and_stop)
    elif point == "checkpoint":
        patched.setattr(DeltaTable, "create_checkpoint", _stop)
    else:
        unlink, suffix = Path.unlink, ".parquet" if point == "unlink" else "3.json"

        def unlink_and_stop(path, missing_ok=False):
            unlink(path, missing_ok=missing_ok)
            if path.name.endswith(suffix) and ("_delta_log" in path.parts) == (point == "log"):
                raise KeyboardInterrupt

        patched.setattr(Path, "unlink", unlink_and_stop)


def _stop(_: DeltaTable) -> None:
    raise KeyboardInterrupt


def retain_repeatedly(report: Callable[[Any], None], location: DeltaLocation, times: int) -> None:
    with location.open() as opened:
        assert isinstance(opened.warehouse, DeltaWarehouse)
        warehouse = replace(opened.warehouse, retention=Retention(publications=3))
        for _ in range(times):
            at = datetime.now(UTC)
            request = RetentionRequest(at, timedelta(seconds=20))
            report(len(warehouse.expire("sales", request, opened.session).expired))
            time.sleep(0.05)


def test_a_writer_and_readers_go_on_while_retention_runs(opened, location):
    opened.publish("SELECT 0::BIGINT AS a FROM range(200)", "2026-01", (A,), {"n": 0})
    publish(opened, [7], "2026-02")
    opened.warehouse.pin("sales", ["2026-01"], 0, PinRequest("kept", NOW), opened.session)
    writer = Fork.begun(publish_repeatedly, location, 1, 30, "2026-01")
    retention = Fork.begun(retain_repeatedly, location, 60)
    reads = 0
    while writer.process.is_alive() or retention.process.is_alive():
        complete_publication(opened, "2026-01")
        complete_publication(opened, "2026-01", 0)
        assert opened.values("2026-02") == [7]
        reads += 1
    told, expired = writer.result(), sum(retention.result())
    assert (len(told), expired) == (30, 27)
    assert reads > 10
    assert complete_publication(opened, "2026-01") == 30
    assert complete_publication(opened, "2026-01", 0) == 0
