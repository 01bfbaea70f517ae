"""Who may own a Dataset or a Project: `users.yaml` (BR-124)."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, RootModel, model_validator

from dataset_assets.model import Model, Text
from dataset_assets.text.wording import nearest

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
    """A person by `email`, or a `team` by name."""

    email: Annotated[Text, AfterValidator(_email)] | None = None
    team: Annotated[Text, AfterValidator(_team)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.email is None) == (self.team is None):
            raise ValueError("must have an `email` or a `team`, and not both")
        return self

    @property
    def address(self) -> str:
        """`name@example.com` or `team:name`, the two forms of an owner in Dagster."""
        return self.email or f"team:{self.team}"


class Users(RootModel[dict[Text, User]]):
    """`users.yaml`: what stands under `users:`, by id."""

    model_config = ConfigDict(frozen=True)

    def find(self, name: str) -> User | None:
        """The user or team with this id."""
        return self.root.get(name)

    def nearest(self, name: str) -> str | None:
        """The id that was probably meant."""
        return nearest(name, self.root)
