"""Cache the parsed data of YAML files without faults, so that unchanged files are not parsed again.

A folder of thousands of files takes seconds to parse and to check, and hardly any file changes between two
commands. The key of an entry is the SHA-256 of everything that the entry depends on: no entry is ever stale.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pydantic
import yaml
from pydantic_core import from_json, to_json
from typing_extensions import override

from dataset_assets.text.atomic_files import replace_text
from dataset_assets.text.digest import digest
from dataset_assets.yaml.reader import KnownData

FEWEST_FILES = 200
"""The least number of files in a folder for which the cache is used; fewer files are parsed fast enough."""
_FORMAT = "1"
_PACKAGE = Path(__file__).parents[1]
_CODE = ("text", "yaml", "periods", "selection", "contract", "catalog", ".")
"""The parts of the library that decide what is read of a file and whether it has faults."""


class CheckedFiles(KnownData):
    """The data of YAML files by the SHA-256 of their bytes, and for which files the rules found no fault.

    `faultless` are digests of all that the rules read of a file.
    """

    def __init__(self, path: Path | None, data: Mapping[str, bytes], faultless: Iterable[str]) -> None:
        self._path = path
        self._data, self._faultless = data, frozenset(faultless)
        self._used: dict[str, bytes] = {}
        self._passed: set[str] = set()

    @override
    def data(self, key: str) -> Any:
        stored = self._data.get(key)
        if stored is None:
            return None
        self._used[key] = stored
        return from_json(stored)

    @override
    def keep_data(self, key: str, data: Any) -> None:
        self._used[key] = to_json(data)

    def is_faultless(self, key: str) -> bool:
        """Return whether the rules are known to find no fault."""
        if key in self._faultless:
            self._passed.add(key)
        return key in self._passed

    def keep_faultless(self, key: str) -> None:
        """Remember that the rules found no fault."""
        self._passed.add(key)

    def save(self) -> None:
        """Write what was used and kept, if it is something else than what was read. Raises nothing.

        Processes may save at the same time: one of the files remains, and each is right.
        """
        if self._path is None or (self._used.keys() == self._data.keys() and self._passed == self._faultless):
            return
        lines = [b"%s %s" % (key.encode(), data) for key, data in sorted(self._used.items())]
        body = b"\n".join([to_json(sorted(self._passed)), *lines])
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_text(self._path, (b"%s\n%s" % (_seal(body), body)).decode())


def checked_files(root: Path, number: int) -> CheckedFiles:
    """Return what is known of the `number` files of a definitions folder.

    Nothing is known of few files, without a home folder, or after a change of the library.
    """
    if number < FEWEST_FILES:
        return CheckedFiles(None, {}, ())
    try:
        path = _cache_folder() / f"{digest([str(root.resolve())])}.checked"
    except (OSError, RuntimeError):
        return CheckedFiles(None, {}, ())
    try:
        seal, _, body = path.read_bytes().partition(b"\n")
        if seal != _seal(body):
            return CheckedFiles(path, {}, ())
        passed, *lines = body.split(b"\n")
        data = {key.decode(): value for key, _, value in (line.partition(b" ") for line in lines)}
        return CheckedFiles(path, data, from_json(passed))
    except (OSError, ValueError):
        return CheckedFiles(path, {}, ())


def _cache_folder() -> Path:
    """Return a folder of the user, outside of the repository. Raises RuntimeError if there is no home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataset-assets"


def _seal(body: bytes) -> bytes:
    """Return the digest of a body and of the code that wrote it."""
    return sha256(_code_version().encode() + body).hexdigest().encode()


@cache
def _code_version() -> str:
    """Return a digest of the library's code and of what it parses with."""
    folders = (_PACKAGE / name for name in _CODE)
    files = sorted(path for folder in folders for path in folder.glob("*.py"))
    states = (f"{path.name} {(state := path.stat()).st_size} {state.st_mtime_ns}" for path in files)
    return digest([_FORMAT, sys.version, pydantic.VERSION, yaml.__version__, *states])
