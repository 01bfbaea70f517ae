"""Answers about what is wrong: faults of files, and findings about a target."""

from collections.abc import Iterable
from typing import Self

from dataset_assets.errors import Fault, near
from dataset_assets.model import Model
from dataset_assets.ports.access import AccessFinding, State


class FaultAnswer(Model):
    """A fault. `file`, `line` and `column` are None for a fault that has no place in a file."""

    message: str
    field: str
    hint: str
    file: str | None
    line: int | None
    column: int | None

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """Return the answer for a fault."""
        at = fault.position
        return cls(
            message=fault.message,
            field=fault.field,
            hint=fault.hint,
            file=near(at.file) if at else None,
            line=at.line if at else None,
            column=at.column if at else None,
        )


class CheckAnswer(Model):
    """The number of files that were checked, and all their faults."""

    files: int
    faults: tuple[FaultAnswer, ...]

    @classmethod
    def of(cls, files: int, faults: Iterable[Fault]) -> Self:
        """Return the answer for faults of some files."""
        return cls(files=files, faults=tuple(map(FaultAnswer.of, faults)))


class FindingAnswer(Model):
    """One examined resource of a target: `about` names it, `hint` says how to fix it if it is missing."""

    state: State
    about: str
    said: str
    hint: str


class ExaminationAnswer(Model):
    """The findings about a target. `missing` is the number of resources without which no run is possible."""

    missing: int
    findings: tuple[FindingAnswer, ...]

    @classmethod
    def of(cls, findings: Iterable[AccessFinding]) -> Self:
        """Return the answer for findings, each once."""
        every = tuple(dict.fromkeys(findings))
        return cls(
            missing=sum(each.state is State.MISSING for each in every),
            findings=tuple(FindingAnswer(**vars(each)) for each in every),
        )
