"""Keep the uses and pins of a Delta warehouse in append-only files beside each table, and run retention.

`_ledger/uses.jsonl` and `_ledger/pins.jsonl` are written under the lock of the dataset's folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deltalake.exceptions import DeltaError
from typing_extensions import override

from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.history import History, PastPublication, past_publication
from dataset_assets.adapters.delta.lines import append_lines, read_lines
from dataset_assets.adapters.delta.log_commits import read_commit
from dataset_assets.adapters.delta.publications import DeltaPublications
from dataset_assets.adapters.delta.retention import FolderRetention
from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.retention import (
    RecordedPublication,
    RetentionReport,
    RetentionRequest,
    expired_fault,
)
from dataset_assets.ports.uses import (
    Pin,
    PinEvent,
    PinRequest,
    Use,
    adds_to,
    current_pins,
    distinct_uses,
    pins_by_version,
)
from dataset_assets.ports.warehouse import no_such_version


@dataclass(frozen=True)
class DeltaKeeper(DeltaPublications):
    """The part of a warehouse of Delta tables that keeps uses and pins, and runs retention."""

    @override
    def recorded(
        self, dataset: str, periods: Sequence[str | None], version: int, session: Session
    ) -> list[RecordedPublication]:
        folder = DatasetFolder.of(self.root, dataset)
        history = History(folder)
        found = []
        for each in self._visible(history, periods, version):
            expired = history.expired(each)
            since = expired.expired_at if expired else None
            found.append(RecordedPublication(each.period, each.version, history.record(each), since))
        return found

    @override
    def record_uses(self, uses: Sequence[Use], session: Session) -> list[Use]:
        if not uses:
            return []
        folder = DatasetFolder.of(self.root, uses[0].dataset)
        with folder.locked():
            known = {each.key for each in _read_uses(folder)}
            new = [each for each in distinct_uses(uses) if each.key not in known]
            append_lines(_uses_path(folder), [each.model_dump(mode="json") for each in new])
        return new

    @override
    def uses(self, dataset: str, session: Session) -> list[Use]:
        return distinct_uses(_read_uses(DatasetFolder.of(self.root, dataset)))

    @override
    def last_uses(self, datasets: Sequence[str], session: Session) -> Mapping[str, datetime]:
        folders = {dataset: DatasetFolder.of(self.root, dataset) for dataset in datasets}
        last = {
            dataset: max((each.used_at for each in _read_uses(folder)), default=None)
            for dataset, folder in folders.items()
        }
        return {dataset: used_at for dataset, used_at in last.items() if used_at}

    @override
    def pin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        folder = DatasetFolder.of(self.root, dataset)
        with folder.locked():
            history = History(folder)
            found = self._visible(history, periods, version)
            raise_all(ResolveError, _unreadable(history, found))
            history.write_kept(each.version for each in found if history.expired(each))
            events = [request.pinned(dataset, each.period, each.version) for each in found]
            pinned = current_pins(_read_events(folder))
            new = [each for each in events if adds_to(each, pinned)]
            append_lines(_pins_path(folder), [each.model_dump(mode="json") for each in new])
            pins = pins_by_version(current_pins(_read_events(folder)))
        return [pins[each.period, each.version] for each in found]

    @override
    def unpin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int | None,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        folder = DatasetFolder.of(self.root, dataset)
        with folder.locked():
            removed = [each for each in current_pins(_read_events(folder)) if each.period in periods]
            if version is not None:
                visible = {each.version for each in self._visible(History(folder), periods, version)}
                removed = [each for each in removed if each.table_version in visible]
            events = [request.unpinned(each) for each in removed]
            append_lines(_pins_path(folder), [each.model_dump(mode="json") for each in events])
        return removed

    @override
    def pins(self, dataset: str, session: Session) -> list[Pin]:
        return current_pins(_read_events(DatasetFolder.of(self.root, dataset)))

    @override
    def expire(self, dataset: str, request: RetentionRequest, session: Session) -> RetentionReport:
        folder = DatasetFolder.of(self.root, dataset)
        if self.retention is None:
            return RetentionReport(dataset=dataset)
        try:
            if self.table(folder) is None:
                return RetentionReport(dataset=dataset)
            return FolderRetention(folder, self.retention, request, lambda: pinned_versions(folder)).run()
        except DeltaError as error:
            raise ResolveError(Fault(f"the Delta table {dataset!r} cannot be read: {error}")) from error

    def _visible(
        self, history: History, periods: Sequence[str | None], version: int
    ) -> list[PastPublication]:
        """Return the Periods' publications that are visible in a version, in the order of the Periods.

        Commits after the end of the history are read from the log, newest first, until each Period has one.
        Raises ResolveError if the table has no such version.
        """
        table = self.table(history.folder)
        newest = table.version() if table else None
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(history.folder.path.name, version, newest))
        missing, found = set(periods), dict[str | None, PastPublication]()
        for number in range(version, history.until, -1):
            if not missing:
                break
            commit = read_commit(history.folder.path / "_delta_log", number)
            if commit and commit.token and commit.path and commit.period in missing:
                missing.remove(commit.period)
                found[commit.period] = past_publication(commit)
        found.update((each.period, each) for each in history.visible(version, list(missing)))
        return [found[period] for period in periods if period in found]


def _unreadable(history: History, found: Sequence[PastPublication]) -> Iterator[Fault]:
    for each in found:
        expired = history.expired(each)
        if expired and (expired.erasure or not history.data_path(each).exists()):
            yield expired_fault(expired)


def pinned_versions(folder: DatasetFolder) -> set[int]:
    """Return the table versions of the pinned publications."""
    return {each.table_version for each in current_pins(_read_events(folder))}


def append_pin(folder: DatasetFolder, event: PinEvent) -> None:
    """Append to the list of pins; the caller holds the lock."""
    append_lines(_pins_path(folder), [event.model_dump(mode="json")])


def _read_uses(folder: DatasetFolder) -> list[Use]:
    return [Use.model_validate(line) for line in read_lines(_uses_path(folder))]


def _read_events(folder: DatasetFolder) -> list[PinEvent]:
    return [PinEvent.model_validate(line) for line in read_lines(_pins_path(folder))]


def _uses_path(folder: DatasetFolder) -> Path:
    return folder.path / "_ledger" / "uses.jsonl"


def _pins_path(folder: DatasetFolder) -> Path:
    return folder.path / "_ledger" / "pins.jsonl"
