"""Base classes of the settings of engines and warehouses in a target's file.

Settings are in modules of their own, so that reading a target loads no engine and no warehouse.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.model import Integer, Model
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.retention import Retention
from dataset_assets.ports.samples import SAMPLE_DAYS
from dataset_assets.ports.warehouse import Warehouse


class EngineSettings(Model, ABC):
    """Settings of an engine, which opens for one warehouse and the resolvers whose tables it reads."""

    @abstractmethod
    def open(self, context: TargetContext, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        """Return an engine that can read only the paths of the warehouse and of the resolvers (BR-205)."""

    def connection(self) -> Any:
        """Return the connection that resolvers without their own share with the engine, or None."""
        return None


class WarehouseSettings(Model, ABC):
    """Settings of a warehouse. `needs` is the `type` of the engine that can write to it.

    Without `retention`, everything that was published is kept. `sample_days` is the number of days after
    which a sample is removed.
    """

    needs: ClassVar[str]
    retention: Retention | None = None
    sample_days: Annotated[Integer, Field(ge=1, le=365)] = SAMPLE_DAYS

    @abstractmethod
    def open(self, context: TargetContext) -> Warehouse:
        """Return the warehouse; nothing is created yet."""

    def seen_from_elsewhere(self, base: Path, engine: Any) -> Self:  # noqa: ARG002
        """Return settings that name the same warehouse in any target.

        `base` is the folder of the target's relative paths, `engine` its engine's settings.
        """
        return self

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders on this machine that a reader of the warehouse reads, as seen from elsewhere."""
        return ()
