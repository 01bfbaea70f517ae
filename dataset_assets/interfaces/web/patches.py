"""Keep the patches of changes that are not made here, until they are downloaded."""

import secrets
from collections import OrderedDict
from threading import Lock

from dataset_assets.errors import Fault, NotFoundError

MOST = 100
"""How many patches are kept; the oldest are forgotten."""


class Patches:
    """Patches by an id that cannot be guessed, each for the person whose change it is."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._lock = Lock()

    def keep(self, patch: str, name: str) -> str:
        """Return the address at which a person can download a patch."""
        id_ = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[id_] = (patch, name)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return f"/patches/{id_}"

    def get(self, id_: str, name: str) -> str:
        """Return a patch. Raises NotFoundError if there is none, or if it is somebody else's."""
        with self._lock:
            patch, owner = self._kept.get(id_, ("", ""))
        if not patch or owner != name:
            raise NotFoundError(Fault("there is no such patch", hint="make the change again"))
        return patch
