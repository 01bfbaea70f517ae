"""What is remembered between two looks, and what is requested: without Dagster."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.ports.target import PublishingTarget
from dataset_assets.staleness.due_publication import SourceReports
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.readers import readers_of
from dataset_assets.staleness.refresh_memory import RefreshMemory
from dataset_assets.staleness.refresh_requests import Choice, InProgress, choose
from dataset_assets.staleness.refreshed_dataset import refreshed_datasets
from dataset_assets.staleness.source_states import SourceStates
from tests.assets.catalogs import text
from tests.staleness.in_memory import (
    NO_SESSION,
    RecordsInMemory,
    TablesInMemory,
    record_of,
    target_in_memory,
)

NOW = datetime(2024, 6, 10, tzinfo=UTC)
BY_MONTH = "partitions: {period: month, start: 2024-01}"
UPSTREAM = "refresh: {on: upstream}"
MONTHS = [f"2024-{month:02}" for month in range(1, 6)]


class NoReports(SourceReports):
    """Nobody reported anything."""

    def last_report(self, resolver: str, table: str, time_range: TimeRange | None) -> None:  # noqa: ARG002
        return None

    def first_report(
        self,
        resolver: str,  # noqa: ARG002
        table: str,  # noqa: ARG002
        time_range: TimeRange | None,  # noqa: ARG002
        since: datetime,  # noqa: ARG002
    ) -> None:
        return None


class Remembered:
    """A chain of three datasets by month, each of which nests the one before, published and up to date."""

    def __init__(self, root: Path) -> None:
        for folder in ("datasets", "projects"):
            (root / folder).mkdir()
        (root / "users.yaml").write_text("users: {ada: {email: ada@example.com}}\n")
        for number in (1, 2, 3):
            nested = [number - 1] if number > 1 else []
            path = root / "datasets" / f"d{number}.yaml"
            path.write_text(text(number, "monthly", BY_MONTH, UPSTREAM, nested=nested))
        self.tables, self.warehouse = TablesInMemory({"monthly": "month"}), RecordsInMemory()
        self.catalog = load_catalog(root)
        self.target = target_in_memory(self.tables, self.warehouse)
        for month in MONTHS:
            self.tables.change("monthly", month, "v1")
        for stem in ("d1", "d2", "d3"):
            self.publish(stem, *MONTHS)
        datasets = refreshed_datasets(self.catalog, ("d1", "d2", "d3"), NOW)
        self.memory = RefreshMemory(self.target, datasets, readers_of(self.catalog, self.target, datasets))
        self.requested = {}
        self.now = NOW
        assert self.look().runs == []

    @property
    def states(self) -> SourceStates:
        return SourceStates(self.catalog, self.target, NOW, NO_SESSION)

    def publish(self, stem: str, *months: str, rows: str = "v1") -> None:
        entry, cadence = self.catalog.entry(stem), self.catalog.calendars.cadence("month")
        for month in months:
            reads = record_of(PublicationStatus(self.states, entry, cadence.parse(month)))
            self.warehouse.publish(stem, reads, rows, NOW)

    def restate(self, *months: str) -> None:
        cadence = self.catalog.calendars.cadence("month")
        for month in months:
            self.tables.change("monthly", month, "v2")
        self.memory.table_changed(("shop", "monthly"), [cadence.parse(month) for month in months], NOW)

    def look(self, in_progress: InProgress | None = None, most_runs: int = 9, late: bool = False) -> Choice:
        deadline = float("-inf") if late else float("inf")
        self.memory.look(self.states, NoReports(), deadline)
        choice = choose(
            self.memory, in_progress or InProgress(), self.requested, self.now, NoReports(), most_runs
        )
        self.requested = choice.requested
        return choice


class ReadingElsewhere(Remembered):
    """The same chain, of which another target publishes the first dataset."""

    def publish(self, stem: str, *months: str, rows: str = "v1") -> None:
        if not self.target.reads_from:
            self.production: Any = RecordsInMemory()
            self.target = replace(self.target, reads_from=(PublishingTarget("production", self.production),))
        own, self.warehouse = self.warehouse, self.production if stem == "d1" else self.warehouse
        super().publish(stem, *months, rows=rows)
        self.warehouse = own


@pytest.fixture
def remembered(tmp_path: Path) -> Remembered:
    return Remembered(tmp_path)


def shown(choice: Choice) -> list[tuple[str, str, str]]:
    return [(run.stem, str(run.periods[0]), str(run.periods[-1])) for run in choice.runs]


def test_ranges_are_consecutive_and_nested_datasets_come_first(remembered: Remembered) -> None:
    remembered.restate("2024-01", "2024-02", "2024-04")
    assert shown(remembered.look()) == [("d1", "2024-01", "2024-02"), ("d1", "2024-04", "2024-04")]
    assert shown(remembered.look(InProgress({"d1": {"2024-01", "2024-02", "2024-04"}}))) == []
    remembered.publish("d1", "2024-01", "2024-02", "2024-04", rows="v2")
    assert shown(remembered.look()) == [("d2", "2024-01", "2024-02"), ("d2", "2024-04", "2024-04")]


def test_what_another_target_publishes_is_noticed_and_not_refreshed_here(tmp_path: Path) -> None:
    remembered = ReadingElsewhere(tmp_path)
    assert "d1" not in remembered.warehouse.by_dataset
    remembered.publish("d1", "2024-02", "2024-03", rows="v2")
    assert shown(remembered.look()) == [("d2", "2024-02", "2024-03")]
    remembered.publish("d2", "2024-02", "2024-03", rows="v2")
    assert shown(remembered.look()) == [("d3", "2024-02", "2024-03")]
    remembered.restate("2024-05")
    assert shown(remembered.look()) == [("d2", "2024-05", "2024-05")], "d2 reads the table as well"


def test_what_is_in_progress_is_left_alone_with_all_that_reads_it(remembered: Remembered) -> None:
    remembered.restate("2024-02", "2024-03")
    assert shown(remembered.look(InProgress({"d1": {"2024-02"}}))) == [("d1", "2024-03", "2024-03")]
    assert shown(remembered.look(InProgress(whole=frozenset({"d1"})))) == []
    remembered.publish("d1", "2024-02", "2024-03")
    assert shown(remembered.look(InProgress({"d2": {"2024-03"}}))) == [("d2", "2024-02", "2024-02")]


def test_what_there_was_no_time_for_is_looked_at_the_next_time(remembered: Remembered) -> None:
    remembered.restate("2024-02")
    assert shown(remembered.look(late=True)) == []
    assert remembered.memory.pending == {"d1", "d2", "d3"}
    assert shown(remembered.look()) == [("d1", "2024-02", "2024-02")]


def test_more_runs_than_fit_into_one_tick_follow_in_the_next(remembered: Remembered) -> None:
    remembered.restate("2024-01", "2024-03", "2024-05")
    assert shown(remembered.look(most_runs=2)) == [("d1", f"2024-0{n}", f"2024-0{n}") for n in (1, 3)]
    begun = InProgress({"d1": {"2024-01", "2024-03"}})
    assert shown(remembered.look(begun, most_runs=2)) == [("d1", "2024-05", "2024-05")]


def test_a_run_that_failed_is_not_requested_again_and_holds_nobody_up(remembered: Remembered) -> None:
    remembered.restate("2024-02")
    assert shown(remembered.look()) == [("d1", "2024-02", "2024-02")]
    failed = remembered.look()
    assert shown(failed) == [("d2", "2024-02", "2024-02")]
    assert failed.notes == ["d1 2024-02: was requested before, and nothing that it reads has changed since"]


def test_a_dataset_whose_records_cannot_be_read_holds_nobody_up(
    remembered: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = remembered.warehouse.records

    def refused(stem: str, session: object) -> object:
        if stem == "d1":
            raise ResolveError(Fault("the log of d1 is broken"))
        return records(stem, session)

    remembered.restate("2024-02")
    with monkeypatch.context() as broken:
        broken.setattr(remembered.warehouse, "records", refused)
        assert remembered.look().notes[0] == "d1: the log of d1 is broken"
    assert shown(remembered.look()) == [("d1", "2024-02", "2024-02")]


def test_only_readers_of_what_changed_are_looked_at(remembered: Remembered) -> None:
    reads = remembered.warehouse.reads
    remembered.restate("2024-05")
    remembered.look()
    assert remembered.warehouse.reads - reads <= 3
    assert {key: set(due) for key, due in remembered.memory.due.items() if due} == {
        stem: {"2024-05"} for stem in ("d1", "d2", "d3")
    }


def test_a_new_month_is_due_once_it_is_complete(remembered: Remembered) -> None:
    remembered.tables.change("monthly", "2024-06", "v1")
    later = SourceStates(remembered.catalog, remembered.target, NOW + timedelta(days=21), NO_SESSION)
    remembered.memory.look(later, NoReports())
    assert {stem for stem, due in remembered.memory.due.items() if "2024-06" in due} == {"d1", "d2", "d3"}
