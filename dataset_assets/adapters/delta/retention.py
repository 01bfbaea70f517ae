"""Run retention on the folder of one published Delta table.

First, under the folder's lock, the log's commits are copied to the history, and publications that retention
no longer keeps are written as expired: readers then get a sentence instead of the rows. After the grace for
readers that opened them before, their files are removed. The log is checkpointed, and its files before the
last checkpoint that is older than the grace are removed. Each step can be repeated: after a kill, the next
run finishes what this one began.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.history import History, PastPublication
from dataset_assets.adapters.delta.log import open_table
from dataset_assets.adapters.delta.log_commits import checkpoints, files_before
from dataset_assets.ports.retention import ExpiredPublication, Retention, RetentionReport, RetentionRequest

_BATCH = 200
"""Files that are removed while the lock is held once, so that a publication waits only for milliseconds."""


@dataclass(frozen=True)
class FolderRetention:
    """One run of retention. `pinned` reads the table versions of the pinned publications."""

    folder: DatasetFolder
    retention: Retention
    request: RetentionRequest
    pinned: Callable[[], set[int]]

    def run(self) -> RetentionReport:
        """Expire, remove what expired before, and clean the log."""
        expired = self._expire()
        removed, freed = self._remove(expired)
        return RetentionReport(
            dataset=self.folder.path.name,
            expired=tuple(expired),
            removed=tuple(removed),
            freed_bytes=freed,
            log_files=self._clean_log(),
        )

    def _expire(self) -> list[ExpiredPublication]:
        """Write which publications expire now, and return them."""
        with self.folder.locked():
            newest = open_table(self.folder.path).version()
            history = History(self.folder)
            history = history.with_commits(newest) if self.request.dry_run else history.write_commits(newest)
            expiring = list(self._expiring(history))
            if not self.request.dry_run:
                history.write_expired((each, at, self.request.now) for each, at in expiring)
        return [self._expired(each, at) for each, at in expiring]

    def _expired(self, each: PastPublication, replaced_at: datetime) -> ExpiredPublication:
        return ExpiredPublication(
            dataset=self.folder.path.name,
            period=each.period,
            table_version=each.version,
            replaced_at=replaced_at,
            expired_at=self.request.now,
        )

    def _expiring(self, history: History) -> Iterator[tuple[PastPublication, datetime]]:
        """Yield what retention does not keep, with the time at which it was replaced."""
        pinned = self.pinned()
        newer: dict[str | None, list[PastPublication]] = {}
        expiring = []
        for each in reversed(history.publications.values()):
            later = newer.setdefault(each.period, [])
            if later and each.version not in history.expiries and each.version not in pinned:
                replaced_at = later[-1].committed_at
                if self.retention.expires(len(later), replaced_at, self.request.now):
                    expiring.append((each, replaced_at))
            later.append(each)
        yield from reversed(expiring)

    def _remove(self, expiring: list[ExpiredPublication]) -> tuple[list[ExpiredPublication], int]:
        """Remove the files of publications whose grace is over; return these publications and the bytes."""
        history = History(self.folder)
        due = list(self._due(history))
        if self.request.dry_run:
            history = history.with_commits(open_table(self.folder.path).version())
            known = {each.table_version for _, each in due}
            due += [
                (history.publications[each.table_version], each)
                for each in expiring
                if not self.request.grace and each.table_version not in known
            ]
            return [each for _, each in due], sum(self._size(history, past) for past, _ in due)
        removed, freed = [], 0
        for start in range(0, len(due), _BATCH):
            with self.folder.locked():
                kept = History(self.folder).expiries
                for past, each in due[start : start + _BATCH]:
                    if past.version in kept:  # no pin has kept it since
                        freed += self._unlink(history, past)
                        removed.append(each)
        return removed, freed

    def _due(self, history: History) -> Iterator[tuple[PastPublication, ExpiredPublication]]:
        for version in history.expiries:
            past = history.publications.get(version)
            each = history.expired(past) if past else None
            if past and each and each.expired_at <= self.request.now - self.request.grace:
                data = history.data_path(past)
                if data.exists() or self.folder.record_path(data).exists():
                    yield past, each

    def _unlink(self, history: History, past: PastPublication) -> int:
        data = history.data_path(past)
        size = self._size(history, past)
        data.unlink(missing_ok=True)
        self.folder.record_path(data).unlink(missing_ok=True)
        return size

    def _size(self, history: History, past: PastPublication) -> int:
        try:
            return history.data_path(past).stat().st_size
        except FileNotFoundError:
            return 0

    def _clean_log(self) -> int:
        """Write a checkpoint, remove what the log no longer needs, and return the number of files."""
        log = self.folder.path / "_delta_log"
        with self.folder.locked():
            until = History(self.folder).until
            if not self.request.dry_run:
                table = open_table(self.folder.path)
                if table.version() not in dict(checkpoints(log)):
                    table.create_checkpoint()
            ready = [version for version, path in checkpoints(log) if self._is_over(path.stat().st_mtime)]
            files = files_before(log, min(ready[-1], until + 1)) if ready else []
            for path in [] if self.request.dry_run else files:
                path.unlink(missing_ok=True)
        return len(files)

    def _is_over(self, written: float) -> bool:
        """Return whether the grace is over for readers that opened the table before this time."""
        now = max(self.request.now.timestamp(), time.time())
        return written + self.request.grace.total_seconds() <= now
