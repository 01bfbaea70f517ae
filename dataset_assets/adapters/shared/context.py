"""What all parts of a target have in common: the folder of relative paths, calendars, a connection."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from dataset_assets.model import Text
from dataset_assets.periods.calendar import Calendars

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
class TargetContext:
    """What settings need to open: the folder at which relative paths begin, and the calendars.

    `connection` is the engine's connection to BigQuery, or None for an engine without one.
    """

    base: Path
    calendars: Calendars
    connection: Any = None

    def path(self, text: str) -> Path:
        """Return an absolute path whose symbolic links are followed."""
        return (self.base / Path(text).expanduser()).resolve()
