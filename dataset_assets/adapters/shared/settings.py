"""Bases of the settings in a target's file: what opens as an engine, and what opens as a warehouse.

Settings stand apart from engines and warehouses, so that a target is checked without loading either.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.model import Model
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.warehouse import Warehouse


class EngineSettings(Model, ABC):
    """Settings of an engine, which is opened for one warehouse and the resolvers whose tables it reads."""

    @abstractmethod
    def open(self, context: TargetContext, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        """Return the engine; it reads what the warehouse and the resolvers have, and nothing else."""

    def connection(self) -> Any:
        """Return the connection that resolvers without their own share with the engine, or None."""
        return None


class WarehouseSettings(Model, ABC):
    """Settings of a warehouse. `needs` is the `type` of the engine that can write to it."""

    needs: ClassVar[str]

    @abstractmethod
    def open(self, context: TargetContext) -> Warehouse:
        """Return the warehouse; nothing is created yet."""
