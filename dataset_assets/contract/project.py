"""The models of a Project's YAML file: the datasets that it uses, its operations on their rows, its outputs.

The operations of a dataset are applied in the order of the file, the same in each run. An output is a table
of the rows after the operations that come before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from dataset_assets.contract.row_operations import DeleteRows, LabelRows, ReperiodRows, RowOperation
from dataset_assets.model import Boolean, Identifier, Model, Text

OUTPUT_SEPARATOR = "__"
"""Separates the stem of a Project from the name of an output in the name of the output's table."""


class Joins(StrEnum):
    """Which values of lookups an output has: those of the publication, or those at the time of reading."""

    FLATTENED = "flattened"
    RUNTIME = "runtime"


class Step(Model):
    """A step of a Project. It is about one dataset, which a Project with a single one need not name."""

    dataset: Annotated[
        Text | None, Field(description="The stem or id of one of the Project's datasets, if it has several.")
    ] = None


class LabelStep(Step, LabelRows):
    """Set and remove labels of the rows for which `where` is true."""

    type: Literal["label"]


class DeleteStep(Step, DeleteRows):
    """Delete the rows for which `where` is true: later steps skip them, and outputs leave them out."""

    type: Literal["delete"]


class ReperiodStep(Step, ReperiodRows):
    """Move the rows for which `where` is true to another Period of the dataset."""

    type: Literal["reperiod"]


class OutputStep(Step):
    """Publish the rows of a dataset, as the steps before have left them, in a table of its own."""

    type: Literal["output"]
    name: Identifier
    description: str = ""
    joins: Joins = Joins.FLATTENED
    include_deleted: Annotated[
        Boolean, Field(description="Keep deleted rows in the table, marked by `_deleted`.")
    ] = False
    allow_empty: Annotated[Boolean, Field(description="Publish a Period even if no row is left.")] = False


AnyStep = Annotated[LabelStep | DeleteStep | ReperiodStep | OutputStep, Field(discriminator="type")]


@dataclass(frozen=True)
class Output:
    """An output of a Project, with the stems of the Project and of its dataset, and its operations in order.

    `reference` names the dataset as the file does.
    """

    project: str
    dataset: str
    step: OutputStep
    operations: tuple[RowOperation, ...]

    @property
    def stem(self) -> str:
        """The name of the table and of the output in commands: `<project>__<name>`."""
        return output_stem(self.project, self.step.name)

    @property
    def periods_moved_to(self) -> frozenset[str]:
        """The Periods, as the file names them, to which an operation moves rows of other Periods."""
        return frozenset(each.to for each in self.operations if isinstance(each, ReperiodRows))

    def structure(self) -> dict[str, Any]:
        """Return what decides the rows of the output beside those of its dataset, as plain JSON values."""
        return {
            "operations": [
                {"type": each.kind, "where": each.where, **each.settings()} for each in self.operations
            ],
            "joins": str(self.step.joins),
            "include_deleted": self.step.include_deleted,
        }


class Project(Model):
    """One file of `projects/`. `datasets` are stems or ids; `lock` writes the `id` if it is missing."""

    id: UUID | None = None
    name: Text
    description: str = ""
    owner: Text
    datasets: Annotated[tuple[Text, ...], Field(min_length=1)]
    operations: tuple[AnyStep, ...] = ()

    def reference(self, step: Step) -> str | None:
        """Return how the file names the dataset of a step; None if the step has to name one of several."""
        return step.dataset or (self.datasets[0] if len(self.datasets) == 1 else None)

    def outputs(self) -> Iterator[tuple[OutputStep, str]]:
        """Yield the outputs, each with the name of its dataset in the file."""
        for step in self.operations:
            reference = self.reference(step)
            if isinstance(step, OutputStep) and reference:
                yield step, reference


def view_name(stem: str) -> str:
    """Return the name of the view that joins the lookups of an output when it is read."""
    return f"{stem}_joined"


def output_stem(project: str, name: str) -> str:
    """Return the name of an output's table."""
    return f"{project}{OUTPUT_SEPARATOR}{name}"
