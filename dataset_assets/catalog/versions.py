"""The versions of a Dataset, in the lock file beside its YAML (BR-006, BR-114, BR-115).

`<stem>.lock` has one JSON object in each line and is only appended to. A line of the kind `first`, `additive`
or `breaking` gives a number to a structure. It contains the `structure`, so that differences can be computed
and an edited line does not match its `sha256`. A line of the kind `same` repeats the last number: another
part of the file changed (`content` is its hash), which changes `updated_at` but not the number.

The system fields of the YAML derive from the lock: `id`, `version` (the last number), `created_at` and
`updated_at` (the instants of the first and the last line).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import uuid6
from pydantic import Field, ValidationError

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.structures import canonical_sha256, content_hash, structural_hash, structure
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import Kind, Structure, difference
from dataset_assets.errors import Fault, LockedMeanwhileError, LockError, Position, raise_all
from dataset_assets.model import Instant, Integer, Model
from dataset_assets.text.atomic_files import replace_text, write_lock

_CONFLICT = re.compile(r"(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)( |$)")


@dataclass(frozen=True)
class Version:
    """A version of a Dataset; `pending` if it is not in the lock yet, which will give it this number."""

    number: int
    sha256: str
    pending: bool
    kind: Kind
    summary: str


class Line(Model):
    """One line of a lock: a version, or a repeated number with other content."""

    version: Annotated[Integer, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    kind: Kind
    locked_at: Instant
    id: UUID
    summary: str
    content: str
    structure: dict[str, Any] | None = None

    def text(self) -> str:
        """Return the line as JSON, as the file has it."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), ensure_ascii=False)


@dataclass(frozen=True)
class Lock:
    """A lock file. A person has to fix `unreadable` faults; `dataset-assets lock` repairs `merge_faults`."""

    path: str
    lines: tuple[Line, ...] = ()
    unreadable: tuple[Fault, ...] = ()
    merge_faults: tuple[Fault, ...] = field(default=())
    sha256: str = field(default="", repr=False, compare=False)
    """The digest of the file's bytes; empty if there is no file, or if it cannot be read."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults of the file."""
        return (*self.unreadable, *self.merge_faults)

    @property
    def id(self) -> UUID | None:
        """The id of the Dataset, which the first lock gave to it."""
        return self.lines[0].id if self.lines else None

    @cached_property
    def numbers(self) -> frozenset[int]:
        """All numbers that the lock has given."""
        return frozenset(line.version for line in self.lines)

    @cached_property
    def structure(self) -> Structure | None:
        """The structure of the last number; None if nothing is locked."""
        return next((line.structure for line in reversed(self.lines) if line.structure), None)

    def version_of(self, dataset: Dataset) -> Version:
        """Return the last version if it has this structure, else the next number, pending.

        A structure that is restored from an earlier version gets a new number, too.
        """
        sha256 = structural_hash(dataset)
        if not self.lines or self.structure is None:
            return Version(1, sha256, pending=True, kind="first", summary="first version")
        last = self.lines[-1]
        if last.sha256 == sha256:
            summary = f"no structural change since version {last.version}"
            return Version(last.version, sha256, pending=False, kind="same", summary=summary)
        change = difference(self.structure, structure(dataset))
        return Version(max(self.numbers) + 1, sha256, pending=True, kind=change.kind, summary=change.summary)

    def is_current(self, dataset: Dataset) -> bool:
        """Return whether the last line has the content of the file, names and descriptions included."""
        return bool(self.lines) and self.lines[-1].content == content_hash(dataset)


def lock_dataset(
    yaml_path: Path,
    lock_path: Path,
    dataset: Dataset,
    now: datetime,
    new_id: UUID | None = None,
    published: Mapping[int, str] = MappingProxyType({}),
) -> Version:
    """Append a line to the lock if the Dataset changed; return the version that holds afterwards.

    Raises as `append_version` does.
    """
    return append_version(yaml_path, lock_path, dataset, now, new_id, published)[0]


def append_version(
    yaml_path: Path,
    lock_path: Path,
    dataset: Dataset,
    now: datetime,
    new_id: UUID | None = None,
    published: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Version, Lock, Line | None]:
    """Append a line to the lock if the Dataset changed.

    Return the version that holds afterwards, the lock with the line, and the line; None if there is none.

    Many processes can call it at once; one of them appends. The first lock gives the id, unless the file has
    one; the caller passes `new_id` if it has used an id already. `published` maps numbers that are published
    to the SHA-256 of their structures: no other structure gets them, even if the lock lost their lines.

    Raises LockError for a lock with faults or of another Dataset, and LockedMeanwhileError if the lock has
    another id than `new_id`.
    """
    with write_lock(lock_path):
        lock = read_lock(lock_path)
        raise_all(LockError, lock.faults)
        if new_id and lock.id not in (None, new_id):
            message = f"another run has given {yaml_path.stem} its id meanwhile"
            raise LockedMeanwhileError(Fault(message, hint="run this one again"))
        if dataset.id and lock.id and dataset.id != lock.id:
            message = f"{yaml_path} has the id {dataset.id}, but its lock is of {lock.id}"
            raise LockError(Fault(message, hint="restore the id, or remove the lock of a copy"))
        version = _unlike_published(lock.version_of(dataset), lock, published)
        line = None
        if version.pending or not lock.is_current(dataset):
            line = _new_line(lock, version, dataset, now, new_id)
            before = lock_path.read_text(encoding="utf-8").rstrip("\n") if lock.lines else ""
            replace_text(lock_path, f"{before}\n{line.text()}\n".lstrip("\n"))
            lock = Lock(lock.path, (*lock.lines, line))
        return replace(version, pending=False), lock, line


def _unlike_published(version: Version, lock: Lock, published: Mapping[int, str]) -> Version:
    """Return the version, with the next free number if its number is published with another structure."""
    if published.get(version.number, version.sha256) == version.sha256:
        return version
    number = max((*lock.numbers, *published)) + 1
    summary = f"version {version.number} is published with another structure"
    kind: Kind = "breaking" if version.kind == "same" else version.kind
    return Version(number, version.sha256, pending=True, kind=kind, summary=summary)


def _new_line(lock: Lock, version: Version, dataset: Dataset, now: datetime, new_id: UUID | None) -> Line:
    return Line(
        version=version.number,
        sha256=version.sha256,
        kind=version.kind,
        locked_at=now.replace(microsecond=0),
        id=lock.id or dataset.id or new_id or uuid6.uuid7(),
        summary=version.summary,
        content=content_hash(dataset),
        structure=structure(dataset) if version.pending else None,
    )


def read_lock(path: Path) -> Lock:
    """Read a lock; an empty one if there is no file. Faults become part of the lock and are not raised."""
    name = str(path)
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        return Lock(name)
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        return Lock(name, unreadable=(Fault(message, position=Position(name, 1, 1)),))
    return replace(_parse(name, text), sha256=hashlib.sha256(raw).hexdigest())


def _parse(name: str, text: str) -> Lock:
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    marks = [number for number, line in numbered if _CONFLICT.match(line)]
    if marks:
        message = "git left the marks of a conflict here"
        hint = "delete the lines of marks, keep the versions of both sides, run `dataset-assets lock`"
        return Lock(name, unreadable=(Fault(message, "", hint, Position(name, marks[0], 1)),))
    lines, faults = list[Line](), list[Fault]()
    for number, raw in numbered:
        try:
            lines.append(_line(raw))
        except ValueError as error:
            message = str(error) if not isinstance(error, ValidationError) else "is not a version"
            hint = "restore the line as git has it; versions are only ever appended"
            faults.append(Fault(message, "", hint, Position(name, number, 1)))
    merge_faults = [] if faults else _merge_faults(name, lines, [number for number, _ in numbered])
    return Lock(name, tuple(lines), tuple(faults), tuple(merge_faults))


def _line(raw: str) -> Line:
    try:
        line = Line.model_validate(json.loads(raw))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("is not a version: it is no JSON") from None
    if (line.structure is None) != (line.kind == "same"):
        raise ValueError(f"is a version of kind '{line.kind}' with{'out' * (not line.structure)} a structure")
    if line.structure is not None and canonical_sha256(line.structure) != line.sha256:
        raise ValueError(f"version {line.version} was edited: its structure does not match its sha256")
    return line


def _merge_faults(name: str, lines: list[Line], numbers: list[int]) -> Iterator[Fault]:
    """Yield the faults of a merge that kept both sides: numbers that descend or name two structures."""
    hint = "run `dataset-assets lock`, which gives the later one the next free number"
    hashes: dict[int, str] = {}
    highest = 0
    for line, number in zip(lines, numbers, strict=True):
        place = Position(name, number, 1)
        if line.id != lines[0].id:
            yield Fault(f"version {line.version} has another id than the lines before it", "", hint, place)
        elif hashes.setdefault(line.version, line.sha256) != line.sha256:
            yield Fault(f"version {line.version} names two structures", "", hint, place)
        elif line.version < highest:
            yield Fault(f"version {line.version} comes after version {highest}", "", hint, place)
        highest = max(highest, line.version)
