"""Find the current files of a published Delta table by its log, without the Delta library where that is safe.

The library needs milliseconds for a table, however small its log is; lists and refreshes look at thousands.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.log_commits import commit_path

_MOST_COMMITS = 200
_KNOWN = frozenset({"add", "remove", "metaData", "protocol", "commitInfo", "txn"})
"""The actions whose meaning for the files of a table is the same in every version of the format."""
_READER_VERSION = 1
"""The version of the format for readers that knows no features, such as marks of deleted rows."""


def files_of_small_log(folder: Path) -> dict[str | None, str] | None:
    """Return the path of the first data file of each Period, as `first_files` does.

    Returns None if only the Delta library can find them: the log begins with a checkpoint, is long or cannot
    be read, or the table uses a feature of a later version of the format.
    """
    log = folder / "_delta_log"
    try:
        commits = [commit_path(log, version).read_bytes() for version in range(_number_of_commits(log))]
        return _replayed(commits) if commits else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _number_of_commits(log: Path) -> int:
    """Return the number of commits if the log has all of them and no checkpoint; else 0."""
    names = [each.name for each in log.iterdir()]
    commits = [name for name in names if name.endswith(".json") and not name.startswith("_")]
    is_whole = len(commits) <= _MOST_COMMITS and not any("checkpoint" in name for name in names)
    return len(commits) if is_whole and f"{len(commits) - 1:020}.json" in commits else 0


def _replayed(commits: list[bytes]) -> dict[str | None, str] | None:
    partitioned = False
    files: dict[str, str | None] = {}
    for commit in commits:
        for line in commit.splitlines():
            [(kind, action)] = from_json(line).items()
            if kind not in _KNOWN or _needs_more(kind, action):
                return None
            if kind == "metaData":
                partitioned = bool(action["partitionColumns"])
            elif kind == "add":
                files[action["path"]] = action["partitionValues"].get(delta_periods.PERIOD)
            elif kind == "remove":
                files.pop(action["path"], None)
    first: dict[str | None, str] = {}
    for path, period in files.items():
        key = period if partitioned else None
        first[key] = min(path, first.get(key, path))
    return first


def _needs_more(kind: str, action: Mapping[str, Any]) -> bool:
    if kind == "protocol":
        return action["minReaderVersion"] != _READER_VERSION
    return kind in ("add", "remove") and bool(action.get("deletionVector"))
