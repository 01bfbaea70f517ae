"""Read published rows into Hugging Face's `datasets` with `hf_dataset`, which imports the package.

from dataset_assets.interfaces.huggingface import hf_dataset

recommender = hf_dataset("grocery_recommender", partition="2017-12")   # a DatasetDict by split
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.batch_position import Shard, check_batches, check_order
from dataset_assets.interfaces.batches import Batches, EpochReader, pinned_reading, record_reading
from dataset_assets.interfaces.optional_packages import optional_module
from dataset_assets.interfaces.pinned_rows import PinnedReading
from dataset_assets.interfaces.row_selection import ReadOptions
from dataset_assets.interfaces.whole_files import whole_file
from dataset_assets.system_errors import system_reason
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import shown

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000
"""Rows that are handed over at a time."""


def hf_dataset(
    name: str,
    *,
    folder: Path | str | None = None,
    streaming: bool = False,
    shards: int = 1,
    seed: int | None = None,
    epoch: int = 0,
    training_run: str | None = None,
    target: str | None = None,
    definitions: Path | None = None,
    **options: Unpack[ReadOptions],
) -> Any:
    """Return the published rows as a `datasets.Dataset`, or as a `DatasetDict` by split.

    It is a DatasetDict if the dataset has splits and no `split` is named. The rows are Arrow all the way: in
    memory, or with a `folder` in one file for each split there, which is mapped into memory. With `streaming`
    it is an `IterableDataset` of `shards` shards, which opens sessions as it is read; a DataLoader gives each
    worker some of them. `seed` and `epoch` shuffle the rows as `batches` does; the other parameters are those
    of `batches`. A folder is the caller's: no erasure and no retention reaches it.

    Raises UnsupportedError if `datasets` is not installed, and DatasetAssetsError as `batches` does.
    """
    check_batches(_BATCH, seed)
    check_order(epoch, (0, shards))
    if streaming and folder is not None:
        message = f"with streaming nothing is written to {shown(str(folder))}"
        raise DatasetAssetsError(Fault(message, hint="leave out one of both"))
    datasets = optional_module("datasets", "datasets", "`datasets`, the extra `dataset-assets[huggingface]`,")
    reading = pinned_reading(name, training_run, target, definitions, **options)
    by_split = reading.by_split()
    record_reading(reading, training_run)
    maker = _Maker(datasets, seed, epoch, shards, Path(folder) if folder is not None else None)
    make = maker.streamed if streaming else maker.loaded
    if not by_split:
        return make(reading)
    made = {split: make(each) for split, each in by_split.items()}
    return datasets.IterableDatasetDict(made) if streaming else datasets.DatasetDict(made)


class _Maker:
    """Creates the objects of the package `datasets`."""

    def __init__(self, datasets: Any, seed: int | None, epoch: int, shards: int, folder: Path | None) -> None:
        self._datasets = datasets
        self._seed = seed
        self._epoch = epoch
        self._shards = shards
        self._folder = folder

    def loaded(self, reading: PinnedReading) -> Any:
        """Return a Dataset of one split."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        facts = self._facts(reading)
        with EpochReader(reading, _BATCH, self._seed).open(self._epoch, Shard()) as batches:
            if self._folder is None:
                table = pa.Table.from_batches(batches, reading.schema)
                return self._datasets.Dataset(table, fingerprint=self._fingerprint(reading), **facts)
            path = self._folder / f"{reading.selection.split or reading.rows.dataset}.arrow"
            _write(batches, path)
        return self._datasets.Dataset.from_file(str(path), **facts)

    def streamed(self, reading: PinnedReading) -> Any:
        """Return an IterableDataset of one split."""
        arrow = optional_module("datasets.iterable_dataset", "datasets", "`datasets` of version 4 or 5")
        reader = EpochReader(reading, _BATCH, self._seed)
        indexes = list(range(self._shards))
        kwargs = {"indexes": indexes, "reader": reader, "count": self._shards, "epoch": self._epoch}
        rows = arrow.ArrowExamplesIterable(_tables, kwargs)
        return self._datasets.IterableDataset(rows, **self._facts(reading))

    def _facts(self, reading: PinnedReading) -> Mapping[str, Any]:
        rows, split = reading.rows, reading.selection.split
        features = self._datasets.Features.from_arrow_schema(reading.schema)
        versions = ", ".join(f"{period} {version}" for period, version in rows.versions.items())
        text = f"{rows.dataset}, version {rows.table_version} of its table: {versions}"
        info = self._datasets.DatasetInfo(description=text, features=features, dataset_name=rows.dataset)
        return {"info": info, "split": self._datasets.NamedSplit(split) if split else None}

    def _fingerprint(self, reading: PinnedReading) -> str:
        """Return the name of the rows in the cache of `datasets`, the same for equal rows in equal order."""
        chosen = (reading.selection, sorted(reading.rows.versions.items()), self._seed, self._epoch)
        return digest(map(repr, chosen))[:16]


def _write(batches: Batches, path: Path) -> None:
    """Write batches to a file, which replaces an earlier one whole: other datasets can have that one mapped.

    Raises DatasetAssetsError if it cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            whole_file(path) as partial,
            pa.OSFile(str(partial), "wb") as sink,
            pa.ipc.new_stream(sink, batches.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
    except OSError as error:
        message = f"{path} cannot be written: {system_reason(error)}"
        raise DatasetAssetsError(Fault(message, hint="name another folder")) from None


def _tables(
    indexes: list[int], reader: EpochReader, count: int, epoch: int
) -> "Iterator[tuple[tuple[int, int], pa.Table]]":
    """Yield the rows of some shards with the keys that `datasets` wants."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    for index in indexes:
        with reader.open(epoch, Shard(index, count)) as batches:
            for place, batch in enumerate(batches):
                yield (index, place), pa.Table.from_batches([batch])
