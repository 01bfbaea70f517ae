"""The folder of one published dataset: where its files go, and who may publish (BR-201, BR-202).

The folder is the Delta table. Beside `_delta_log` and the data files it holds `_claims` (the fence),
`_staging` (rows that no reader sees) and `_records` (what was stored with each publication).
"""

import json
import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dataset_assets.errors import Fault, PublishError, at_path
from dataset_assets.ports.warehouse import Claim, superseded_error
from dataset_assets.text.wording import shown

PATIENCE = 120.0
"""Seconds to wait for another process, which holds the lock for milliseconds."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class DatasetFolder:
    """Paths, the lock and the claims of one dataset. All paths of a claim follow from it alone."""

    path: Path

    @classmethod
    def of(cls, root: Path, dataset: str) -> "DatasetFolder":
        """Raises PublishError for a name that could be a path (BR-205)."""
        return cls(root / _safe(dataset, "dataset"))

    def data(self, claim: Claim) -> Path:
        """Where the claim's rows are when they are published."""
        return self.path / partition(claim.period) / f"{_stem(claim)}.parquet"

    def staging(self, claim: Claim) -> Path:
        """Where they are before."""
        return self.path / "_staging" / (partition(claim.period) or "_") / f"{_stem(claim)}.parquet"

    def record(self, data: Path) -> Path:
        """The record that was stored with a data file."""
        return (self.path / "_records" / data.relative_to(self.path)).with_suffix(".json")

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Held by one process at a time; the kernel releases it when the process dies."""
        claims = self.path / "_claims"
        claims.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(claims / ".lock", timeout=PATIENCE):
                yield
        except Timeout:
            message = f"another process has held {claims / '.lock'} for {PATIENCE:.0f} seconds"
            raise PublishError(Fault(message, hint="end that process, then try again")) from None

    def newest(self, dataset: str, period: str | None) -> Claim | None:
        """The newest claim of a Period."""
        found = read_json(self._claim(period))
        return Claim(dataset, period, found["token"], found["run_id"]) if found else None

    def claims(self) -> Iterator[Claim]:
        """The newest claim of each Period."""
        for path in sorted((self.path / "_claims").glob("*.json")):
            found = read_json(path)
            if found:
                period = None if path.stem == "_" else path.stem
                yield Claim(self.path.name, period, found["token"], found["run_id"])

    def write_claim(self, claim: Claim) -> None:
        """From now on it is the newest."""
        write_json(self._claim(claim.period), {"token": claim.token, "run_id": claim.run_id})

    def check(self, claim: Claim) -> None:
        """Raises SupersededError unless the claim is still the newest."""
        newest = self.newest(claim.dataset, claim.period)
        if newest != claim:
            raise superseded_error(claim, newest.run_id if newest else None)

    def _claim(self, period: str | None) -> Path:
        return self.path / "_claims" / f"{'_' if period is None else _safe(period, 'Period')}.json"


def partition(period: str | None) -> str:
    """The hive folder of a Period; empty for an unpartitioned dataset."""
    return f"_period={_safe(period, 'Period')}" if period is not None else ""


def _stem(claim: Claim) -> str:
    return f"{claim.token:08}-{_UNSAFE.sub('-', claim.run_id)[:80]}"


def _safe(name: str, kind: str) -> str:
    if not _NAME.fullmatch(name):
        raise PublishError(
            Fault(f"the {kind} {shown(name)} cannot name a folder", hint="use A-Z a-z 0-9 _ -")
        )
    return name


def read_json(path: Path) -> dict[str, Any]:
    """Empty when the file is not there."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """The old file or the new one, whole, whatever happens."""
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
    """Renames, after the bytes are on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    flush(source)
    source.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Asks the kernel to write a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with at_path(path):
            os.fsync(handle)
    finally:
        os.close(handle)
