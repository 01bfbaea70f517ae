"""Show and read a published dataset in a notebook, with `dataset`.

from dataset_assets.interfaces.published_dataset import dataset

sales = dataset("grocery_recommender", partition="2017-12")
sales                                   # a notebook shows a table: Periods, rows, splits, digests
train = sales.read_pandas(split="train")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_assets.interfaces.batches import Batches, batches
from dataset_assets.interfaces.huggingface import hf_dataset
from dataset_assets.interfaces.reading import open_rows, read_arrow, read_pandas, read_polars
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.statistics_plots import plot_statistics
from dataset_assets.interfaces.torch_data import torch_dataset
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.warehouse import Publication

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from dataset_assets.interfaces.statistics_figure import StatisticsFigure
    from dataset_assets.interfaces.torch_batches import TorchBatches

_HEADER = ("Period", "rows", "splits", "published at", "digest")
_DIGEST = 12
"""Characters that are shown of a digest."""


@dataclass(frozen=True)
class PublicationLine:
    """A publication as its record describes it. `period` is None for an unpartitioned dataset."""

    period: str | None
    rows: int
    splits: dict[str, int]
    published_at: datetime
    digest: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The facts as text, in the order of the table's columns."""
        splits = ", ".join(f"{name} {rows:,}" for name, rows in self.splits.items())
        at = f"{self.published_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return (self.period or "all", f"{self.rows:,}", splits, at, self.digest[:_DIGEST])


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset at one version of its table, which later publications do not change.

    `name` is that of its table, `title` the name in its file, and `version_number` the version of its newest
    definition. Each method reads as the function of the same name does, which has the same further options.
    """

    name: str
    title: str
    version_number: int
    table_version: int
    publications: tuple[PublicationLine, ...]
    partition: str | None = None
    target: str | None = None
    definitions: Path | None = None

    def read_arrow(self, **options: Any) -> "pa.Table":
        """Return the rows as an Arrow table."""
        return read_arrow(self.name, **self._chosen, **options)

    def read_pandas(self, **options: Any) -> "pd.DataFrame":
        """Return the rows as a DataFrame of pandas."""
        return read_pandas(self.name, **self._chosen, **options)

    def read_polars(self, **options: Any) -> "pl.DataFrame":
        """Return the rows as a DataFrame of Polars."""
        return read_polars(self.name, **self._chosen, **options)

    def batches(self, **options: Any) -> Batches:
        """Return the rows as Arrow batches."""
        return batches(self.name, **self._chosen, **options)

    def torch_dataset(self, **options: Any) -> "TorchBatches":
        """Return the rows as an IterableDataset of PyTorch."""
        return torch_dataset(self.name, **self._chosen, **options)

    def hf_dataset(self, **options: Any) -> Any:
        """Return the rows as a Dataset of Hugging Face, or as a DatasetDict by split."""
        return hf_dataset(self.name, **self._chosen, **options)

    def plot_statistics(self, columns: Sequence[str] | None = None) -> "StatisticsFigure":
        """Return a figure of the statistics of the last publication."""
        return plot_statistics(self.name, columns=columns, **self._chosen)

    @property
    def _chosen(self) -> dict[str, Any]:
        return {
            "partition": self.partition,
            "version": self.table_version,
            "target": self.target,
            "definitions": self.definitions,
        }

    @property
    def _heading(self) -> str:
        versions = f"version {self.version_number}, version {self.table_version} of the table"
        return f"{self.title} [{self.name}]: {versions}"

    def __repr__(self) -> str:
        lines = [_HEADER, *(each.cells for each in self.publications)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join((self._heading, *text))

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        header = "".join(f"<th>{escape(each)}</th>" for each in _HEADER)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in each.cells)}</tr>"
            for each in self.publications
        )
        caption = f"<caption>{escape(self._heading)}</caption>"
        return f"<table>{caption}<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"


def dataset(
    name: str,
    *,
    partition: str | None = None,
    version: int | None = None,
    target: str | None = None,
    definitions: Path | None = None,
) -> PublishedDataset:
    """Return a published dataset at the version of its table that is the newest now, or at `version`.

    The parameters are those of `read_arrow`. No row is read. Raises as `read_arrow` does.
    """
    with open_rows(Workspace.of(target, definitions), RowSelection(name, partition, version)) as rows:
        publications = rows.publications
    record = publications[-1].record
    return PublishedDataset(
        name=publications[0].dataset,
        title=record["definition"]["name"],
        version_number=record["version"],
        table_version=max(each.version for each in publications),
        publications=tuple(map(_line, publications)),
        partition=partition,
        target=target,
        definitions=definitions,
    )


def _line(publication: Publication) -> PublicationLine:
    record = publication.record
    return PublicationLine(
        period=publication.period,
        rows=record["counts"]["rows"],
        splits=dict(record["statistics"]["splits"]),
        published_at=datetime.fromisoformat(record["published_at"]),
        digest=record["digest"],
    )
