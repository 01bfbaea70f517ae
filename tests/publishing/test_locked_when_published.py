"""A version is locked with its publication: failed runs lock none, and equal structures stay up to date."""

from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from dataset_assets.catalog.locks import lock_entry
from dataset_assets.catalog.versions import lock_dataset, read_lock
from dataset_assets.checks.results import AuditError
from dataset_assets.errors import DatasetAssetsError, LockedMeanwhileError, LockError, ResolveError
from dataset_assets.publishing import row_publisher
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.source_states import SourceStates
from tests.publishing.shop import KEYED, SALES, Shop

WIDER = KEYED.replace("  filters:", "  extra_columns: [buyer]\n  filters:")
NEVER = "SELECT * FROM {sales} WHERE sold_at < TIMESTAMP '2024-02-01'"


def locked(shop: Shop) -> str:
    path = shop.root / "definitions" / "datasets" / "sales.lock"
    return path.read_text() if path.exists() else ""


def versions(shop: Shop) -> list[int]:
    return [line.version for line in read_lock(shop.root / "definitions" / "datasets" / "sales.lock").lines]


def is_due(shop: Shop) -> bool:
    catalog, target = shop.catalog, shop.target
    with target.engine.connect() as session:
        known = SourceStates(catalog, target, shop.now + timedelta(seconds=1), session)
        period = catalog.calendars.cadence("month").parse("2024-02")
        return PublicationStatus(known, catalog.entry("sales"), period).due(every=False) is not None


def test_a_run_that_fails_leaves_the_lock_as_it_was(shop: Shop) -> None:
    sales = f"({SALES.format(rows=1500)})"
    shop.write("sales", NEVER.format(sales=sales))
    with pytest.raises(AuditError):
        shop.publish()
    assert locked(shop) == ""
    shop.write("sales", SALES.format(rows=1500))
    shop.publish()
    before = locked(shop)
    shop.declare(WIDER)
    shop.write("sales", NEVER.format(sales=sales))
    with pytest.raises(AuditError):
        shop.publish()
    shop.write("items", "SELECT i % 10 AS item, 'kind' AS kind FROM range(12) AS t(i)")
    with pytest.raises(AuditError, match="more than once"):
        shop.publish()
    shop.rewrite_sales("SELECT line, buyer, 'x' AS item, sold_at FROM {sales}")
    with pytest.raises(ResolveError):
        shop.publish()
    assert locked(shop) == before
    shop.declare(KEYED)
    shop.write("items", "SELECT i AS item, 'kind ' || i % 3 AS kind FROM range(11) AS t(i)")
    shop.write("sales", SALES.format(rows=1501))
    assert shop.publish().version.number == 1
    assert versions(shop) == [1]


def test_a_restored_structure_gets_a_number_and_keeps_its_publications(shop: Shop) -> None:
    shop.publish("2024-01")
    shop.publish("2024-02")
    shop.declare(WIDER)
    assert shop.publish("2024-01").version.number == 2
    shop.declare(KEYED)
    assert not is_due(shop), "its structure is that of the file, whatever its number"
    done = shop.publish("2024-02")
    assert (done.counts.has_changes, done.version.number) == (False, 1)
    back = shop.publish("2024-01")
    assert (back.version.number, back.record["version"]) == (3, 3)
    assert versions(shop) == [1, 2, 3]
    assert not is_due(shop)
    assert shop.publish("2024-01").counts == RefreshCounts(back.counts.rows, 0, 0, back.counts.rows, 0)


def test_the_first_run_to_lock_gets_the_pending_number(shop: Shop, monkeypatch) -> None:
    """Two runs of two structures both expect to publish version 2."""
    shop.publish()
    shop.declare(WIDER)
    other = shop.catalog.checked(shop.catalog.entry("sales"))
    shop.declare(KEYED.replace("  filters:", "  extra_columns: [price]\n  filters:"))
    entry = shop.catalog.entry("sales")
    before_commit(monkeypatch, lambda: lock_dataset(entry.path, entry.lock_path, other, shop.now))
    done = shop.publish()
    assert (done.version.number, done.record["version"]) == (3, 3)
    assert versions(shop) == [1, 2, 3]
    assert done.record["sha256"] == read_lock(entry.lock_path).lines[-1].sha256


def test_of_two_first_runs_the_later_one_runs_again(shop: Shop, monkeypatch) -> None:
    text = "\n".join(line for line in KEYED.splitlines() if not line.startswith("  id:"))
    shop.declare(text)
    entry = shop.catalog.entry("sales")
    dataset = shop.catalog.checked(entry)
    calls = before_commit(monkeypatch, lambda: lock_dataset(entry.path, entry.lock_path, dataset, shop.now))
    with pytest.raises(LockedMeanwhileError, match="run this one again"):
        shop.publish()
    assert calls == [1]
    assert shop.rows() == []
    done = shop.publish()
    assert done.record["dataset_id"] == str(read_lock(entry.lock_path).id)


def test_a_crash_between_lock_and_commit_is_harmless(shop: Shop, monkeypatch) -> None:
    shop.publish()
    shop.declare(WIDER)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.target.warehouse), "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            shop.publish()
    assert versions(shop) == [1, 2]
    assert shop.publish().version.number == 2
    assert versions(shop) == [1, 2]


def test_an_unwritable_lock_is_reported_before_the_query_runs(shop: Shop, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse_below(refuse))
    with pytest.raises(DatasetAssetsError, match=r"sales\.lock cannot be written: Permission denied"):
        shop.publish()
    assert not shop.store.leftovers()


def refuse_below(refuse):
    acquire = FileLock.acquire

    def acquired(self, *args, **kwargs):
        if "definitions" in str(self.lock_file):
            refuse()
        return acquire(self, *args, **kwargs)

    return acquired


def before_commit(monkeypatch, work) -> list[int]:
    """Call `work` once, as another run, right before this run locks its version and commits."""
    calls: list[int] = []
    lock = row_publisher.lock_version

    def locked(*args):
        if not calls:
            calls.append(1)
            work()
        return lock(*args)

    monkeypatch.setattr(row_publisher, "lock_version", locked)
    return calls


def lock_of(shop: Shop) -> Path:
    return shop.root / "definitions" / "datasets" / "sales.lock"


def test_a_number_that_a_revert_took_out_of_the_lock_is_not_given_again(shop: Shop) -> None:
    shop.publish()
    first = locked(shop)
    shop.declare(WIDER)
    assert shop.publish().version.number == 2
    lock_of(shop).write_text(first)
    shop.declare(KEYED.replace("months: 2", "months: 1"))
    assert shop.publish().version.number == 3
    assert versions(shop) == [1, 3]


def test_a_number_with_two_structures_on_two_branches_is_given_once(shop: Shop) -> None:
    shop.publish()
    first = locked(shop)
    shop.declare(WIDER)
    assert shop.publish().version.number == 2
    lock_of(shop).write_text(first)
    shop.declare(KEYED.replace("months: 2", "months: 1"))
    lock_entry(shop.catalog.entry("sales"), shop.now)
    assert versions(shop) == [1, 2]
    with pytest.raises(LockError, match="version 2 of sales is published with another structure"):
        shop.publish(locked=True)
    found = shop.publish()
    assert (found.version.number, found.record["version"]) == (3, 3)
    assert versions(shop) == [1, 2, 3]
    assert not shop.publish().counts.has_changes
    assert read_lock(lock_of(shop)).faults == ()
