"""The users and teams of `users.yaml`, who can own Datasets and Projects (BR-124), and the roles of users."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, RootModel, model_validator

from dataset_assets.model import Model, Text
from dataset_assets.text.wording import did_you_mean, shown

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_TEAM = re.compile(r"[A-Za-z0-9_.-]+")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an e-mail address; write it as name@example.com")
    return text


def _team(text: str) -> str:
    if not _TEAM.fullmatch(text):
        raise ValueError("is not the name of a team; use letters, digits, `_`, `-` and `.`")
    return text


class Role(StrEnum):
    """The rights of a person in the browser and over HTTP; each role includes the roles before it.

    A reader looks at everything, an editor changes files, a publisher starts runs and pins publications.
    """

    READER = "reader"
    EDITOR = "editor"
    PUBLISHER = "publisher"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that another one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class User(Model):
    """A person with an `email` and a `role`, or a `team` with a name."""

    email: Annotated[Text, AfterValidator(_email)] | None = None
    team: Annotated[Text, AfterValidator(_team)] | None = None
    role: Role = Role.READER

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.email is None) == (self.team is None):
            raise ValueError("must have an `email` or a `team`, and not both")
        if self.team and "role" in self.model_fields_set:
            raise ValueError("is a team, which has no `role`; give one to each of its people")
        return self

    @property
    def address(self) -> str:
        """The owner in the notation of Dagster: `name@example.com` or `team:name`."""
        return self.email or f"team:{self.team}"


class Users(RootModel[dict[Text, User]]):
    """The users and teams of `users.yaml` by id."""

    model_config = ConfigDict(frozen=True)

    def find(self, name: str) -> User | None:
        """Return the user or team with this id; None if there is none."""
        return self.root.get(name)

    def people(self, name: str) -> tuple[str, ...]:
        """Return the ids of the people with this id or e-mail address; the case of an address is no matter.

        Teams are no people. More than one id means that the address is given to several people.
        """
        exact = self.root.get(name)
        if exact and exact.email:
            return (name,)
        wanted = name.lower() if name.isascii() else name
        return tuple(id_ for id_, user in self.root.items() if user.email and user.email.lower() == wanted)

    def unknown(self, owner: str) -> tuple[str, str] | None:
        """Return (what is wrong, hint) for an owner that is not in the file; None if it is."""
        if self.find(owner):
            return None
        hint = did_you_mean(owner, self.root, "add it there")
        return f"is {shown(owner)}, whom users.yaml does not have", hint
