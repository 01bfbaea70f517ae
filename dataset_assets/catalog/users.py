"""The users and teams of `users.yaml`, who can own Datasets and Projects (BR-124)."""

import re
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


class User(Model):
    """A person with an `email`, or a `team` with a name."""

    email: Annotated[Text, AfterValidator(_email)] | None = None
    team: Annotated[Text, AfterValidator(_team)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.email is None) == (self.team is None):
            raise ValueError("must have an `email` or a `team`, and not both")
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

    def unknown(self, owner: str) -> tuple[str, str] | None:
        """Return (what is wrong, hint) for an owner that is not in the file; None if it is."""
        if self.find(owner):
            return None
        hint = did_you_mean(owner, self.root, "add it there")
        return f"is {shown(owner)}, whom users.yaml does not have", hint
