"""Write publications as a folder of Parquet files by split, which `datasets.load_dataset` reads.

`data/train-00000-of-00003.parquet` is the first of three files. README.md has the dataset card; its front
matter says which files a split has.
"""

import os
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interchange.dataset_card import dataset_card
from dataset_assets.interfaces.batch_position import Shard
from dataset_assets.interfaces.batches import EpochReader, record_reading
from dataset_assets.interfaces.described_publications import check_columns_left, described_rows
from dataset_assets.interfaces.pinned_rows import PinnedReading
from dataset_assets.text.markdown import code_cell, escaped, table
from dataset_assets.text.wording import listed

if TYPE_CHECKING:
    from dataset_assets.interfaces.batches import Batches

BATCH_ROWS = 100_000
"""Rows of a row group."""
FILE_ROWS = 1_000_000
"""Rows of a file, a multiple of BATCH_ROWS."""
UNSPLIT = "train"
"""The split of all rows of a dataset that is not split: `datasets` has no rows outside of a split."""


@dataclass(frozen=True)
class WrittenFolder:
    """A folder that was written: the number of rows by split, and the columns that were left out."""

    folder: Path
    rows: Mapping[str, int]
    left_out: tuple[str, ...] = ()


def write_folder(
    reading: PinnedReading, folder: Path, *, with_sensitive: bool = False, training_run: str | None = None
) -> WrittenFolder:
    """Write the rows of each split, in their stored order, and a README.md with the dataset card.

    Sensitive columns are left out (docs/decisions/0052). A split without rows has no file, because `datasets`
    loads no such split. The folder is there when everything is written, or not at all; the use of a
    `training_run` is recorded before. Raises DatasetAssetsError if no column is left or there are no rows, if
    some Periods alone are split, or if the folder exists and is not empty, or cannot be written.
    """
    _check_is_free(folder)
    left_out = () if with_sensitive else tuple(sorted(reading.rows.sensitive))
    if left_out:
        kept = [each for each in reading.rows.columns if each not in left_out]
        check_columns_left(kept, left_out)
        reading = reading.of_columns(kept)
    readings = reading.by_split() or {reading.selection.split or UNSPLIT: reading}
    record_reading(reading, training_run)
    with _whole_folder(folder) as partial:
        (partial / "data").mkdir()
        rows = {split: _write_split(each, partial / "data", split) for split, each in readings.items()}
        if not any(rows.values()):
            raise DatasetAssetsError(
                Fault(f"{reading.rows.dataset} has no such rows", hint="change the `where`")
            )
        (partial / "README.md").write_text(_readme(reading, rows, left_out), encoding="utf-8")
    return WrittenFolder(folder, rows, left_out)


def _check_is_free(folder: Path) -> None:
    """Raise DatasetAssetsError if the folder exists and is not empty."""
    try:
        is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise _not_written(folder, error) from None
    if not is_free:
        message = f"{folder} is not an empty folder"
        raise DatasetAssetsError(Fault(message, hint="name a new folder, or remove it"))


def front_matter(splits: Mapping[str, int]) -> str:
    """Return the YAML with the files of each split, which `datasets` cannot derive from their names.

    It takes `eval-…` for the split `test`.
    """
    files = [{"split": split, "path": _files(split)} for split, rows in splits.items() if rows]
    card = {"configs": [{"config_name": "default", "data_files": files}]}
    return yaml.safe_dump(card, sort_keys=False)


def _readme(reading: PinnedReading, rows: Mapping[str, int], left_out: Sequence[str]) -> str:
    """Return the front matter, the card of the last publication, and what the files have of it."""
    last, version = reading.rows.periods[-1], reading.rows.table_version
    with described_rows(reading.workspace, reading.selection.name, last, version) as (_, facts):
        card = dataset_card(facts)
    files = table(
        ("split", "rows", "files"),
        ((split, f"{count:,}", escaped(_files(split))) for split, count in rows.items() if count),
    )
    about = table(("what", "value"), _about(reading, left_out))
    return f"---\n{front_matter(rows)}---\n\n{card}\n## Files\n\n{files}\n\n{about}\n"


def _about(reading: PinnedReading, left_out: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what the files have of the dataset: its Periods, columns and rows."""
    periods = [each for each in reading.rows.periods if each is not None]
    if len(periods) > 1:
        yield "Periods", f"{escaped(listed(periods, 60))}. The card above is that of {escaped(periods[-1])}"
    yield "columns", ", ".join(map(code_cell, reading.rows.columns))
    if left_out:
        yield "left out, as sensitive", ", ".join(map(code_cell, left_out))
    if reading.selection.where is not None:  # its text can have values of sensitive columns
        yield "rows", "those that a condition selects"


def _files(split: str) -> str:
    return f"data/{split}-*.parquet"


def _write_split(reading: PinnedReading, folder: Path, split: str) -> int:
    with EpochReader(reading, BATCH_ROWS).open(0, Shard()) as batches:
        files = -(-batches.rows // FILE_ROWS)
        for place in range(files):
            _write_file(folder / f"{split}-{place:05}-of-{files:05}.parquet", batches)
        return batches.position


def _write_file(path: Path, batches: "Batches") -> None:
    """Write the next rows of the batches to a file."""
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    with parquet.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        for batch in islice(batches, FILE_ROWS // BATCH_ROWS):
            writer.write_batch(batch)


@contextmanager
def _whole_folder(folder: Path) -> Generator[Path]:
    """Yield a temporary folder beside `folder`, and replace `folder` by it once everything is written."""
    partial = folder.absolute().with_name(f".{folder.absolute().name[:200]}.{os.getpid()}")
    try:
        try:
            partial.mkdir(parents=True)
            yield partial
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise _not_written(folder, error) from None


def _not_written(folder: Path, error: OSError) -> DatasetAssetsError:
    message = f"{folder} cannot be written: {error.strerror or error}"
    return DatasetAssetsError(Fault(message, hint="name another folder"))
