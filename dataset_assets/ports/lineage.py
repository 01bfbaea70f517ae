"""The interface of a service that keeps lineage, to which an event is sent after each publication."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class LineageSink(ABC):
    """Sends OpenLineage events to a service."""

    @abstractmethod
    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event. A call may take seconds. Raises DatasetAssetsError if it cannot be sent."""

    @property
    @abstractmethod
    def namespace(self) -> str | None:
        """The namespace of jobs that the service expects; None for the default."""
