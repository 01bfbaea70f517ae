"""The request for an erasure, and the certificate of what it did. Neither value nor condition is in it."""

from dataclasses import dataclass
from datetime import datetime

from dataset_assets.model import Instant, Model


@dataclass(frozen=True)
class EraseRequest:
    """Which rows to forget: `where` over published columns, in these datasets or in all that have them."""

    where: str
    run_id: str
    now: datetime
    datasets: tuple[str, ...] = ()
    by: str | None = None
    dry_run: bool = False


class ErasedPublication(Model):
    """One publication that had erased rows, and what became of it.

    `outcome` is `replaced` (a new publication without the rows is current), `removed` (an earlier one, whose
    rows are all gone) or `rewritten` (a pinned one, which has its other rows still).
    """

    period: str | None
    version: int
    rows: int
    outcome: str


class ErasedDataset(Model):
    """What an erasure did to one table. `nests` names the erased dataset whose values it had copied.

    For such a dataset `rows` counts rows whose copied values were emptied. `output_of` names the dataset of a
    Project's output.
    """

    dataset: str
    nests: str | None = None
    output_of: str | None = None
    rows: int
    publications: tuple[ErasedPublication, ...] = ()


class Certificate(Model):
    """What an erasure did, or would do with `dry_run`.

    `cleaned` are the places that have nothing of the rows any more, `beyond_reach` those that this library
    cannot clean, each with what has to be done there.
    """

    id: str
    dry_run: bool = False
    begun_at: Instant
    finished_at: Instant | None = None
    by: str | None = None
    columns: tuple[str, ...] = ()
    datasets: tuple[ErasedDataset, ...]
    cleaned: tuple[str, ...] = ()
    beyond_reach: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows that were erased in current publications and in earlier ones."""
        return sum(each.rows for each in self.datasets)
