"""The context in which the settings of a target open: base folder, calendars, BigQuery connection."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from dataset_assets.model import Text
from dataset_assets.periods.cadence import Calendars

_GLOB = frozenset("*?[]")


def _no_glob(value: str) -> str:
    if _GLOB & set(value):
        raise ValueError("holds one of `*?[]`; name one file or folder")
    return value


def _existing_home(value: str) -> str:
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not there; write the whole path") from None
    return value


Folder = Annotated[Text, AfterValidator(_existing_home)]
"""The path of a folder, which may begin with `~`."""


Location = Annotated[Text, AfterValidator(_no_glob), AfterValidator(_existing_home)]
"""A path without wildcards."""


@dataclass(frozen=True)
class TargetContext:
    """The folder to which relative paths refer, and the calendars of the catalog.

    `connection` is the engine's connection to BigQuery, or None for an engine without one.
    """

    base: Path
    calendars: Calendars
    connection: Any = None

    def path(self, text: str) -> Path:
        """Return an absolute path whose symbolic links are followed."""
        return (self.base / Path(text).expanduser()).resolve()
