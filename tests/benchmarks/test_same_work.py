"""The same work by hand is the same work: DuckDB's script, which needs no environment of its own."""

import sys
from copy import deepcopy
from pathlib import Path

import pytest

from benchmarks.same_work import DUCKDB, OURS, assert_same, commands, compare
from benchmarks.workspace import workspace


def test_the_script_by_hand_publishes_what_we_do_and_another_result_is_noticed():
    with workspace() as space:
        programs = commands(space, Path(sys.executable))
        series, published = compare({name: programs[name] for name in (OURS, DUCKDB)}, 0)
        assert [len(rounds) for rounds in series.values()] == [1, 1]
        for path in (("statistics", "columns", "revenue", "histogram", 3, "rows"), ("checks", 0, "passed")):
            other = deepcopy(published[DUCKDB])
            _change(other["record"], path)
            with pytest.raises(AssertionError):
                assert_same(DUCKDB, published[OURS], other)
        other = {**published[DUCKDB], "rows": str(space.data / "products.parquet")}
        with pytest.raises(Exception, match="_row_id"):
            assert_same(DUCKDB, published[OURS], other)


def _change(record, path):
    for name in path[:-1]:
        record = record[name]
    record[path[-1]] += 1
