"""What has to be there and to be allowed before anything can run, looked at piece by piece.

Adapters look (`examine` in dataset_assets.ports); `dataset-assets doctor` tells.
"""

from dataclasses import dataclass
from enum import StrEnum

from dataset_assets.errors import DatasetAssetsError

DOCTOR = "`dataset-assets doctor` says which role is missing"
"""The fix of a DeniedError that does not know the role."""


class State(StrEnum):
    """Whether a piece is as it has to be. What is told as a note stops nothing."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True)
class AccessFinding:
    """One piece that was looked at: `about` what, `said` what was found, `hint` what would do."""

    state: State
    about: str
    said: str
    hint: str = ""


def fine(about: str, said: str) -> AccessFinding:
    """It is as it has to be."""
    return AccessFinding(State.OK, about, said)


def missing(about: str, said: str, hint: str = "") -> AccessFinding:
    """Nothing that needs it can run."""
    return AccessFinding(State.MISSING, about, said, hint)


def note(about: str, said: str, hint: str = "") -> AccessFinding:
    """Good to know."""
    return AccessFinding(State.NOTE, about, said, hint)


def hint_of(error: DatasetAssetsError, role: str) -> str:
    """What would do; `role` where all that is known is that one is missing."""
    hint = error.faults[0].hint
    return role if hint == DOCTOR else hint
