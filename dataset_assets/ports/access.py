"""What has to be there and to be allowed before anything can run, looked at piece by piece.

Adapters look (`examine` in dataset_assets.ports); `dataset-assets doctor` tells.
"""

from dataclasses import dataclass
from enum import StrEnum

from dataset_assets.errors import DatasetAssetsError

DOCTOR = "`dataset-assets doctor` says which role is missing"
"""The mend of a DeniedError that does not know the role."""


class State(StrEnum):
    """Whether a piece is as it has to be. What is told as a note stops nothing."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One piece that was looked at: `about` what, `said` what was found, `mend` what would do."""

    state: State
    about: str
    said: str
    mend: str = ""


def fine(about: str, said: str) -> Finding:
    """It is as it has to be."""
    return Finding(State.OK, about, said)


def missing(about: str, said: str, mend: str = "") -> Finding:
    """Nothing that needs it can run."""
    return Finding(State.MISSING, about, said, mend)


def note(about: str, said: str, mend: str = "") -> Finding:
    """Good to know."""
    return Finding(State.NOTE, about, said, mend)


def mend_of(error: DatasetAssetsError, role: str) -> str:
    """What would do; `role` where all that is known is that one is missing."""
    mend = error.faults[0].mend
    return role if mend == DOCTOR else mend
