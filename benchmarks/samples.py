"""`materialize --sample` and `--empty` beside whole publications: the demo, and three million made-up rows.

Job J ranks products by the rows of all users, so its sample is cut after that. The made-up dataset filters
users only, so its sample is cut as the rows are read. All runs publish or write to an empty warehouse.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import duckdb

from benchmarks.measure import Report, Series, rounds
from benchmarks.workspace import JOB_J, Workspace, workspace
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.discovery.samples import MaterializedSample, materialize_sample
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.selection.sample import EMPTY, Sample

MADE_UP, ROWS, USERS = "made_up", 3_000_000, 60_000
SALES = f"""
SELECT i AS line, CAST(hash(i, 1) % {USERS} AS BIGINT) AS buyer, CAST(hash(i, 2) % 5000 AS BIGINT) AS item,
  CAST(hash(i, 3) % 10000 / 100 AS DECIMAL(38, 9)) AS price, 'shop ' || hash(i, 4) % 300 AS shop,
  TIMESTAMPTZ '2025-01-01' + INTERVAL 1 SECOND * CAST(hash(i, 5) % 31536000 AS INTEGER) AS sold_at
FROM range({ROWS}) AS t(i)
"""
DATASET = """
dataset:
  name: Made up
  owner: user-marcos
  natural_key_columns: [line]
  main_table:
    name: made_up
    columns:
      - {name: line, type: integer, nullable: false}
      - {name: buyer, type: integer, nullable: false}
      - {name: item, type: integer, nullable: false}
      - {name: price, type: decimal}
      - {name: shop, type: string}
      - {name: sold_at, type: timestamp, nullable: false}
  column_mapping: {user_id: buyer, product_id: item, timestamp: sold_at, revenue: price}
  extra_columns: [shop]
  filters:
    date_range: {type: fixed, start_date: 2025-01-01, end_date: 2025-12-31}
    customer_filter: {type: min_transactions, value: 30}
  split_config: {strategy: time_based, eval_days: 14}
"""
Works = dict[str, Callable[[], object]]
SHARES = (Sample.parse("1%"), Sample.parse("10%"), EMPTY)
NAMES = {JOB_J: "job J", MADE_UP: f"{ROWS:,} made-up rows"}


def main(repeats: int) -> Report:
    """All works take turns in this process."""
    with workspace() as space:
        _make_up(space)
        works: Works = {f"{name}, whole": partial(_whole, space, stem) for stem, name in NAMES.items()}
        for stem, name in NAMES.items():
            for share in SHARES:
                label = f"{name}, {'--empty' if share.is_empty else f'--sample {share}'}"
                works[label] = partial(_sample, space, stem, share)
        series = rounds(works, repeats)
        twice = [_sample(space, MADE_UP, SHARES[0]) for _ in range(2)]
        assert twice[0].digest == twice[1].digest
        rows = {name: _rows(space, stem) for stem, name in NAMES.items()}
    bases = {name: series[f"{name}, whole"] for name in NAMES.values()}
    table = {label: found.against(_base(label, bases)) for label, found in series.items()}
    return {"table": table, **{f"rows of 1 %, {name}": text for name, text in rows.items()}}


def _base(label: str, bases: dict[str, Series]) -> Series:
    return next(base for name, base in bases.items() if label.startswith(name))


def _make_up(space: Workspace) -> None:
    (space.root / "definitions" / "datasets" / f"{MADE_UP}.yaml").write_text(DATASET, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({SALES}) TO '{space.data / MADE_UP}.parquet' (FORMAT parquet)")


def _whole(space: Workspace, stem: str) -> Materialization:
    if stem == JOB_J:
        return space.job_j(space.target())
    now = datetime.now(UTC)
    catalog = load_catalog(space.root / "definitions")
    request = Request(catalog.entry(stem), f"run-{now.timestamp()}", now)
    return materialize(catalog, space.target(), request, lambda _: None)


def _sample(space: Workspace, stem: str, share: Sample) -> MaterializedSample:
    period = space.period if stem == JOB_J else None
    at = AsOfChoice(period.end if period else datetime(2026, 1, 1, tzinfo=UTC), period)
    return materialize_sample(space.catalog, space.target(), space.catalog.entry(stem), at, share)


def _rows(space: Workspace, stem: str) -> str:
    part = _sample(space, stem, SHARES[0]).row_count
    return f"{part:,} of {_whole(space, stem).counts.rows:,}"
