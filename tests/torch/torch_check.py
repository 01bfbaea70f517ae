"""Read published rows with the real PyTorch: workers, ranks, epochs, seeds, and going on after a stop.

`python -m tests.torch.torch_check FOLDER`, where FOLDER holds the packages of the environment into which
tests/torch/requirements.lock is installed. `make prove` does that.
"""

import json
import math
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataset_assets.errors import DataError, ResolveError
from dataset_assets.interfaces.huggingface import hf_dataset
from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.torch_data import torch_dataset
from tests.interfaces.mlflow_check import open_shop
from tests.interfaces.python_docs import publish_grocery_recommender, run_examples
from tests.interfaces.running import run_ok

GAPS = """\
dataset:
  name: Gaps
  owner: user-ann
  main_table:
    name: gaps
    columns:
      - {name: code, type: integer}
      - {name: price, type: decimal}
"""

WORKERS, RANKS = 4, 2
COLUMNS = ["_row_id", "revenue", "timestamp", "split"]


def opened(rank: int | None = None, **options: Any) -> Any:
    """Return the dataset of the sales in batches of ten rows."""
    world = RANKS if rank is not None else None
    return torch_dataset("sales", batch_size=10, columns=COLUMNS, rank=rank, world_size=world, **options)


def publish_gaps(folder: Path) -> None:
    """Publish a dataset whose second row is NULL everywhere."""
    table = pa.table({"code": [1, None], "price": pa.array([Decimal(2), None], pa.decimal128(38, 9))})
    parquet.write_table(table, folder / "data" / "retail" / "gaps.parquet")
    (folder / "definitions" / "datasets" / "gaps.yaml").write_text(GAPS)
    run_ok("materialize", "gaps")


def loader(dataset: Any, workers: int = WORKERS, **options: Any) -> Any:
    """Return PyTorch's own loader."""
    return import_module("torch.utils.data").DataLoader(
        dataset, batch_size=None, num_workers=workers, **options
    )


def stateful(dataset: Any, workers: int = WORKERS) -> Any:
    """Return torchdata's loader, which saves and loads the states of its workers."""
    loading = import_module("torchdata.stateful_dataloader")
    return loading.StatefulDataLoader(dataset, batch_size=None, num_workers=workers)


def ids(batches: Any) -> list[str]:
    """Return the row ids of batches in their order."""
    return [each for batch in batches for each in batch["_row_id"]]


def every_id() -> list[str]:
    return sorted(read_arrow("sales", columns=["_row_id"])["_row_id"].to_pylist())


def check_ranks_and_workers() -> None:
    """Two ranks of four workers read each row once, in another order for each seed and epoch."""
    orders = set()
    for seed, epoch in ((1, 0), (1, 1), (2, 0)):
        found: list[str] = []
        for rank in range(RANKS):
            dataset = opened(rank, seed=seed)
            dataset.set_epoch(epoch)
            found += ids(loader(dataset))
        assert sorted(found) == every_id()
        orders.add(tuple(found))
    assert len(orders) == 3


def check_workers_that_stay() -> None:
    """Workers that stay from epoch to epoch see the epoch that is set outside of them."""
    dataset = opened(seed=1)
    loading = loader(dataset, persistent_workers=True)
    orders = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        orders.append(ids(loading))
        assert sorted(orders[-1]) == every_id()
    assert orders[0] == orders[2] != orders[1]


def check_spawned_workers() -> None:
    """Workers that are spawned read the same as workers that are forked."""
    forked = ids(loader(opened(seed=1), 2, multiprocessing_context="fork"))
    assert ids(loader(opened(seed=1), 2, multiprocessing_context="spawn")) == forked


def check_going_on(load: Callable[..., Any], workers: int) -> None:
    """Stop each rank in the middle of an epoch, and go on from its state in a new dataset and loader."""
    found: list[str] = []
    for rank in range(RANKS):
        dataset = opened(rank, seed=1)
        dataset.set_epoch(3)
        loading = load(dataset, workers)
        taken = [batch for _, batch in zip(range(7), loading, strict=False)]
        state = json.loads(json.dumps(loading.state_dict()))
        uninterrupted = opened(rank, seed=1)
        uninterrupted.set_epoch(3)
        again = opened(rank, seed=1)
        again.set_epoch(3)
        resumed = load(again, workers)
        resumed.load_state_dict(state)
        rank_ids = ids([*taken, *resumed])
        assert rank_ids == ids(loader(uninterrupted, workers))
        found += rank_ids
        assert len(ids(resumed)) == len(rank_ids)  # the next epoch is whole again
    assert sorted(found) == every_id()


class Alone:
    """A dataset that is read without workers and without a loader."""

    def __init__(self, dataset: Any, _: int) -> None:
        self.state_dict = dataset.state_dict
        self.load_state_dict = dataset.load_state_dict
        self._dataset = dataset

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dataset)


def check_values() -> None:
    """Tensors have the values of the table; a NULL that none can hold is refused with a sentence."""
    torch = import_module("torch")
    table = read_arrow("sales", columns=COLUMNS)
    batches = list(opened())
    assert torch.cat([each["revenue"] for each in batches]).tolist() == [
        *map(float, table["revenue"].to_pylist())
    ]
    assert torch.cat([each["split"] for each in batches]).tolist() == table["split"].to_pylist()
    microseconds = table["timestamp"].cast("int64").to_pylist()
    assert torch.cat([each["timestamp"] for each in batches]).tolist() == microseconds
    assert {each["split"].dtype for each in batches} == {torch.int64}
    towns = torch_dataset("profiles", columns=["household_id", "income"])
    incomes = {
        row: income
        for each in towns
        for row, income in zip(each["household_id"].tolist(), each["income"], strict=True)
    }
    assert incomes == {1: "12-secret", 2: "34-secret", 3: None}
    with pytest.raises(DataError, match="code has NULL, which a tensor of type integer cannot hold"):
        list(torch_dataset("gaps"))
    (filled,) = torch_dataset("gaps", fill={"code": -1})
    prices = dict(zip(filled["code"].tolist(), filled["price"].tolist(), strict=True))
    assert prices[1] == 2
    assert math.isnan(prices[-1])


def check_changed_rows() -> None:
    """A state of rows that changed since is refused where the rows are read, and a version goes on."""
    dataset = opened(seed=1)
    first = [batch for _, batch in zip(range(3), dataset, strict=False)]
    state = dataset.state_dict()
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03", "--force")
    run_ok("rows", "label", "sales", "--where", "revenue > 5", "--set", "kind=big", "--partition", "2017-03")
    changed = opened(seed=1)
    changed.load_state_dict(state)
    with pytest.raises(ResolveError, match="sales changed since the state was taken"):
        list(changed)
    before = opened(seed=1, version=state["batches"]["table_version"])
    before.load_state_dict(state)
    assert len({*ids(first), *ids(before)}) == 354


def _rank(rank: int, port: int, folder: str) -> None:
    """Read the rows of one rank of torch.distributed, and write their ids to a file."""
    distributed = import_module("torch.distributed")
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    distributed.init_process_group("gloo", rank=rank, world_size=RANKS)
    Path(folder, f"{rank}.json").write_text(json.dumps(ids(loader(opened(seed=1), 2))))
    distributed.destroy_process_group()


def check_distributed() -> None:
    """Processes of torch.distributed find their rank by themselves, their workers too."""
    with TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        import_module("torch.multiprocessing").spawn(_rank, (port, folder), nprocs=RANKS)
        parts = [json.loads(Path(folder, f"{rank}.json").read_text()) for rank in range(RANKS)]
    assert abs(len(parts[0]) - len(parts[1])) <= 2
    assert sorted(parts[0] + parts[1]) == every_id()


def check_hugging_face_stream() -> None:
    """The workers of a DataLoader share the shards of a stream of `datasets`."""
    streams = hf_dataset("sales", streaming=True, shards=WORKERS, seed=1, columns=["_row_id"])
    found = [row["_row_id"] for stream in streams.values() for row in loader(stream)]
    assert sorted(found) == every_id()


def check_example() -> None:
    """The example of the documentation runs."""
    (variables,) = run_examples(torch=True)
    assert import_module("torch").is_tensor(variables["batch"]["revenue"])


CHECKS: dict[str, Callable[[], None]] = {
    "each row once, by 2 ranks of 4 workers": check_ranks_and_workers,
    "workers that stay": check_workers_that_stay,
    "spawned workers": check_spawned_workers,
    "going on alone": lambda: check_going_on(Alone, 0),
    "going on with torchdata, no worker": lambda: check_going_on(stateful, 0),
    "going on with torchdata, 4 workers": lambda: check_going_on(stateful, WORKERS),
    "values": check_values,
    "torch.distributed": check_distributed,
    "a stream of Hugging Face with 4 workers": check_hugging_face_stream,
    "the example of docs/python.md": check_example,
    "changed rows": check_changed_rows,
}


def main(packages: str) -> None:
    """Run all checks with the PyTorch of a folder of packages."""
    sys.path.append(packages)
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch = import_module("torch")
    warnings.filterwarnings("ignore", "This DataLoader will create")
    warnings.filterwarnings("ignore", "'set_vital' is deprecated")
    with TemporaryDirectory() as folder:
        open_shop(Path(folder))
        publish_gaps(Path(folder))
        publish_grocery_recommender(Path(folder) / "definitions")
        for name, check in CHECKS.items():
            check()
            sys.stdout.write(f"PyTorch {torch.__version__}: {name}: as expected\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
