"""The folder of one published Delta table: paths of its files, the lock and the claims (BR-201, BR-202).

The folder is the Delta table. Beside `_delta_log` and the data files it holds `_claims` (the newest claim of
each Period), `_staging` (rows that no reader sees) and `_records` (the record of each publication).
"""

import json
import os
import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic_core import from_json

from dataset_assets.adapters.shared.fingerprint import GRAIN
from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.warehouse import Claim, superseded_error
from dataset_assets.system_errors import at_path
from dataset_assets.text.wording import shown

LOCK_SECONDS = 120.0
"""Seconds to wait for the lock, which other processes hold for milliseconds."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class DatasetFolder:
    """Paths, lock and claims of one dataset. All paths of a claim are derived from the claim alone."""

    path: Path

    @classmethod
    def of(cls, root: Path, dataset: str) -> "DatasetFolder":
        """Return the folder of a dataset. Raises PublishError for a name that could be a path (BR-205)."""
        return cls(root / _checked_name(dataset, "dataset"))

    def data_path(self, claim: Claim) -> Path:
        """Return the path of the claim's published rows."""
        return self.path / partition(claim.period) / f"{_file_stem(claim)}.parquet"

    def staging_path(self, claim: Claim) -> Path:
        """Return the path of the claim's staged rows."""
        return self.path / "_staging" / (partition(claim.period) or "_") / f"{_file_stem(claim)}.parquet"

    def record_path(self, data: Path) -> Path:
        """Return the path of the record that belongs to a data file."""
        return (self.path / "_records" / data.relative_to(self.path)).with_suffix(".json")

    def records(self, paths: Mapping[str | None, str]) -> Iterator[tuple[str | None, Path]]:
        """Yield each Period with the path of the record that belongs to its data file.

        `paths` are relative to the folder. As text they take a tenth of the time of `record_path`.
        """
        prefix = str(self.path / "_records")
        for period, path in paths.items():
            yield period, Path(f"{prefix}/{path.rpartition('.')[0]}.json")

    def write_record(self, data: Path, record: Mapping[str, Any]) -> None:
        """Replace the record of a published data file, and move the time that `record_mark` reads."""
        write_json(self.record_path(data), record)
        os.utime(self.path / "_records")

    def record_mark(self) -> str:
        """Return the times of the folders that are written with each record; empty if nothing is published.

        Two writes within one grain of the file system's clock leave the same times. So a mark is another one
        while that grain lasts.
        """
        try:
            folders = [(self.path / name).stat() for name in ("_delta_log", "_records")]
        except FileNotFoundError:
            return ""
        newest, now = max(each.st_mtime_ns for each in folders), time.time_ns()
        settled = "" if newest + GRAIN < now else f" {now}"
        return " ".join(str(each.st_mtime_ns) for each in folders) + settled

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Hold the dataset's lock, which one process can hold at a time and the kernel releases at its death.

        Raises PublishError if another process holds it for too long.
        """
        claims = self.path / "_claims"
        claims.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(claims / ".lock", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            message = f"another process has held {claims / '.lock'} for {LOCK_SECONDS:.0f} seconds"
            raise PublishError(Fault(message, hint="end that process, then try again")) from None

    def newest_claim(self, dataset: str, period: str | None) -> Claim | None:
        """Return the newest claim of a Period, or None."""
        stored = read_json(self._claim_path(period))
        return Claim(dataset, period, stored["token"], stored["run_id"]) if stored else None

    def claims(self) -> Iterator[Claim]:
        """Yield the newest claim of each Period."""
        for path in sorted((self.path / "_claims").glob("*.json")):
            stored = read_json(path)
            if stored:
                period = None if path.stem == "_" else path.stem
                yield Claim(self.path.name, period, stored["token"], stored["run_id"])

    def write_claim(self, claim: Claim) -> None:
        """Store the claim as the newest of its Period."""
        write_json(self._claim_path(claim.period), {"token": claim.token, "run_id": claim.run_id})

    def check_newest(self, claim: Claim) -> None:
        """Raise SupersededError unless the claim is still the newest (BR-202)."""
        newest = self.newest_claim(claim.dataset, claim.period)
        if newest != claim:
            raise superseded_error(claim, newest.run_id if newest else None)

    def _claim_path(self, period: str | None) -> Path:
        return self.path / "_claims" / f"{'_' if period is None else _checked_name(period, 'Period')}.json"


def partition(period: str | None) -> str:
    """Return the hive folder of a Period; empty for an unpartitioned dataset."""
    return f"_period={_checked_name(period, 'Period')}" if period is not None else ""


def _file_stem(claim: Claim) -> str:
    return f"{claim.token:08}-{_UNSAFE.sub('-', claim.run_id)[:80]}"


def _checked_name(name: str, kind: str) -> str:
    if not _NAME.fullmatch(name):
        raise PublishError(
            Fault(f"the {kind} {shown(name)} cannot name a folder", hint="use A-Z a-z 0-9 _ -")
        )
    return name


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if the file does not exist."""
    try:
        return from_json(path.read_bytes())
    except FileNotFoundError:
        return {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically: readers see the old file or the new one, even after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with at_path(path):
            part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
            move(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def move(source: Path, target: Path) -> None:
    """Rename a file after its bytes are on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fsync(source)
    source.replace(target)
    fsync(target.parent)


def fsync(path: Path) -> None:
    """Write a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with at_path(path):
            os.fsync(handle)
    finally:
        os.close(handle)
