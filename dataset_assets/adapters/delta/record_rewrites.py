"""Replace records of a published Delta table, those of expired publications as well."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dataset_assets.adapters.delta.folder import DatasetFolder, read_json, write_json
from dataset_assets.adapters.delta.lines import read_lines, replace_bytes
from dataset_assets.ports.erasure import RewriteRecord
from dataset_assets.ports.warehouse import Record


def read_all_records(folder: DatasetFolder) -> Iterator[Record]:
    """Yield the record of each publication, those of expired ones first."""
    yield from read_lines(folder.path / "_ledger" / "records.jsonl")
    for path in sorted((folder.path / "_records").rglob("*.json")):
        yield read_json(path)


def rewrite_all_records(folder: DatasetFolder, rewrite: RewriteRecord) -> int:
    """Replace each record that `rewrite` changes, and return how many; the caller holds the lock."""
    count = _rewrite_expired(folder.path / "_ledger" / "records.jsonl", lambda each: rewrite(each, True))
    for path in sorted((folder.path / "_records").rglob("*.json")):
        before = read_json(path)
        after = rewrite(before, False)
        if after != before:
            write_json(path, after)
            count += 1
    if count:
        os.utime(folder.path / "_records")
    return count


def _rewrite_expired(path: Path, rewrite: Callable[[Record], Record]) -> int:
    """Replace records by shorter ones, each at its place in the file: other files name the places."""
    count, lines = 0, list[bytes]()
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        kept = _rewritten(line, rewrite)
        count += kept != line
        lines.append(kept)
    if count:
        replace_bytes(path, b"".join(lines))
    return count


def _rewritten(line: bytes, rewrite: Callable[[Record], Record]) -> bytes:
    """Return a line with the record after `rewrite`; blanks for a torn line, which can have values."""
    try:
        before = json.loads(line)
    except ValueError:
        return b"\n".rjust(len(line))
    after = rewrite(before)
    if after == before:
        return line
    text = json.dumps(after, ensure_ascii=False, separators=(",", ":")).encode()
    return text.ljust(len(line) - 1) + b"\n"
