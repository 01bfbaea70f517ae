"""The states of files by their metadata, read for some files and combined to the state of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from dataset_assets.adapters.shared.fingerprint import SECOND, fingerprints
from dataset_assets.ports.resolver import TableState
from dataset_assets.text.digest import digest


@dataclass(frozen=True)
class FileStates:
    """The state of some files: a line for each, beside the parts of its path, and the number of their rows.

    `newest` is the latest modification in nanoseconds since 1970; None without files. `rows` is None if it is
    not known.
    """

    lines: tuple[tuple[tuple[str, ...], str], ...]
    newest: int | None
    rows: int | None = None


def read_file_states(root: Path, paths: Iterable[Path]) -> FileStates:
    """Return the state of files now; their rows are not counted. Raises OSError."""
    found = fingerprints(paths)
    lines = ((path.parts, f"{path.relative_to(root)}\0{each}") for path, each in found.items())
    return FileStates(tuple(lines), max((each.modified for each in found.values()), default=None))


def combined_state(states: Sequence[FileStates]) -> TableState:
    """Return the state of a table that has these files; its version is a digest of all of them."""
    # Lines are in the order of paths, so that a version does not depend on how the files were found.
    lines = sorted(chain.from_iterable(each.lines for each in states))
    newest = max((each.newest for each in states if each.newest is not None), default=None)
    modified = datetime.fromtimestamp(newest / SECOND, UTC) if newest is not None else None
    rows = [each.rows for each in states if each.rows is not None]
    counted = sum(rows) if len(rows) == len(states) else None
    return TableState(digest(line for _, line in lines), counted, modified)
