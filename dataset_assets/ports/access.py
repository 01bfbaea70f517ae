"""Findings about access: whether a resource exists and its permissions suffice.

Adapters yield them (`examine` of each port); `dataset-assets doctor` prints them.
"""

from dataclasses import dataclass
from enum import StrEnum

from dataset_assets.errors import DatasetAssetsError

DOCTOR = "`dataset-assets doctor` says which role is missing"
"""The hint of a DeniedError that does not know which role is missing."""


class State(StrEnum):
    """The state of a resource: usable, missing (no run is possible), or a note for information."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True)
class AccessFinding:
    """One examined resource: `about` names it, `said` is its description, `hint` how to fix it."""

    state: State
    about: str
    said: str
    hint: str = ""


def fine(about: str, said: str) -> AccessFinding:
    """Return the finding that a resource is usable."""
    return AccessFinding(State.OK, about, said)


def missing(about: str, said: str, hint: str = "") -> AccessFinding:
    """Return the finding that a resource is missing, without which a run is not possible."""
    return AccessFinding(State.MISSING, about, said, hint)


def note(about: str, said: str, hint: str = "") -> AccessFinding:
    """Return a finding for information, which prevents no run."""
    return AccessFinding(State.NOTE, about, said, hint)


def hint_of(error: DatasetAssetsError, role: str) -> str:
    """Return the hint of an error, or `role` if the error knows only that a role is missing."""
    hint = error.faults[0].hint
    return role if hint == DOCTOR else hint
