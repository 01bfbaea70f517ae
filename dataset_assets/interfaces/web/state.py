"""What all requests share: the project, its catalog, the target, and the operations."""

import os
from dataclasses import dataclass, field
from threading import RLock
from typing import Annotated

from fastapi import Depends, Request

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.api.idempotency import IdempotentAnswers
from dataset_assets.interfaces.web.catalog_cache import CatalogCache
from dataset_assets.interfaces.web.dataset_index import DatasetIndex
from dataset_assets.interfaces.web.operations import Operations
from dataset_assets.interfaces.web.patches import Patches
from dataset_assets.interfaces.web.recent_answers import RecentAnswers
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.changes import file_text
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target


@dataclass(frozen=True)
class ServerState:
    """The shared state of one server. It is made once, with the application."""

    settings: ServerSettings
    workspace: Workspace
    operations: Operations = field(init=False)
    patches: Patches = field(default_factory=Patches)
    answers: IdempotentAnswers = field(init=False)
    recent: RecentAnswers = field(default_factory=RecentAnswers)
    _loading: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Let what is remembered be forgotten once rows were erased."""
        object.__setattr__(self, "operations", Operations(self.erasures_mark))
        object.__setattr__(self, "answers", IdempotentAnswers(mark=self.erasures_mark))

    def erasures_mark(self) -> str | None:
        """Return a text that differs after each erasure; None if the warehouse cannot be read now."""
        try:
            target = self.target
            with target.engine.connect(JobContext("erasures")) as session:
                return target.warehouse.erasures_mark(session)
        except (DatasetAssetsError, OSError):
            return None

    @cached_property
    def _catalogs(self) -> CatalogCache:
        return CatalogCache(self.workspace.root)

    @cached_property
    def index(self) -> DatasetIndex:
        """The lists of datasets."""
        return DatasetIndex(lambda: self.target)

    @property
    def catalog(self) -> Catalog:
        """The catalog, which can be a second behind changes of other programs."""
        return self._catalogs.current()

    @property
    def fresh_catalog(self) -> Catalog:
        """The catalog as the files are now."""
        return self._catalogs.reloaded()

    def files_changed(self) -> None:
        """Read the folder again for the next request: this one may have changed a file."""
        self._catalogs.expire()

    def seen(self, name: str) -> tuple[Catalog, Entry, str]:
        """Return the catalog, the entry of a dataset, and the very text of its file that the entry is of.

        A tag of another text would let a change that is based on it undo somebody else's. Raises
        NotFoundError if there is no such dataset.
        """
        while True:
            catalog = self.fresh_catalog
            text = file_text(catalog.entry(name))
            catalog = self.fresh_catalog
            if file_text(catalog.entry(name)) == text:
                return catalog, catalog.entry(name), text

    @property
    def target(self) -> Target:
        """The target. Raises ContractError with all faults of its file."""
        with self._loading:
            return self.workspace.target

    def close(self) -> None:
        """Begin no further work."""
        self.operations.close()
        self.index.close()

    @property
    def locked(self) -> bool:
        """Whether the files are changed in git alone: by the settings, or because they are read only."""
        folder = self.workspace.root / "datasets"
        return self.workspace.settings.locked or not os.access(folder, os.W_OK)


def server_state(request: Request) -> ServerState:
    """Return the state of the server that a request was sent to."""
    return request.app.state.server


State = Annotated[ServerState, Depends(server_state)]
"""The parameter of a handler that receives the server's state."""
