"""Arrow batches become arrays and lists; a NULL that an array cannot hold is refused."""

import math
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_assets.errors import DataError, DatasetAssetsError, ResolveError, UnsupportedError
from dataset_assets.interfaces.batch_position import worker_shard
from dataset_assets.interfaces.tensors import check_fill, to_arrays
from dataset_assets.interfaces.torch_data import torch_dataset

LABELS = pa.list_(pa.struct({"key": pa.string(), "value": pa.string()}))
INSTANT = datetime(2017, 12, 31, 23, 59, 59, 999999, UTC)
COLUMNS = {
    "whole": pa.array([2**53 + 1, None]),
    "exact": pa.array([Decimal("0.1"), None], pa.decimal128(38, 9)),
    "gift": pa.array([True, None]),
    "due": pa.array([date(1969, 12, 31), None]),
    "at": pa.array([INSTANT, None], pa.timestamp("us", "UTC")),
    "town": pa.array(["Ulm", None]),
    "_labels": pa.array([[{"key": "k", "value": "v"}], None], LABELS),
}
BATCH = pa.RecordBatch.from_arrays(list(COLUMNS.values()), list(COLUMNS))


def test_values_and_types():
    found = to_arrays(BATCH.slice(0, 1), {})
    types = {name: str(getattr(each, "dtype", "list")) for name, each in found.items()}
    assert list(types.values()) == ["int64", "float64", "bool", "int64", "int64", "list", "list"]
    assert found["whole"][0] == 2**53 + 1
    assert found["exact"][0] == 0.1
    assert found["due"][0] == -1
    assert found["at"][0] == 1514764799999999
    assert (found["town"], found["_labels"]) == (["Ulm"], [{"k": "v"}])
    assert all(each.flags.writeable for each in found.values() if isinstance(each, np.ndarray))


def test_nulls_are_refused_all_at_once_or_filled():
    with pytest.raises(DataError) as caught:
        to_arrays(BATCH, {})
    assert [each.message.split()[0] for each in caught.value.faults] == ["whole", "gift", "due", "at"]
    assert str(caught.value.faults[0]) == (
        "whole has NULL, which a tensor of type integer cannot hold; pass fill={'whole': ...}, "
        "leave such rows out by `where`, or name other columns"
    )
    fill = {"whole": -1, "gift": False, "due": date(1970, 1, 1), "at": INSTANT, "town": "?"}
    check_fill(BATCH.schema, fill)
    found = to_arrays(BATCH, fill)
    assert [found[name][1] for name in fill] == [-1, False, 0, 1514764799999999, "?"]
    assert math.isnan(found["exact"][1])


def test_a_float_fills_decimals_and_is_not_cut_to_an_integer():
    check_fill(BATCH.schema, {"exact": 0.1, "whole": -1.0})
    found = to_arrays(BATCH.select(["whole", "exact"]), {"exact": 0.1, "whole": -1.0})
    assert (found["exact"][1], found["whole"][1]) == (0.1, -1)
    with pytest.raises(ResolveError, match=r"fill has 1\.5 for whole; use a value of type int64"):
        check_fill(BATCH.schema, {"whole": 1.5})
    with pytest.raises(ResolveError, match="fill has nan for exact"):
        check_fill(BATCH.schema, {"exact": math.nan})


def test_a_fill_that_does_not_fit_is_refused():
    with pytest.raises(ResolveError) as caught:
        check_fill(BATCH.schema, {"nope": 1, "whole": "x", "gift": None})
    texts = [str(each) for each in caught.value.faults]
    assert texts[0].startswith("fill names no column that is read: 'nope'; use whole, exact")
    assert texts[1] == "fill has 'x' for whole; use a value of type int64"
    assert texts[2] == "fill has empty for gift; use a value of type bool"


@given(st.integers(1, 8), st.integers(1, 8))
def test_each_worker_of_each_rank_has_a_shard_of_its_own(world_size, workers):
    shards = {
        worker_shard(rank, world_size, worker, workers)
        for rank in range(world_size)
        for worker in range(workers)
    }
    assert {each.index for each in shards} == set(range(world_size * workers))
    assert {each.count for each in shards} == {world_size * workers}


@pytest.mark.usefixtures("retailer")
def test_without_pytorch_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnsupportedError, match=r"PyTorch cannot be imported.*install `torch`"):
        torch_dataset("sales")


@pytest.mark.usefixtures("retailer")
@pytest.mark.parametrize(("rank", "world_size"), [(2, 2), (0, None), (None, 2), (-1, 2), ("0", 2), (0, True)])
def test_a_rank_that_is_not_one_of_the_world_is_refused(rank, world_size):
    with pytest.raises(DatasetAssetsError, match="give both, with a rank from 0 to world_size - 1"):
        torch_dataset("sales", rank=rank, world_size=world_size)
