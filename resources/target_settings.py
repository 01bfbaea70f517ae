"""What a target says of its engine and its warehouse.

They stand apart from the two, so that a target is read and checked without loading either.
"""

# ruff: noqa: PLC0415 - see above

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dataset_assets.model import Integer, Model
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.warehouse import Warehouse
from resources.amounts import MemoryAmount
from resources.place import Folder, Place

if TYPE_CHECKING:
    from resources.bigquery.connection import Connection


class EngineSettings(Model, ABC):
    """An engine is opened for one warehouse and the resolvers whose tables it reads."""

    @abstractmethod
    def open(self, place: Place, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        """The engine; it reaches what these have, and no more."""

    def connection(self) -> "Connection | None":
        """What resolvers that name no project of their own share with the engine."""
        return None


class WarehouseSettings(Model, ABC):
    """`needs` is the `type` of the engine that can write to it."""

    needs: ClassVar[str]

    @abstractmethod
    def open(self, place: Place) -> Warehouse:
        """The warehouse; nothing is made yet."""


class DuckDBSettings(EngineSettings):
    """`memory_limit` as DuckDB writes it; `threads`: all cores when absent.

    `spill`: where what does not fit in memory goes, the warehouse's own `_spill` when absent.
    """

    type: Literal["duckdb"]
    memory_limit: MemoryAmount = "4GB"
    threads: Annotated[Integer, Field(ge=1, le=1024)] | None = None
    spill: Folder | None = None

    def open(self, place: Place, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        """As the base says. It reads the files of the resolvers that have some."""
        from resources.duckdb_engine import DuckDBEngine
        from resources.resolvers.base import LocalResolver

        root = place.path(warehouse.root)
        local = [resolver for resolver in resolvers if isinstance(resolver, LocalResolver)]
        directories = [path for resolver in local for path in resolver.directories]
        files = tuple(path for resolver in local for path in resolver.files)
        spill = place.path(self.spill) if self.spill else root / "_spill"
        return DuckDBEngine(self, (root, *directories), spill, files)


class DeltaWarehouseSettings(WarehouseSettings):
    """`root`: the folder of the tables, one folder a dataset."""

    type: Literal["delta"]
    needs = "duckdb"
    root: Folder

    def open(self, place: Place) -> Warehouse:
        """As the base says."""
        from resources.delta_warehouse import DeltaWarehouse

        return DeltaWarehouse(place.path(self.root))
