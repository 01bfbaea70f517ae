"""The interface of a mode of authentication: its settings, and the object that identifies the sender."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.types import Scope

from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.identity import Identity


@dataclass(frozen=True)
class Sender:
    """Who sends a request. `session` is the id of the browser's session; empty if there is none."""

    identity: Identity
    session: str = ""


class Mode(Protocol):
    """Tells who sends a request. It is made once, with the application."""

    async def sender(self, scope: Scope) -> Sender:
        """Return who sends a request. Raises RefusedError if that is unknown or not allowed."""
        ...


class ModeSettings(Protocol):
    """The settings of a mode."""

    @property
    def mode(self) -> str:
        """The name of the mode."""
        ...

    def check(self, host: str, definitions: Path) -> None:
        """Raise ContractError if a server that listens at `host` must not start in this mode."""
        ...

    def create(self, people: People) -> Mode:
        """Return the mode with these settings."""
        ...
