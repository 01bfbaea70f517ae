"""Tables and publications that are versions and records in memory: nothing is read, and nothing computed."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dataset_assets.errors import Fault, ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.resolver import Survey, TableState, TimeRange
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.text.digest import digest

NO_SESSION: Any = None


@dataclass
class TablesInMemory:
    """A resolver. Of each table it has the version of every piece, by Period; None for one piece."""

    cadences: Mapping[str, str | None]
    calendars: Calendars = field(default_factory=Calendars)
    name: str = "shop"
    versions: dict[str, dict[Period | None, str]] = field(default_factory=dict)
    surveys: int = 0
    unknown: set[str] = field(default_factory=set)
    """Tables that do not tell whether they changed."""

    def change(self, table: str, partition: str | None, version: str) -> None:
        cadence = self.cadence(table)
        period = self.calendars.cadence(cadence).from_key(partition) if cadence and partition else None
        self.versions.setdefault(table, {})[period] = version

    def cadence(self, table: str) -> str | None:
        return self.cadences[table]

    def periods(self, table: str) -> Mapping[str, Period]:
        return {period.id: period for period in self.versions.get(table, {}) if period}

    def survey(self, table: str) -> Survey:
        self.surveys += 1

        def state(time_range: TimeRange | None) -> TableState:
            if table in self.unknown:
                return TableState("", None, None, "it does not tell")
            pieces = self.versions.get(table, {})
            read = list(self._needed(table, time_range)) if self.cadence(table) else [None]
            missing = [period for period in read if period not in pieces]
            if missing or not read:
                raise ResolveError(Fault(f"{table} of {missing} is not there"))
            return TableState(digest(f"{period} {pieces[period]}" for period in read), None, None)

        return state

    def _needed(self, table: str, time_range: TimeRange | None) -> Iterator[Period]:
        """Yield all Periods in a time range from the first one on that is there."""
        there = sorted(self.periods(table).values(), key=lambda period: period.start)
        if there:
            cadence = self.calendars.cadence(self.cadences[table] or "")
            end = time_range.end if time_range else there[-1].end
            for period in cadence.between(there[0], end):
                if time_range is None or period.end > time_range.start:
                    yield period


@dataclass
class RecordsInMemory:
    """A warehouse. Of each dataset it has the record of every published Period."""

    by_dataset: dict[str, dict[str | None, Record]] = field(default_factory=dict)
    publications: int = 0
    reads: int = 0

    def publish(self, stem: str, reads: Record, rows: str, now: datetime) -> None:
        """Replace a record; equal rows confirm the one that is there."""
        self.publications += 1
        instant = now.astimezone(UTC).isoformat(timespec="microseconds")
        records = self.by_dataset.setdefault(stem, {})
        before = records.get(reads["period"])
        if before and before["digest"] == rows and before["sha256"] == reads["sha256"]:
            confirmed = {**reads["inputs"], "confirmed_at": f"{instant}"}
            records[reads["period"]] = {**before, "affirmed": confirmed, "number": self.publications}
        else:
            record = {**reads, **reads["inputs"], "published_at": instant, "digest": rows}
            records[reads["period"]] = {**record, "number": self.publications}

    def records(self, stem: str, session: object) -> Mapping[str | None, Record]:  # noqa: ARG002
        self.reads += 1
        found = self.by_dataset.get(stem, {})
        return dict(sorted(found.items(), key=lambda each: each[1]["period_start"] or ""))

    def version(self, stem: str, session: object) -> int | None:  # noqa: ARG002
        return 0 if self.by_dataset.get(stem) else None

    def records_of_many(self, *_: object) -> Mapping[str, Mapping[str | None, Record]]:
        return {}

    def record_marks(self, stems: Sequence[str], session: object, before: RecordMarks) -> RecordMarks:  # noqa: ARG002
        return RecordMarks(
            {
                stem: str(max(each["number"] for each in records.values()))
                for stem in stems
                if (records := self.by_dataset.get(stem))
            }
        )


class NoEngine:
    """An engine whose sessions are never used."""

    @contextmanager
    def connect(self, job: object) -> Generator[None]:  # noqa: ARG002
        yield None


def target_in_memory(resolver: TablesInMemory, warehouse: RecordsInMemory) -> Target:
    engine: Any = NoEngine()
    records: Any = warehouse
    resolvers: Any = {resolver.name: resolver}
    return Target("memory", engine, records, resolvers, resolver.name)


def record_of(status: PublicationStatus) -> Record:
    """Return what a run records that begins now. Its `inputs` are those that a confirmation has too."""
    dataset, period = status.inputs.dataset, status.period
    keys = status.inputs.sources_by_key
    sources = {key: status.source_states[source.name].version for key, source in keys.items()}
    return {
        "dataset": status.entry.stem,
        "dataset_id": str(dataset.id),
        "version": 1,
        "sha256": status.inputs.version.sha256,
        "period": period.id if period else None,
        "period_start": period.start.isoformat() if period else None,
        "counts": {"rows": 1},
        "statistics": {"columns": {}},
        "inputs": {
            "as_of": status.lookback.as_of.instant.isoformat(),
            "window": status.lookback.window,
            "sources": sources,
        },
    }
