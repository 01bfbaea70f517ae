"""A missing Period's file never shrinks a publication, unless the user forces it."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import ResolveError
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.staleness.plan import Plan, plans
from tests.publishing.shop import USERS

DATASET = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1166
  name: Orders
  owner: ada
  natural_key_columns: [id]
  main_table:
    name: orders
    columns: [{{name: id, type: integer}}, {{name: p, type: string}}, {{name: ts, type: timestamp}}]
  {selection}
"""
ROLLING = """column_mapping: {user_id: id, product_id: p, timestamp: ts}
  filters: {date_range: {type: rolling, months: 3}}
"""
BY_PERIOD = ROLLING + "  partitions: {period: month, start: 2024-03}"
ALL_THERE_IS = "status: active"
TARGET = """
target:
  engine: {{type: duckdb, threads: 2}}
  warehouse: {{type: delta, root: ./warehouse}}
  default_resolver: files
  resolvers:
    files:
      type: {kind}
      root: ./data
      tables: {{orders: {{location: "{location}", period: month}}}}
"""
MONTHS = ("2024-01", "2024-02", "2024-03")
NOW = datetime(2024, 4, 1, tzinfo=UTC)


class Orders:
    """Five orders a month, in a file or a folder of files for each month."""

    def __init__(self, root: Path, selection: str, kind: str = "parquet", location: str = "") -> None:
        self.root, self.kind = root, kind
        (root / "definitions" / "datasets").mkdir(parents=True)
        (root / "definitions" / "users.yaml").write_text(USERS)
        self.declare(selection)
        self.location = location or f"{{period}}.{kind}"
        (root / "target.yaml").write_text(TARGET.format(kind=kind, location=self.location))
        for number, month in enumerate(MONTHS):
            self.write(month, number)

    def declare(self, selection: str) -> None:
        path = self.root / "definitions" / "datasets" / "orders.yaml"
        path.write_text(DATASET.format(selection=selection))

    def path(self, month: str) -> Path:
        place = self.root / "data" / self.location.replace("{period}", month)
        return place if place.suffix else place / f"part.{self.kind}"

    def write(self, month: str, number: int, rows: int = 5) -> None:
        self.path(month).parent.mkdir(parents=True, exist_ok=True)
        times = f"TIMESTAMP '{month}-10' + range * INTERVAL 1 HOUR"
        query = f"SELECT {number} * 100 + range AS id, 'p' AS p, {times} AS ts FROM range({rows})"
        duckdb.sql(f"COPY ({query}) TO '{self.path(month)}'")

    def publish(self, **asked: Any) -> Materialization:
        catalog = load_catalog(self.root / "definitions")
        entry, month = catalog.entry("orders"), catalog.calendars.cadence("month")
        period = month.parse("2024-03") if entry.dataset and entry.dataset.partitions else None
        request = Request(entry, str(uuid.uuid4()), NOW, period, **asked)
        return materialize(catalog, load_target(str(self.root / "target.yaml")), request, lambda _: None)

    def plan(self) -> Plan:
        catalog, target = load_catalog(self.root / "definitions"), load_target(str(self.root / "target.yaml"))
        entry, month = catalog.entry("orders"), catalog.calendars.cadence("month")
        period = month.parse("2024-03") if entry.dataset and entry.dataset.partitions else None
        return plans(catalog, target, entry, [period], NOW)[-1]

    def published(self) -> list[int]:
        target = load_target(str(self.root / "target.yaml"))
        with target.engine.connect() as session:
            found = target.warehouse.latest("orders", session)
            assert found
            rows = session.rows(exp.select("*").from_(found.relation.source.copy()))
        return sorted(row["id"] for row in rows)


SHAPES: dict[str, Callable[[Path], Orders]] = {
    "by Period": lambda root: Orders(root, BY_PERIOD),
    "rolling, without Periods": lambda root: Orders(root, ROLLING),
    "all there is": lambda root: Orders(root, ALL_THERE_IS),
    "csv": lambda root: Orders(root, BY_PERIOD, "csv"),
    "folders": lambda root: Orders(root, BY_PERIOD, location="{period}"),
}


@pytest.fixture(params=SHAPES)
def orders(request: pytest.FixtureRequest, tmp_path: Path) -> Orders:
    return SHAPES[request.param](tmp_path)


def remove(orders: Orders, *months: str) -> None:
    for month in months:
        orders.path(month).unlink()
        if orders.location == "{period}":
            orders.path(month).parent.rmdir()


def test_the_publication_is_kept_and_the_plan_says_why(orders):
    orders.publish()
    before = orders.published()
    assert len(before) == 15
    remove(orders, "2024-01")
    plan = orders.plan()
    assert not plan.due
    assert [str(fault) for doubt in plan.uncertain for fault in doubt.obstacles] == [
        (
            "the publication was made of Periods of orders that are gone: 2024-01; "
            "load them again, or publish without them: `dataset-assets materialize --force`"
        )
    ]
    orders.write("2024-03", 2, rows=9)  # what changes besides does not make it due either
    assert not orders.plan().due
    for asked in ({}, {"reread": True}):
        with pytest.raises(ResolveError, match=r"Periods of orders that are gone: 2024-01; load them again"):
            orders.publish(**asked)
    assert orders.published() == before


def test_a_forced_run_publishes_without_them_and_records_it(orders):
    orders.publish()
    remove(orders, "2024-01", "2024-02")
    done = orders.publish(without_gone=True)
    assert orders.published() == list(range(200, 205))
    assert done.record["gone"] == {"files/orders": ["2024-01", "2024-02"]}
    assert done.record["periods"] == {"files/orders": ["2024-03"]}
    assert not orders.plan().due
    assert not orders.plan().uncertain
    assert not orders.publish().counts.has_changes


def test_a_restored_period_resolves_the_fault(orders):
    orders.publish()
    before = orders.published()
    kept = orders.path("2024-01").read_bytes()
    remove(orders, "2024-01")
    assert orders.plan().uncertain
    orders.path("2024-01").parent.mkdir(exist_ok=True)
    orders.path("2024-01").write_bytes(kept)
    assert not orders.plan().uncertain
    assert not orders.publish().counts.has_changes, "it is read once more, and confirmed"
    assert not orders.plan().due
    assert orders.published() == before


def test_a_missing_period_outside_of_the_window_is_no_fault(tmp_path):
    orders = Orders(tmp_path, ROLLING)
    orders.publish()
    remove(orders, "2024-01")
    orders.declare(ROLLING.replace("3", "2"))
    assert orders.publish().counts.rows == 10


def test_a_new_version_does_not_shrink_the_publication(tmp_path):
    orders = Orders(tmp_path, BY_PERIOD)
    orders.publish()
    remove(orders, "2024-01")
    orders.declare(BY_PERIOD.replace("timestamp: ts}", "timestamp: ts, revenue: id}"))
    assert [bool(due.obstacles) for due in orders.plan().due] == [True]
    with pytest.raises(ResolveError, match="that are gone: 2024-01"):
        orders.publish()


def test_a_record_of_an_earlier_release_is_read(tmp_path):
    orders = Orders(tmp_path, BY_PERIOD)
    orders.publish()
    (path,) = tmp_path.glob("warehouse/orders/_records/**/*.json")
    text = path.read_text()
    for name in ("periods", "gone"):
        start = text.index(f'"{name}":')
        text = text[:start] + text[text.index("}", start) + 1 :].lstrip(", ")
    path.write_text(text)
    assert not orders.plan().due
    orders.write("2024-03", 2, rows=9)
    assert orders.publish().record["periods"] == {"files/orders": list(MONTHS)}


def checks(done: Materialization) -> dict[str, tuple[bool, bool, str]]:
    return {each.name: (each.passed, each.blocking, each.message) for each in done.checks}


def test_a_window_that_begins_before_the_first_file_is_reported(orders):
    orders.write("2024-01", 0)
    first = checks(orders.publish())
    if "window_complete" not in first:
        assert orders.plan().entry.dataset.column_mapping is None
        return
    assert first["window_complete"] == (
        True,
        False,
        "the window begins 2024-01-01, the first file of orders is 2024-01",
    )
    remove(orders, "2024-01")
    orders.publish(without_gone=True)
    sentence = "the window begins 2024-01-01, the first file of orders is 2024-02"
    assert checks(orders.publish())["window_complete"] == (False, False, sentence), (
        "also where nothing is read"
    )


LATE = {
    "late": ("TIMESTAMP '2024-02-28 23:00'", 1),
    "early": ("TIMESTAMP '2024-04-01'", 1),
    "of another zone": ("TIMESTAMPTZ '2024-03-01 00:00:00+02:00'", 1),
    "within": ("TIMESTAMP '2024-03-31 23:59:59.999999'", 0),
    "at the start": ("TIMESTAMP '2024-03-01'", 0),
    "nowhere": ("CAST(NULL AS TIMESTAMP)", 0),
}


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("name", LATE)
def test_rows_outside_of_their_files_period_are_counted(tmp_path, kind, name):
    orders = Orders(tmp_path, BY_PERIOD, kind)
    time, outside = LATE[name]
    good = "SELECT 200 + range AS id, 'p' AS p, TIMESTAMP '2024-03-10' AS ts FROM range(5)"
    rows = f"{good} UNION ALL SELECT 300, 'p', {time}"
    if "TZ" in time:
        rows = rows.replace("TIMESTAMP '2024-03-10'", "TIMESTAMPTZ '2024-03-10 00:00:00+00:00'")
        for month in MONTHS[:2]:
            orders.path(month).unlink()
    duckdb.sql(f"SET TimeZone = 'UTC'; COPY ({rows}) TO '{orders.path('2024-03')}'")
    done = orders.publish()
    passed, blocking, message = checks(done)["rows_in_period"]
    assert (passed, blocking) == (not outside, False)
    assert done.record["checks"][-1]["metadata"]["rows"] == outside
    if outside:
        assert message.startswith("rows in the files of orders for 2024-03 with times outside of them: 1; ")
    assert checks(orders.publish())["rows_in_period"] == (passed, blocking, message), "nothing is read for it"
