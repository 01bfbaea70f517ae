"""Replace records of a published Delta table, those of expired publications as well."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dataset_assets.adapters.delta.folder import DatasetFolder, read_json, write_json
from dataset_assets.adapters.delta.lines import replace_bytes
from dataset_assets.ports.erasure import RewriteRecord
from dataset_assets.ports.warehouse import Record


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
        kept = line
        with suppress(ValueError):  # a torn line, which is no record
            before = json.loads(line)
            after = rewrite(before)
            if after != before:
                text = json.dumps(after, ensure_ascii=False, separators=(",", ":")).encode()
                kept, count = text.ljust(len(line) - 1) + b"\n", count + 1
        lines.append(kept)
    if count:
        replace_bytes(path, b"".join(lines))
    return count
