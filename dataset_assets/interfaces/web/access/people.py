"""Find the person of `users.yaml` that an identity stands for, with the role that the file gives."""

import os
from pathlib import Path
from threading import Lock

from dataset_assets.catalog.load_catalog import read_users
from dataset_assets.catalog.users import Users
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.identity import Identity


class People:
    """The people of one `users.yaml`, which is read again when it changed: a role can be taken away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._stamp: tuple[int, ...] | None = None
        self._users = Users({})

    def identity(self, name: str) -> Identity:
        """Return the identity of an e-mail address or a user id. Raises RefusedError (403) for nobody's."""
        users = self._current()
        found = users.people(name)
        if len(found) != 1:
            count = "more than once" if found else "not"
            shown = name[:100].encode("ascii", "backslashreplace").decode("ascii")
            raise RefusedError(
                403, f"{shown!r} is {count} among the people of users.yaml, who may come in here"
            )
        return Identity(name=found[0], role=users.root[found[0]].role)

    def _current(self) -> Users:
        stamp = self._look()
        with self._lock:
            if stamp != self._stamp:
                self._users = read_users(self._path, []) or Users({})
                self._stamp = stamp
            return self._users

    def _look(self) -> tuple[int, ...]:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - Path.stat builds a path object for each request
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
