"""The order of an epoch: each position is read once, from any start, and the shuffle is as documented."""

from hashlib import md5
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.interfaces.batch_position import Shard
from dataset_assets.rows.epoch_order import KEY, EpochOrder
from dataset_assets.sql.dialect import BIGQUERY, DUCKDB

COLUMNS = {"value": ColumnType.INTEGER, "_row_id": ColumnType.STRING}


def oracle(publications, seed, epoch):
    """Return the values in order, computed in plain Python."""
    if seed is None:
        return [value for rows in publications for value, _ in sorted(rows, key=lambda row: row[1])]
    every = [row for rows in publications for row in rows]
    every.sort(key=lambda row: md5(f"{seed}:{epoch}:{row[1]}".encode()).hexdigest())
    return [value for value, _ in every]


def read(bench, order, sizes, start, stop):
    """Return the values of a range of positions, as `Batches` reads them."""
    found = []
    for parts in order.ranges(sizes, start, stop):
        rows = [row for query in order.rows(parts) for row in bench.rows(query)]
        if order.seed is not None:
            rows.sort(key=lambda row: row[KEY])
        found += [row["value"] for row in rows][parts.skip : parts.skip + parts.take]
    return found


def publications_of(random, sizes):
    """Return rows with made-up ids, in no order, for each publication."""
    return [
        [(random.randrange(10**9), f"{random.getrandbits(128):032x}") for _ in range(size)] for size in sizes
    ]


@pytest.mark.parametrize("seed", [None, 0, -7])
def test_ranges_of_an_order_on_each_engine(bench, seed):
    random = Random(f"{seed}")
    for _ in range(bench.examples(12)):
        publications = publications_of(random, [random.choice([0, 1, 3, 40]) for _ in range(3)])
        epoch = random.randrange(3)
        queries = tuple(exp.select("*").from_(bench.hold(COLUMNS, rows)) for rows in publications)
        order = EpochOrder(queries, ("value",), (), seed, epoch)
        sizes = order.sizes(row for query in order.counts() for row in bench.rows(query))
        expected = oracle(publications, seed, epoch)
        assert sum(sizes) == len(expected)
        assert read(bench, order, sizes, 0, len(expected)) == expected
        start = random.randint(0, len(expected))
        stop = random.randint(start, len(expected))
        assert read(bench, order, sizes, start, stop) == expected[start:stop]
        assert bench.rows(order.no_rows()) == []


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.data(), st.sampled_from([None, 1]))
@settings(max_examples=300)
def test_ranges_name_each_position_once(sizes, data, seed):
    order = EpochOrder((exp.select("1"),), ("a",), (), seed)
    total = sum(sizes)
    start = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(start, total))
    positions = []
    for parts in order.ranges(sizes, start, stop):
        first = sum(sizes[: parts.first]) + parts.skip
        assert parts.skip < sizes[parts.first]
        assert first + parts.take <= sum(sizes[: parts.last + 1])
        positions += range(first, first + parts.take)
    assert positions == list(range(start, stop))


@given(st.integers(0, 10**12), st.integers(1, 64))
def test_shards_are_disjoint_complete_and_of_one_size(rows, count):
    ranges = [Shard(index, count).positions(rows) for index in range(count)]
    assert ranges[0].start == 0
    assert ranges[-1].stop == rows
    assert all(one.stop == other.start for one, other in pairwise(ranges))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


def test_many_publications_are_one_query():
    """A day a publication for three years: the query is built and rendered in a moment."""

    queries = tuple(exp.select("a", "_row_id").from_(f"t{place}") for place in range(1100))
    for seed in (None, 1):
        order = EpochOrder(queries, ("a",), (), seed)
        for dialect in (DUCKDB, BIGQUERY):
            (counts,) = order.counts()
            assert dialect.render(counts).count("UNION ALL") == 1099
    shuffled = EpochOrder(queries, ("a",), (), 1)
    for parts in shuffled.ranges([1] * 4096, 5, 9):
        (rows,) = shuffled.rows(parts)
        assert DUCKDB.render(rows).count("UNION ALL") == 1099
