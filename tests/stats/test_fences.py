"""Histograms of skewed numbers, long texts and many columns equal those of plain Python."""

from bisect import bisect_right
from decimal import Decimal
from random import Random

import pytest

from dataset_assets.contract.model import ColumnType
from dataset_assets.stats.fences import LEAST_ROWS
from dataset_assets.stats.profile import BATCH
from tests.engines.engine_fixtures import on_duckdb
from tests.stats.profiling import profiled

LADDER = sorted(Decimal(digit).scaleb(power) for power in range(-9, 29) for digit in (1, 2, 5))


def ends(values):
    """Return the range of the bins of these values."""
    told = [value for value in values if value is not None and value != 0]
    low, high = (pick(value for value in values if value is not None) for pick in (min, max))
    if len(told) < LEAST_ROWS:
        return low, high
    groups: dict[tuple[bool, int], list[Decimal]] = {}
    for value in told:
        rung = max(bisect_right(LADDER, abs(value)) - 1, 0)
        groups.setdefault((value < 0, rung), []).append(value)
    ordered = sorted(groups.values(), key=min)
    upto = [sum(map(len, ordered[: place + 1])) for place in range(len(ordered))]
    first = next(min(group) for group, rows in zip(ordered, upto, strict=True) if rows * 4 >= len(told))
    third = next(max(group) for group, rows in zip(ordered, upto, strict=True) if rows * 4 >= len(told) * 3)
    spread = max(third - first, abs(first), abs(third))
    return max(low, first - 3 * spread), min(high, third + 3 * spread)


def money(seed, rows, skew):
    random = Random(seed)
    return [Decimal(round(random.lognormvariate(3, skew) * 100)) / 100 for _ in range(rows)]


SHAPES = {
    "log-normal": money(1, 400, 2.0),
    "of both signs": [value * (-1) ** place for place, value in enumerate(money(2, 400, 1.5))],
    "mostly zero": [Decimal(0)] * 1000 + money(3, 120, 2.5),
    "with NULLs": [None, *money(4, 300, 2.0)] * 2,
    "too few": money(5, LEAST_ROWS - 1, 2.5),
    "just enough": money(5, LEAST_ROWS, 2.5),
    "one outlier": [*map(Decimal, range(1, 200)), Decimal(10) ** 12],
    "close together": [Decimal(10**9 + place) for place in range(200)],
    "all the same": [Decimal(7)] * 150,
    "tiny": [Decimal(place).scaleb(-9) for place in range(1, 300)] + [Decimal(5)],
    "negative": [-value for value in money(6, 200, 2.0)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_bins_lie_between_the_fences_and_hold_every_row(bench, shape):
    values = SHAPES[shape]
    found = profiled(bench, {"value": ColumnType.DECIMAL}, [(value,) for value in values]).columns["value"]
    known = [value for value in values if value is not None]
    first, end = ends(values)
    width = max(((end - first) / 20).quantize(Decimal("1e-9"), "ROUND_HALF_UP"), Decimal("1e-9"))
    bars = found.histogram
    count = min(20, int((max(known) - first) // width) + 1)
    places = [min(max(int((value - first) // width), 0), count - 1) for value in known]
    assert [bar.rows for bar in bars] == [places.count(place) for place in range(count)]
    assert [Decimal(bar.low) for bar in bars] == [min(known), *(first + width * n for n in range(1, count))]
    assert [Decimal(bar.high) for bar in bars] == [*(first + width * n for n in range(1, count)), max(known)]


def test_a_histogram_of_skewed_money_is_not_one_bar(bench):
    rows = [(value,) for value in SHAPES["log-normal"]]
    bars = profiled(bench, {"value": ColumnType.DECIMAL}, rows).columns["value"].histogram
    assert max(bar.rows for bar in bars) < len(rows) * 0.6


@pytest.mark.parametrize("letter", ["x", "ä", "😀"])
def test_long_texts_are_cut_and_counted_whole(bench, letter):
    texts = [letter * 199, letter * 200, letter * 201, letter * 5000, letter * 5000 + "2", letter * 5000]
    found = profiled(bench, {"text": ColumnType.STRING}, [(text,) for text in texts]).columns["text"]
    cut = letter * 200 + "…"
    assert found.cardinality == 5
    assert sorted((top.value, top.rows) for top in found.top_values) == sorted(
        [(cut, 2), (cut, 1), (cut, 1), (letter * 199, 1), (letter * 200, 1)]
    )
    assert {len(value) for value in found.sample_values} <= {199, 200, 201}


@pytest.mark.parametrize("columns", [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_more_columns_than_one_query_profiles(columns, monkeypatch):
    monkeypatch.setattr("dataset_assets.stats.profile.FEW_ROWS", 0)
    names = {f"c{place}": ColumnType.INTEGER for place in range(columns)} | {"split": ColumnType.INTEGER}
    rows = [(*(place * 10 + line for place in range(columns)), line % 2) for line in range(4)]
    with on_duckdb() as bench:
        found = profiled(bench, names, rows, "split")
    assert (found.row_count, found.splits) == (4, {"train": 2, "eval": 2})
    assert list(found.columns) == list(names)
    for place in range(columns):
        told = found.columns[f"c{place}"]
        assert (told.min, told.max, told.cardinality) == (place * 10, place * 10 + 3, 4)
        assert told.splits["eval"].min == place * 10 + 1
