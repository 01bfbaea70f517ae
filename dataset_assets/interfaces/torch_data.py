"""Read published rows into PyTorch with `torch_dataset`. PyTorch is imported when it is called.

from torch.utils.data import DataLoader
from dataset_assets.interfaces.torch_data import torch_dataset

train = torch_dataset("grocery_recommender", partition="2017-12", split="train", batch_size=4096, seed=7)
for batch in DataLoader(train, batch_size=None, num_workers=4):
    ...
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.batch_position import check_batches, is_whole
from dataset_assets.interfaces.batches import BATCH_SIZE, EpochReader, pinned_reading, record_reading
from dataset_assets.interfaces.optional_packages import optional_module
from dataset_assets.interfaces.row_selection import ReadOptions
from dataset_assets.interfaces.tensors import check_fill

if TYPE_CHECKING:
    from dataset_assets.interfaces.torch_batches import TorchBatches


def torch_dataset(
    name: str,
    *,
    batch_size: int = BATCH_SIZE,
    seed: int | None = None,
    drop_last: bool = False,
    fill: Mapping[str, Any] | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    training_run: str | None = None,
    target: str | None = None,
    definitions: Path | None = None,
    **options: Unpack[ReadOptions],
) -> "TorchBatches":
    """Return the published rows as a PyTorch IterableDataset whose items are whole batches.

    A batch is a dict by column: tensors of numbers, booleans and times (see `tensors`), lists of texts. Give
    it to a DataLoader with `batch_size=None`. All parameters but these are those of `batches`: `fill` has the
    value that replaces NULL by column; `rank` and `world_size` are by default those of torch.distributed.
    Each worker of each rank reads a shard of its own in a session of its own. `set_epoch` chooses the epoch,
    and `state_dict` says where it is. The use of a `training_run` is recorded once, when this is called.

    Raises UnsupportedError if PyTorch is not installed, and DatasetAssetsError as `batches` does.
    """
    check_batches(batch_size, seed)
    _check_rank(rank, world_size)
    optional_module("torch", "PyTorch", "`torch`, the extra `dataset-assets[torch]`,")
    from dataset_assets.interfaces.torch_batches import TorchBatches  # noqa: PLC0415 - imports PyTorch

    reading = pinned_reading(name, training_run, target, definitions, **options)
    check_fill(reading.schema, fill or {})
    record_reading(reading, training_run)
    return TorchBatches(EpochReader(reading, batch_size, seed, drop_last), fill or {}, rank, world_size)


def _check_rank(rank: int | None, world_size: int | None) -> None:
    """Raise DatasetAssetsError unless both are absent or the rank is one of the world."""
    if rank is None and world_size is None:
        return
    is_given = rank is not None and is_whole(rank) and world_size is not None and is_whole(world_size)
    if not is_given or not 0 <= rank < world_size:
        message = f"rank is {rank!r}, and world_size is {world_size!r}"
        raise DatasetAssetsError(Fault(message, hint="give both, with a rank from 0 to world_size - 1"))
