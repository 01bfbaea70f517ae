"""The PyTorch dataset of published rows. Importing this module imports PyTorch: see `torch_data`."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch  # ty: ignore[import-not-found] - an extra of several gigabytes
from torch.utils.data import IterableDataset, get_worker_info  # ty: ignore[import-not-found]

from dataset_assets.interfaces.batch_position import Shard, check_order, worker_shard
from dataset_assets.interfaces.batches import EpochReader
from dataset_assets.interfaces.tensors import to_arrays


class TorchBatches(IterableDataset):
    """Batches of published rows, of which each worker of each rank reads a shard.

    It can be pickled for workers of any start method; a session is opened where the rows are read.
    """

    def __init__(
        self, reader: EpochReader, fill: Mapping[str, Any], rank: int | None, world_size: int | None
    ) -> None:
        super().__init__()
        self._reader = reader
        self._fill = dict(fill)
        self._world = None if rank is None or world_size is None else (rank, world_size)
        # shared memory: workers that stay from epoch to epoch see a later epoch
        self._epoch = torch.tensor(0, dtype=torch.int64).share_memory_()
        self._state: Mapping[str, Any] | None = None
        self._resume: Mapping[str, Any] | None = None

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration reads."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration. A position in another epoch is forgotten.

        Raises DatasetAssetsError if it is not a number from 0.
        """
        check_order(epoch, (0, 1))
        self._epoch.fill_(epoch)
        if self._resume and self._resume["epoch"] != epoch:
            self._resume = None
        if self._state and self._state["epoch"] != epoch:
            self._state = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the batches of this worker's shard, from the position of a loaded state."""
        resume, self._resume = self._resume, None
        with self._reader.open(self.epoch, self._shard(), resume) as opened:
            self._state = opened.state
            for batch in opened:
                self._state = opened.state
                arrays = to_arrays(batch, self._fill)
                yield {name: _tensor(each) for name, each in arrays.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch and the position after the last batch of this process, as plain data."""
        return {"epoch": self.epoch, "batches": self._state or self._resume}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the next iteration where `state_dict` was called. It raises if the rows changed."""
        self.set_epoch(state["epoch"])
        self._resume = self._state = state["batches"]

    def _shard(self) -> Shard:
        rank, world_size = self._world or _distributed() or (0, 1)
        worker = get_worker_info()
        return worker_shard(rank, world_size, *((worker.id, worker.num_workers) if worker else (0, 1)))

    def __getstate__(self) -> dict[str, Any]:
        """Keep the rank: a worker that is spawned knows nothing of torch.distributed."""
        return {**vars(self), "_world": self._world or _distributed()}


def _distributed() -> tuple[int, int] | None:
    """Return the rank and the size of the world of torch.distributed; None if it is not initialized."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return None
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def _tensor(values: Any) -> Any:
    return torch.from_numpy(values) if isinstance(values, np.ndarray) else values
