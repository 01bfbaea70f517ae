"""Settings of the DuckDB engine in a target's file; reading them does not load DuckDB."""

# ruff: noqa: PLC0415 - DuckDB loads when an engine opens, not when a target is read

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import override

from dataset_assets.adapters.shared.context import Folder, TargetContext
from dataset_assets.adapters.shared.local_files import LocalFiles
from dataset_assets.adapters.shared.settings import EngineSettings
from dataset_assets.adapters.shared.sizes import MemoryAmount
from dataset_assets.model import Integer
from dataset_assets.ports.engine import Engine


class DuckDBSettings(EngineSettings):
    """Settings of the engine.

    `memory_limit` has a unit of DuckDB, `threads` is the number of cores by default.

    `spill` is the folder for data that exceeds the memory limit; by default it is `_spill` in the warehouse.
    """

    type: Literal["duckdb"]
    memory_limit: MemoryAmount = "4GB"
    threads: Annotated[Integer, Field(ge=1, le=1024)] | None = None
    spill: Folder | None = None

    @override
    def open(self, context: TargetContext, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        """Return an engine that reads the warehouse's folder and the resolvers' files."""
        from dataset_assets.adapters.duckdb.engine import DuckDBEngine

        root = context.path(warehouse.root)
        local = [resolver for resolver in resolvers if isinstance(resolver, LocalFiles)]
        directories = [path for resolver in local for path in resolver.directories]
        files = tuple(path for resolver in local for path in resolver.files)
        spill = context.path(self.spill) if self.spill else root / "_spill"
        return DuckDBEngine(self, (root, *directories), spill, files)
