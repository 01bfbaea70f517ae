"""Where a target's relative paths begin, and what its parts have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from dataset_assets.model import Text
from dataset_assets.periods.calendar import Calendars

if TYPE_CHECKING:
    from resources.bigquery.connection import Connection

_GLOB = frozenset("*?[]")


def _no_glob(value: str) -> str:
    if _GLOB & set(value):
        raise ValueError("holds one of `*?[]`; name one file or folder")
    return value


def _known_home(value: str) -> str:
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not there; write the whole path") from None
    return value


Folder = Annotated[Text, AfterValidator(_known_home)]
"""The path of a folder, which may begin with `~`."""


Location = Annotated[Text, AfterValidator(_no_glob), AfterValidator(_known_home)]
"""A path without wildcards."""


@dataclass(frozen=True)
class Place:
    """What settings need to become a working part: the folder relative paths begin at, and the calendars.

    `connection` is the engine's own to BigQuery, where it has one.
    """

    base: Path
    calendars: Calendars
    connection: "Connection | None" = None

    def path(self, text: str) -> Path:
        """Absolute, symbolic links followed."""
        return (self.base / Path(text).expanduser()).resolve()
