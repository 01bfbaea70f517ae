"""Who sends a request, and what they may do."""

from typing import Annotated, Any

from fastapi import Depends, Request

from dataset_assets.catalog.users import Role
from dataset_assets.errors import DeniedError, Fault
from dataset_assets.model import Model


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

    def check(request: Request, who: Annotated[Identity, Depends(current_identity)]) -> Identity:
        # What asks for a reader alone is no change, which the audit log leaves out.
        request.state.required_role = role
        if not who.role.includes(role):
            hint = f"it takes the role {role}, which users.yaml gives"
            raise DeniedError(Fault(f"{who.name} has the role {who.role}", hint=hint))
        return who

    return Depends(check)


Reader = Annotated[Identity, requires(Role.READER)]
Editor = Annotated[Identity, requires(Role.EDITOR)]
Publisher = Annotated[Identity, requires(Role.PUBLISHER)]
