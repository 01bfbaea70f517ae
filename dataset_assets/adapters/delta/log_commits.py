"""Read single commits from the JSON files of a Delta table's log, and find its checkpoints."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_LOG_FILE = re.compile(r"(\d{20})\.(?:json|crc|checkpoint.*\.parquet|checkpoint.*\.json)")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")


@dataclass(frozen=True)
class Commit:
    """One commit of a publication: version, time in ms, claim, data file, row count and changed schema.

    `token` is None for a commit of another tool. `schema` is the table's schema as JSON if it changed.
    """

    version: int
    timestamp: int
    period: str | None
    token: str | None
    run_id: str
    path: str | None
    rows: int | None
    schema: str | None


def commit_path(log: Path, version: int) -> Path:
    """Return the path of a commit's file."""
    return log / f"{version:020}.json"


def read_commit(log: Path, version: int) -> Commit | None:
    """Return a commit, or None if the log no longer has its file."""
    try:
        text = commit_path(log, version).read_text("utf-8")
    except FileNotFoundError:
        return None
    info: dict[str, Any] = {}
    path, rows, schema = None, None, None
    for line in text.splitlines():
        action = json.loads(line)
        info = action.get("commitInfo", info)
        if "add" in action:
            path = unquote(action["add"]["path"])
            rows = json.loads(action["add"].get("stats") or "{}").get("numRecords")
        schema = action.get("metaData", {}).get("schemaString", schema)
    return Commit(
        version=version,
        timestamp=int(info.get("timestamp") or 0),
        period=info.get("period") or None,
        token=info.get("token"),
        run_id=info.get("run_id") or "",
        path=path,
        rows=rows,
        schema=schema,
    )


def checkpoints(log: Path) -> Iterator[tuple[int, Path]]:
    """Yield the version and the file of each checkpoint, in order."""
    for path in sorted(log.glob("*.checkpoint.parquet")):
        if found := _CHECKPOINT.fullmatch(path.name):
            yield int(found[1]), path


def files_before(log: Path, version: int) -> list[Path]:
    """Return the files of the log that belong to versions before this one, the oldest first."""
    numbered = ((_LOG_FILE.fullmatch(path.name), path) for path in log.iterdir())
    return sorted(path for found, path in numbered if found and int(found[1]) < version)
