"""Random histories of loads give the table that follows from the snapshots, on each engine.

`DATASET_ASSETS_PROVE=1` tries 2,000 of them on DuckDB and 300 on BigQuery; a few otherwise.
"""

import os
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS
from dataset_assets.rows.bitemporal import KNOWN, VALID
from dataset_assets.sql.build import column
from tests.engines.engine_fixtures import Bench
from tests.rows import bitemporal_oracle as oracle
from tests.rows.bitemporal_oracle import PERIODS, Row
from tests.rows.bitemporal_table import COLUMNS, BitemporalTable

HISTORIES = 10
"""Histories of one test, each with keys of its own; they are loaded by the same statements."""
PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
GROUPS, ON_BIGQUERY = (200, 30) if PROVE else (3, 1)
LOADS = 7

Rows = Mapping[Row, Mapping[str, Any]]


def play(data: BitemporalTable, seed: int, histories: int = HISTORIES) -> int:
    """Load random snapshots and compare the table after each load; return the number of histories."""
    chance = Random(seed)
    base: oracle.Snapshot = {}
    for history in range(histories):
        base = {**base, **oracle.first_snapshot(history, chance)}
    snapshots: dict[str, oracle.Snapshot] = {}
    order = [*chance.sample(PERIODS, chance.randrange(2, len(PERIODS))), *chance.choices(PERIODS, k=LOADS)][
        :LOADS
    ]
    rows: Rows = {}
    for period in order:
        before = snapshots.get(period, base)
        again = period in snapshots and chance.random() < 0.3
        snapshots[period] = base = before if again else oracle.changed(base, list(snapshots.values()), chance)
        loaded = set(data.loaded)
        data.load(period, oracle.source_rows(snapshots[period], chance))
        found = data.rows()
        assert set(found) == oracle.table(snapshots)
        check_shape(found)
        check_metadata(rows, loaded, found, data)
        check_points(data, snapshots)
        rows = found
    return histories


def check_shape(rows: Mapping[Row, Any]) -> None:
    """No interval is empty, no two rectangles of a key overlap, and no two could be one."""
    by_key: dict[oracle.Key, list[Row]] = {}
    for row in rows:
        begin, end = row.segment.valid_from, row.segment.valid_to
        assert begin
        assert not end or begin < end
        assert not row.period_to or row.period_from < row.period_to
        by_key.setdefault(row.segment.key, []).append(row)
    for same_key in by_key.values():
        for place, one in enumerate(same_key):
            for other in same_key[:place]:
                assert not (_overlap(one[1:], other[1:]) and _overlap(one.segment[2:], other.segment[2:]))
                assert not (one.segment == other.segment and _touch(one[1:], other[1:]))
                same_values = one.segment.value == other.segment.value and one[1:] == other[1:]
                assert not (same_values and _touch(one.segment[2:], other.segment[2:]))


def _overlap(one: Any, other: Any) -> bool:
    return (not one[1] or other[0] < one[1]) and (not other[1] or one[0] < other[1])


def _touch(one: Any, other: Any) -> bool:
    return one[1] == other[0] or other[1] == one[0]


def check_metadata(
    before: Mapping[Row, Mapping[str, Any]],
    loaded: set[str],
    rows: Mapping[Row, Mapping[str, Any]],
    data: BitemporalTable,
) -> None:
    """A row keeps its id while Periods are left to it, and `_updated_at` moves exactly when it changed."""
    heirs = _heirs(before, loaded, rows, data.loaded)
    ids = {each["_row_id"] for each in rows.values()}
    assert len(ids) == len(rows)
    for row, values in rows.items():
        assert list(values)[len(COLUMNS) :] == [each.name for each in BITEMPORAL_COLUMNS]
        old = heirs.get(row)
        if old is None:
            parsed = uuid.UUID(values["_row_id"])
            assert parsed.version == 7
            assert parsed.int >> 80 == int(data.instant.timestamp() * 1000)
            assert values["_created_at"] == values["_updated_at"] == data.instant
            assert values["_created_by_run_id"] == f"run {data.instant:%S}"
            continue
        was = before[old]
        periods = {"_period_from": row.period_from, "_period_to": row.period_to}
        moved = {} if old == row else {**periods, "_updated_at": data.instant}
        assert values == {**was, **moved}


def _heirs(
    before: Mapping[Row, Any], loaded: set[str], rows: Mapping[Row, Any], now_loaded: set[str]
) -> dict[Row, Row]:
    """Map each row to the earlier row whose id it keeps: by the loaded Periods that both have."""
    heirs: dict[Row, Row] = {}
    for row in sorted(rows, key=lambda each: each.period_from):
        periods = oracle.loaded_periods(row, now_loaded)
        candidates = [
            each
            for each in before
            if each.segment == row.segment
            and each not in heirs.values()
            and oracle.loaded_periods(each, loaded) & periods
        ]
        if candidates:
            heirs[row] = min(candidates, key=lambda each: each.period_from)
    return heirs


def check_points(data: BitemporalTable, snapshots: Mapping[str, oracle.Snapshot]) -> None:
    """A read as of an instant and a Period gives what the last load up to the Period said of the instant."""
    instants = [*oracle.points()]
    held = data.bench.hold(
        {"known": ColumnType.STRING, "valid": ColumnType.TIMESTAMP},
        [(period, at) for period in PERIODS for _, at in instants],
    )
    matched = exp.and_(KNOWN.contains(column("known")), VALID.contains(column("valid")))
    shown = [column(each) for each in ("h", "k", "v", "n", "known", "valid")]
    query = exp.select(*shown).from_(held).join(data.source(), on=matched)
    found = {(r["known"], r["valid"], r["h"], r["k"]): (r["v"], r["n"]) for r in data.bench.rows(query)}
    expected = {
        (period, at, *key): cells[cell]
        for period in PERIODS
        for key, cells in oracle.known(snapshots, period).items()
        for cell, at in instants
        if cells[cell] != oracle.ABSENT
    }
    assert found == expected


def test_random_histories_give_the_table_of_their_snapshots(bench: Bench) -> None:
    groups = GROUPS if bench.share == 1 else ON_BIGQUERY
    played = sum(play(BitemporalTable(bench, bucketed=bool(seed % 2)), seed) for seed in range(groups))
    assert played == groups * HISTORIES
