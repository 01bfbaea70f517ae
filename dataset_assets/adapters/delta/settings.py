"""Settings of a warehouse of Delta tables in a target's file; reading them does not load deltalake."""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Any, Literal, Self

from typing_extensions import override

from dataset_assets.adapters.shared.context import Folder, TargetContext
from dataset_assets.adapters.shared.settings import WarehouseSettings
from dataset_assets.ports.warehouse import Warehouse


class DeltaWarehouseSettings(WarehouseSettings):
    """Settings of a warehouse of Delta tables. `root` is the folder that holds one folder a dataset."""

    type: Literal["delta"]
    needs = "duckdb"
    root: Folder

    @override
    def seen_from_elsewhere(self, base: Path, engine: Any) -> Self:
        root = (base / Path(self.root).expanduser()).resolve()
        return self.model_copy(update={"root": str(root)})

    @property
    @override
    def folders(self) -> tuple[Path, ...]:
        return (Path(self.root),)

    @override
    def open(self, context: TargetContext) -> Warehouse:
        """Return the warehouse; its folder is created by the first publication."""
        from dataset_assets.adapters.delta.warehouse import DeltaWarehouse

        return DeltaWarehouse(context.path(self.root), self.retention, self.sample_days)
