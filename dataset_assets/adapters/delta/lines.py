"""Append-only files of JSON lines: the ledgers in the folder of a published Delta table.

A process that is killed while it appends leaves a torn last line. Readers skip it, and the next line that is
appended begins a new one.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataset_assets.system_errors import at_path


def append_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> list[int]:
    """Append the lines, wait until they are on the disk, and return the position of each in the file.

    The caller holds the lock of the dataset's folder.
    """
    if not lines:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    with at_path(path), path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        data = b""
        if end and not _ends_a_line(path, end):
            data, end = b"\n", end + 1
        positions = []
        for line in lines:
            positions.append(end)
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            data, end = data + text, end + len(text)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return positions


def replace_bytes(path: Path, data: bytes) -> None:
    """Replace a file whole, and wait until its bytes are on the disk; the caller holds the lock."""
    part = path.with_suffix(".part")
    with at_path(path), part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield all whole lines; none if the file does not exist."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            found = _parsed(line)
            if found is not None:
                yield found


def last_lines(path: Path, size: int = 4096) -> list[dict[str, Any]]:
    """Return the last whole lines, those within so many bytes; none if the file does not exist."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - size)
        file.seek(start)
        lines = file.read().split(b"\n")
        return [line for each in lines[start > 0 :] if (line := _parsed(each)) is not None]
    return []


def read_line(path: Path, position: int) -> dict[str, Any]:
    """Return the line at a position that `append_lines` returned; empty if it is lost."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(position)
        return _parsed(file.readline()) or {}
    return {}


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _ends_a_line(path: Path, end: int) -> bool:
    with path.open("rb") as file:
        file.seek(end - 1)
        return file.read(1) == b"\n"
