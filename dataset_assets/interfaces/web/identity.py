"""Who sends a request, and what they may do."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request

from dataset_assets.errors import DeniedError, Fault
from dataset_assets.model import Model


class Role(StrEnum):
    """What a person may do; each role includes the roles before it.

    A reader looks at everything, an editor changes files, a publisher starts runs and pins publications.
    """

    READER = "reader"
    EDITOR = "editor"
    PUBLISHER = "publisher"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that another one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Identity(Model):
    """A person or a program that sends requests: its name in `users.yaml`, and its role."""

    name: str
    role: Role


LOCAL = Identity(name="local", role=Role.PUBLISHER)
"""Who asks on a server that only this machine can reach (mode `none`)."""


def current_identity(request: Request) -> Identity:
    """Return who sent a request. The middleware of the mode has set it."""
    return request.state.identity


def requires(role: Role) -> Any:
    """Return the dependency that refuses everyone below a role."""

    def check(who: Annotated[Identity, Depends(current_identity)]) -> Identity:
        if not who.role.includes(role):
            hint = f"it takes the role {role}, which users.yaml gives"
            raise DeniedError(Fault(f"{who.name} has the role {who.role}", hint=hint))
        return who

    return Depends(check)


Reader = Annotated[Identity, requires(Role.READER)]
Editor = Annotated[Identity, requires(Role.EDITOR)]
Publisher = Annotated[Identity, requires(Role.PUBLISHER)]
