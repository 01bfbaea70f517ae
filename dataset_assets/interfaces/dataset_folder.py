"""Write publications as a folder of Parquet files by split, which `datasets.load_dataset` reads.

`data/train-00000-of-00003.parquet` is the first of three files. The front matter of README.md says which
files a split has.
"""

import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.batch_position import Shard
from dataset_assets.interfaces.batches import EpochReader
from dataset_assets.interfaces.pinned_rows import PinnedReading

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


def write_folder(reading: PinnedReading, folder: Path, *, with_sensitive: bool = False) -> WrittenFolder:
    """Write the rows of each split, in their stored order, and a README.md that names the files.

    Sensitive columns are left out (docs/decisions/0052). A split without rows has no file, because `datasets`
    loads no such split. The folder is there when everything is written, or not at all. Raises
    DatasetAssetsError if there are no rows, or if the folder exists and is not empty, or cannot be written.
    """
    left_out = () if with_sensitive else tuple(sorted(reading.rows.sensitive))
    if left_out:
        reading = reading.of_columns(each for each in reading.rows.columns if each not in left_out)
    readings = {UNSPLIT: reading}
    if reading.selection.split:
        readings = {reading.selection.split: reading}
    elif reading.rows.splits:
        readings = {split: reading.of_split(split) for split in reading.rows.splits}
    with _whole_folder(folder) as partial:
        (partial / "data").mkdir()
        rows = {split: _write_split(each, partial / "data", split) for split, each in readings.items()}
        if not any(rows.values()):
            raise DatasetAssetsError(
                Fault(f"{reading.rows.dataset} has no such rows", hint="change the `where`")
            )
        (partial / "README.md").write_text(_readme(reading.rows.dataset, rows), encoding="utf-8")
    return WrittenFolder(folder, rows, left_out)


def front_matter(splits: Mapping[str, int]) -> str:
    """Return the YAML with the files of each split, which `datasets` cannot derive from their names.

    It takes `eval-…` for the split `test`.
    """
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split, rows in splits.items() if rows]
    card = {"configs": [{"config_name": "default", "data_files": files}]}
    return yaml.safe_dump(card, sort_keys=False)


def _readme(dataset: str, rows: Mapping[str, int]) -> str:
    lines = [f"| {split} | {count:,} |" for split, count in rows.items()]
    table = "\n".join(["| split | rows |", "|---|---|", *lines])
    return f"---\n{front_matter(rows)}---\n\n# {dataset}\n\n{table}\n"


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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is not an empty folder"
        raise DatasetAssetsError(Fault(message, hint="name a new folder, or remove it"))
    partial = folder.absolute().with_name(f".{folder.absolute().name[:200]}.{os.getpid()}")
    try:
        try:
            partial.mkdir(parents=True)
            yield partial
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}"
        raise DatasetAssetsError(Fault(message, hint="name another folder")) from None
