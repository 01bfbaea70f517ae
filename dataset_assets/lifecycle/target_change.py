"""The models of `plan --against`: what the definitions of a folder change in another target."""

from collections.abc import Sequence
from typing import Literal

from dataset_assets.contract.structural_diff import Kind
from dataset_assets.lifecycle.diff import ChangeInWords
from dataset_assets.model import Model

State = Literal["new", "removed", "changed", "affected", "unchanged", "broken"]
"""`affected`: its own definition is as published, and a dataset that it reads changes."""


class ColumnChange(Model):
    """A published column that is added, removed or has another type; None for a side without it."""

    name: str
    type_before: str | None
    type_after: str | None


class RowsHere(Model):
    """The rows of the own target's publication of a Period, compared with those of the other target."""

    period: str | None
    same: int
    added: int
    removed: int
    changed: int


class DatasetChange(Model):
    """The changes of one dataset.

    `version_after` is the number that its structure has or gets. `settings` are changed fields that are not
    structural. `because_of` are the changed datasets that an affected one reads; `readers` the datasets and
    outputs that read this one. `row_count` is that of the publication of `last_period`. `publications` is how
    many would be published again, `periods` their Periods; the estimates are of all of them,
    `bytes_estimated` by a dry run where reading is billed. `obstacles` say why a run would be refused.
    """

    dataset: str
    state: State
    kind: Kind | None = None
    version_before: int | None = None
    version_after: int | None = None
    renamed_to: str | None = None
    changes: tuple[ChangeInWords, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    settings: tuple[str, ...] = ()
    because_of: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    last_period: str | None = None
    row_count: int | None = None
    publications: int = 0
    periods: tuple[str, ...] = ()
    row_estimate: int | None = None
    size_estimate: int | None = None
    bytes_estimated: int | None = None
    rows_here: RowsHere | None = None
    obstacles: tuple[str, ...] = ()


class PlanAgainst(Model):
    """The changes in the target `against` if it adopts the definitions; `target` is the own target."""

    target: str
    against: str
    datasets: tuple[DatasetChange, ...]

    def of_state(self, state: State) -> Sequence[DatasetChange]:
        """Return the datasets of a state."""
        return [each for each in self.datasets if each.state == state]
