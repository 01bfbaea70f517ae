"""`batches` reads each row of an epoch once, in an order that only seed, epoch and row ids decide."""

import json
import pickle
from hashlib import md5
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from dataset_assets.errors import DatasetAssetsError, ResolveError
from dataset_assets.interfaces import shuffled_rows
from dataset_assets.interfaces.batch_position import Shard
from dataset_assets.interfaces.batches import EpochReader, batches, pinned_reading
from dataset_assets.interfaces.epoch_rows import rebatched
from dataset_assets.interfaces.reading import read_arrow
from tests.interfaces.cloud import TRANSACTIONS
from tests.interfaces.running import run_ok
from tests.interfaces.test_uses import answer, republish

ID = ["_row_id"]


def ids(found):
    """Return the row ids of batches in their order."""
    return [each for batch in found for each in batch["_row_id"].to_pylist()]


@pytest.mark.usefixtures("published_sales")
def test_the_stored_order_is_that_of_read_arrow():
    chosen: list[dict] = [{}, {"split": "train"}, {"where": "revenue > 5"}, {"partition": "2017-03"}]
    for options in chosen:
        found = batches("sales", batch_size=100, with_system=True, **options)
        expected = read_arrow("sales", with_system=True, **options)
        assert found.schema == expected.schema
        assert found.rows == expected.num_rows > 0
        assert pa.Table.from_batches(found, expected.schema).equals(expected)


@pytest.mark.usefixtures("published_sales")
@pytest.mark.parametrize("chunk_rows", [250_000, 30])
def test_any_shards_and_stops_read_each_row_of_an_epoch_once(chunk_rows, monkeypatch):
    monkeypatch.setattr(shuffled_rows, "CHUNK_ROWS", chunk_rows)
    every = sorted(read_arrow("sales", columns=ID)["_row_id"].to_pylist())
    reading = pinned_reading("sales", None, None, None, columns=ID)

    @given(
        st.sampled_from([None, 0, 1, 2**70]),
        st.integers(0, 2),
        st.integers(1, 5),
        st.integers(1, 400),
        st.integers(1, 60),
        st.integers(0, 5),
    )
    @settings(max_examples=25)
    def check(seed, epoch, count, size, resumed_size, stop_after):
        whole, sizes = [], []
        for index in range(count):
            first = EpochReader(reading, size, seed).open(epoch, Shard(index, count))
            found = [batch for _, batch in zip(range(stop_after), first, strict=False)]
            assert all(batch.num_rows == size for batch in found[:-1])
            state = json.loads(json.dumps(first.state))
            first.close()
            rest = EpochReader(reading, resumed_size, seed).open(epoch, Shard(index, count), state)
            sizes.append(rest.rows)
            shard = ids([*found, *rest])
            assert len(shard) == rest.rows == rest.position
            whole += shard
        assert sorted(whole) == every
        assert max(sizes) - min(sizes) <= 1
        # the order does not depend on how many shards read it, nor on the size of batches
        assert whole == ids(EpochReader(reading, 1000, seed).open(epoch, Shard()))

    check()


@pytest.mark.usefixtures("published_sales")
def test_each_seed_and_epoch_has_an_order_of_its_own():
    orders = [
        ids(batches("sales", seed=seed, epoch=epoch, columns=ID)) for seed in (None, 1, 2) for epoch in (0, 1)
    ]
    assert orders[0] == orders[1]  # stored
    assert len({tuple(order) for order in orders}) == 5
    assert len({tuple(sorted(order)) for order in orders}) == 1
    # of a shuffle about half of the neighbours ascend
    rising = sum(one < other for one, other in pairwise(orders[2])) / len(orders[2])
    assert 0.4 < rising < 0.6


@pytest.mark.usefixtures("published_sales")
def test_threads_and_files_do_not_change_an_order(published_sales):
    before = ids(batches("sales", seed=5, columns=ID))
    target = published_sales / "local.yaml"
    target.write_text(target.read_text().replace("threads: 2", "threads: 1"))
    assert ids(batches("sales", seed=5, columns=ID)) == before


@pytest.mark.usefixtures("published_sales")
@pytest.mark.parametrize("count", [1, 3, 7])
def test_with_drop_last_all_shards_have_equally_many_whole_batches(count):
    found = [
        batches("sales", batch_size=10, seed=1, shard=(index, count), drop_last=True, columns=ID)
        for index in range(count)
    ]
    read = [list(each) for each in found]
    assert {len(each) for each in read} == {354 // count // 10}
    assert {batch.num_rows for each in read for batch in each} == {10}
    assert {each.rows for each in found} == {354 // count // 10 * 10}
    every = ids([batch for each in read for batch in each])
    assert len(set(every)) == len(every)


@pytest.mark.usefixtures("published_sales")
def test_no_rows_are_no_batches_with_a_schema():
    found = batches("sales", where="revenue > 1000", seed=1)
    assert found.schema == read_arrow("sales").schema
    assert (found.rows, list(found)) == (0, [])


@pytest.mark.usefixtures("published_sales")
def test_a_later_publication_changes_nothing(published_sales):
    expected = ids(batches("sales", seed=1, columns=["_row_id"]))
    values = list(batches("sales", seed=1, columns=["revenue"]))
    reading = pickle.loads(pickle.dumps(pinned_reading("sales", None, None, None, columns=["revenue"])))
    opened = batches("sales", batch_size=50, seed=1, columns=["revenue"])
    first = next(opened)
    republish(published_sales)
    assert pa.Table.from_batches([first, *opened]).equals(pa.Table.from_batches(values))
    again = EpochReader(reading, 1024, 1).open(0, Shard())
    assert pa.Table.from_batches(again).equals(pa.Table.from_batches(values))
    assert not read_arrow("sales", columns=["revenue"]).equals(
        read_arrow("sales", columns=["revenue"], version=1)
    )
    assert ids(batches("sales", seed=1, version=1, columns=ID)) == expected


def test_a_state_of_other_rows_is_refused(published_sales):
    opened = batches("sales", batch_size=100, seed=1, columns=ID)
    first = next(opened)
    state = opened.state
    opened.close()
    with pytest.raises(ResolveError, match="the state is one of other rows; pass the same `split`"):
        batches("sales", seed=1, split="train", resume=state)
    with pytest.raises(ResolveError, match="sales changed since the state was taken: 2017-03"):
        batches("sales", seed=1, partition="2017-02", resume=state)
    with pytest.raises(ResolveError, match="the state is one of 'sales', not of profiles"):
        batches("profiles", seed=1, resume=state)
    with pytest.raises(ResolveError, match="has 354 such rows, and had 353"):
        batches("sales", seed=1, resume={**state, "rows": 353})
    with pytest.raises(DatasetAssetsError) as caught:
        batches("sales", seed=2, epoch=1, shard=(1, 2), resume=state)
    assert [each.hint for each in caught.value.faults] == ["pass seed=1", "pass epoch=0", "pass shard=[0, 1]"]
    with pytest.raises(DatasetAssetsError, match="the state lacks position"):
        batches("sales", seed=1, resume={k: v for k, v in state.items() if k != "position"})
    for name, value in (("publications", "x"), ("publications", None), ("rows", "1"), ("table_version", {})):
        with pytest.raises(DatasetAssetsError, match=f"the state has .* as {name}; pass the `state`"):
            batches("sales", seed=1, resume={**state, name: value})
    nothings: list[Any] = [1, "x", {}]
    for nothing in nothings:
        with pytest.raises(DatasetAssetsError, match="the state lacks dataset, table_version"):
            batches("sales", seed=1, resume=nothing, training_run="run-1")
    assert answer("uses", "sales")["uses"] == [], "what reads nothing is no use"
    for position in (-1, 355, True, "1"):
        with pytest.raises(DatasetAssetsError, match="the state has the position"):
            batches("sales", seed=1, resume={**state, "position": position})
    republish(published_sales)
    with pytest.raises(
        ResolveError, match="changed since the state was taken: 2017-02, 2017-03; read `version=1`"
    ):
        batches("sales", seed=1, resume=state)
    rest = batches("sales", seed=1, resume=state, version=1, columns=ID)
    assert len({*ids([first]), *ids(rest)}) == 354


@pytest.mark.usefixtures("published_sales")
def test_a_change_of_labels_is_another_publication():
    opened = batches("sales", batch_size=100, seed=1, partition="2017-03")
    next(opened)
    opened.close()
    run_ok("rows", "label", "sales", "--where", "revenue > 5", "--set", "kind=big", "--partition", "2017-03")
    with pytest.raises(ResolveError, match="changed since the state was taken: 2017-03"):
        batches("sales", seed=1, partition="2017-03", resume=opened.state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; use a number of rows from 1"),
        ({"batch_size": True}, "batch_size is True"),
        ({"seed": 1.5}, "seed is 1.5; use an integer, or None"),
        ({"epoch": -1}, "epoch is -1"),
        ({"shard": (2, 2)}, r"shard is 2 of 2; use \(index, count\)"),
        ({"shard": (0,)}, "shard is"),
        ({"shard": 3}, "shard is 3"),
        ({"columns": ["revenu"]}, "did you mean 'revenue'?"),
        ({"split": "test"}, "has no split 'test'"),
        ({"where": "nope = 1"}, "nope"),
        ({"partition": "2017-09"}, "not published"),
        ({"limit": 5}, "limit has no meaning here; leave it out"),
        ({"sample": "small"}, "sample has no meaning here"),
    ],
)
@pytest.mark.usefixtures("published_sales")
def test_what_is_refused(options, message):
    with pytest.raises(DatasetAssetsError, match=message):
        batches("sales", **options)


@pytest.mark.usefixtures("published_sales")
def test_a_use_is_recorded_and_pins_before_the_first_batch():
    opened = batches("sales", training_run="run-1", partition="2017-03", seed=1)
    listed = answer("uses", "sales")
    assert [(each["training_run"], each["period"]) for each in listed["uses"]] == [("run-1", "2017-03")]
    assert [each["reasons"] for each in listed["pins"]] == [["training run run-1"]]
    opened.close()
    assert list(opened) == []


def test_batches_of_one_size_keep_rows_and_order():
    @given(st.lists(st.integers(0, 9)), st.integers(1, 12))
    def check(sizes, size):
        numbers = iter(range(sum(sizes)))
        sent = [pa.record_batch({"n": [next(numbers) for _ in range(each)]}) for each in sizes]
        sent = [each.cast(pa.schema([("n", pa.int64())])) for each in sent]
        found = list(rebatched(sent, size))
        assert [n for each in found for n in each["n"].to_pylist()] == list(range(sum(sizes)))
        assert all(each.num_rows == size for each in found[:-1])
        assert all(0 < each.num_rows <= size for each in found)

    check()


def test_rows_without_memory_for_them_are_sorted_on_disk(published_sales):
    """More rows than DuckDB sorts in its memory: four chunks wait in files."""
    target = published_sales / "local.yaml"
    numbers = pa.array(range(1_000_000))
    text = pa.array([f"{n:0100d}" for n in range(1_000_000)])
    parquet.write_table(
        pa.table({"household_id": numbers, "income": text, "town": text}),
        published_sales / "data/retail/households.parquet",
    )
    run_ok("materialize", "profiles")
    target.write_text(target.read_text().replace("memory_limit: 1GB", "memory_limit: 200MB"))
    seen = 0
    total = 0
    for batch in batches("profiles", batch_size=4096, seed=1):
        seen += batch.num_rows
        total += sum(batch["household_id"].to_pylist())
    assert (seen, total) == (1_000_000, sum(range(1_000_000)))


def test_bigquery_reads_the_same_epochs(cloud):
    """Also of an earlier version, whose Periods were replaced at different times: one statement each."""
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    every = read_arrow("sales", columns=["_row_id", "revenue"])
    order = sorted(every["_row_id"].to_pylist(), key=lambda row_id: md5(f"5:1:{row_id}".encode()).hexdigest())
    reading = pinned_reading("sales", None, None, None, columns=["_row_id", "revenue"])
    parts = [EpochReader(reading, 50, 5).open(1, Shard(index, 2)) for index in (0, 1)]
    assert ids([batch for part in parts for batch in part]) == order
    assert pa.Table.from_batches(batches("sales", columns=["_row_id", "revenue"])).equals(every)
    stopped = EpochReader(reading, 50, 5).open(1, Shard())
    first = [next(stopped), next(stopped)]
    cloud.put("transactions", TRANSACTIONS.replace("MOD(n, 10) + 0.25", "MOD(n, 10) + 1.25"))
    for period in ("2017-02", "2017-03"):
        run_ok("materialize", "sales", "--partition", period, "--force")
    with pytest.raises(ResolveError, match="changed since the state was taken: 2017-02, 2017-03"):
        batches("sales", seed=5, epoch=1, resume=stopped.state)
    earlier = EpochReader(reading, 50, 5).open(1, Shard(), stopped.state)
    found = pa.Table.from_batches([*first, *earlier])
    assert found["_row_id"].to_pylist() == order
    before = dict(zip(every["_row_id"].to_pylist(), every["revenue"].to_pylist(), strict=True))
    assert dict(zip(found["_row_id"].to_pylist(), found["revenue"].to_pylist(), strict=True)) == before
