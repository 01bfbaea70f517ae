"""A plan lists exactly the publications that runs would make."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pytest

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.publishing.materialize import materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.staleness.plan import Plan, plans
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from tests.assets.retailer import NOW, Retailer, open_retailer

if TYPE_CHECKING:
    from dataset_assets.ports.target import Target

MONTHS = ("2024-03", "2024-04", "2024-05")


class Planned:
    """A small retailer with orders stored by month; the dataset `monthly` selects two months."""

    def __init__(self, retailer: Retailer) -> None:
        self.retailer = retailer
        self.target: Target = load_target(retailer.settings.target, Calendars())

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.retailer.settings.definitions)

    def periods(self, stem: str) -> list[Period | None]:
        by_month = stem != "brands"
        entry = self.catalog.entry(stem)
        return chosen_periods(self.catalog, entry, NOW, (), MONTHS[0] if by_month else None)

    def plans(self, stem: str, *, every: bool = False) -> list[Plan]:
        catalog = self.catalog
        return plans(catalog, self.target, catalog.entry(stem), self.periods(stem), NOW, every=every)

    def due(self, stem: str) -> dict[str, tuple[Reason, ...]]:
        return {str(due.period): due.reasons for due in self.plans(stem)[-1].due}

    def run(self, stem: str, period: Period | None) -> bool:
        """Whether it had to read rows."""
        catalog, told = self.catalog, list[str]()
        request = Request(catalog.entry(stem), "run", datetime.now(UTC), period)
        materialize(catalog, self.target, request, told.append)
        return any(sentence.startswith(("comparing", "running")) for sentence in told)

    def make(self, *stems: str) -> None:
        for stem in stems:
            for period in self.periods(stem):
                self.run(stem, period)


@pytest.fixture
def planned(tmp_path) -> Planned:
    return Planned(open_retailer(tmp_path))


def rewritten(planned: Planned, table: str) -> None:
    """Write the same rows to a new file."""
    path = planned.retailer.root / "data" / table
    duckdb.execute(f"COPY (FROM '{path}') TO '{path}.new' (FORMAT parquet, COMPRESSION gzip)")
    path.with_name(f"{path.name}.new").replace(path)


def rebranded(planned: Planned) -> None:
    path = planned.retailer.root / "data" / "products.parquet"
    duckdb.execute(f"COPY (SELECT product_id, 'x' AS brand FROM '{path}') TO '{path}.new' (FORMAT parquet)")
    path.with_name(f"{path.name}.new").replace(path)


def longer(planned: Planned) -> None:
    path = planned.retailer.settings.definitions / "datasets" / "monthly.yaml"
    path.write_text(path.read_text().replace("months: 2", "months: 1"))


SOURCE = Reason(StalenessReason.SOURCE, "shop/orders"), Reason(StalenessReason.SOURCE, "shop/products")
NESTED = Reason(StalenessReason.NESTED, "datasets/brands")
CHANGES: dict[str, tuple[Callable[[Planned], None], dict[str, dict[str, tuple[Reason, ...]]]]] = {
    "a month restated": (
        lambda planned: planned.retailer.orders(3, {5: "other"}),
        {
            "monthly": dict.fromkeys(MONTHS[:2], SOURCE[:1]),
            "nesting": dict.fromkeys(MONTHS[:1], SOURCE[:1]),
        },
    ),
    "a month written anew with the same rows": (
        lambda planned: rewritten(planned, "orders/2024-05.parquet"),
        {
            "monthly": dict.fromkeys(MONTHS[2:], SOURCE[:1]),
            "nesting": dict.fromkeys(MONTHS[2:], SOURCE[:1]),
        },
    ),
    "another lookup": (
        rebranded,
        {
            "brands": {"None": SOURCE[1:]},
            "monthly": dict.fromkeys(MONTHS, SOURCE[1:]),
        },
    ),
    "another window": (
        longer,
        {"monthly": dict.fromkeys(MONTHS, (Reason(StalenessReason.VERSION, "1 → 2"),))},
    ),
}


def test_due_publications_are_those_that_runs_make(planned: Planned):
    stems = ("brands", "monthly", "nesting")
    planned.make(*stems)
    for change, (work, expected) in CHANGES.items():
        work(planned)
        assert {stem: due for stem in stems if (due := planned.due(stem))} == expected, change
        for stem in stems:
            due = planned.due(stem)  # of `nesting` the new digest of `brands` is known only now
            reads = {str(each): planned.run(stem, each) for each in planned.periods(stem)}
            assert reads == {period: period in due for period in reads}, (change, stem)
            if change == "another lookup" and stem == "nesting":
                assert due == dict.fromkeys(MONTHS, (NESTED,))
        assert [planned.due(stem) for stem in stems] == [{}, {}, {}], change


def test_unpublished_nested_datasets_are_planned_first(planned: Planned):
    first, own = planned.plans("nesting")
    assert [due.period for due in first.due] == [None]
    assert [str(due.period) for due in own.due] == [*MONTHS]
    assert {due.reasons for due in own.due} == {(Reason(StalenessReason.NEW),)}
    planned.make("brands", "nesting")
    rebranded(planned)
    planned.retailer.orders(4, {5: "other"})
    stale, own = planned.plans("nesting")
    assert (stale.entry.stem, stale.due, stale.stale) == ("brands", (), 1), "it is read as it is"
    assert [str(due.period) for due in own.due] == ["2024-04"]
    assert own.up_to_date == 2


def test_estimates_are_made_from_publications(planned: Planned):
    def estimates(stem: str) -> list[int | None]:
        return [due.rows for due in planned.plans(stem, every=True)[-1].due]

    assert estimates("nesting") == [100] * 3, "the months' files, which nothing is left out of"
    assert estimates("brands") == [5]
    assert estimates("monthly") == [200] * 3
    planned.make("monthly")
    found: tuple[StalePublication, ...] = planned.plans("monthly", every=True)[-1].due
    folder = planned.retailer.root / "warehouse" / "monthly"
    sizes = {path.parent.name[-7:]: path.stat().st_size for path in folder.glob("_period=*/*.parquet")}
    assert {str(due.period): due.size_bytes for due in found} == sizes
    assert {due.reasons for due in found} == {(Reason(StalenessReason.REQUESTED),)}


def test_a_missing_period_is_an_obstacle_only_to_new_publications_that_read_it(planned: Planned):
    planned.make("monthly")
    (planned.retailer.root / "data/orders/2024-03.parquet").unlink()
    assert planned.due("monthly") == {}
    (plan,) = planned.plans("monthly")
    assert {str(doubt.period) for doubt in plan.uncertain} == {"2024-03", "2024-04"}
    (held,) = (plan.due for plan in planned.plans("monthly", every=True))
    assert {str(due.period) for due in held if due.obstacles} == {"2024-03", "2024-04"}
    assert "2024-03 are missing" in str(held[0].obstacles[0])


def test_a_publication_with_a_broken_source_is_uncertain(planned: Planned):
    planned.make("monthly")
    (planned.retailer.root / "data/orders/2024-05.parquet").write_bytes(b"no Parquet at all")
    (plan,) = planned.plans("monthly")
    assert (plan.due, plan.up_to_date) == ((), 3)
    assert [str(doubt.period) for doubt in plan.uncertain] == ["2024-05"]
    assert "is not a whole Parquet file" in str(plan.uncertain[0].obstacles[0])
    assert plan.uncertain[0].reasons == ()


def test_a_moved_window_and_a_newly_sensitive_column_are_reasons(planned: Planned):
    path = planned.retailer.settings.definitions / "datasets" / "monthly.yaml"
    planned.retailer.write("moving", path.read_text().replace("0001", "0008").split("  partitions:")[0])
    catalog = planned.catalog
    as_of = datetime(2024, 6, 1, tzinfo=UTC)
    request = Request(catalog.entry("moving"), "run", as_of)
    materialize(catalog, planned.target, request, lambda _: None)

    def reasons(stem: str, now: datetime) -> list[tuple[Reason, ...]]:
        found = plans(planned.catalog, planned.target, planned.catalog.entry(stem), [None], now)
        return [due.reasons for due in found[-1].due]

    assert reasons("moving", as_of) == []
    assert reasons("moving", NOW) == [(Reason(StalenessReason.WINDOW),)]
    planned.make("brands")
    brands = planned.retailer.settings.definitions / "datasets" / "brands.yaml"
    brands.write_text(brands.read_text().replace("{name: brand, type", "{name: brand, sensitive: true, type"))
    told = "its statistics show brand, sensitive now"
    assert reasons("brands", NOW) == [(Reason(StalenessReason.NOT_REUSABLE, told),)]


def obstacles(planned: Planned, stem: str) -> set[str]:
    return {str(fault) for due in planned.plans(stem)[-1].due for fault in due.obstacles}


def test_faults_of_a_run_are_obstacles_and_do_not_end_the_plan(planned: Planned):
    path = planned.retailer.root / "target.yaml"
    whole = '"orders/{period}.parquet", period: month', "orders/2024-03.parquet"
    path.write_text(path.read_text().replace(*whole))
    planned.target = load_target(str(path), Calendars())
    for told, month in zip(sorted(obstacles(planned, "nesting")), MONTHS, strict=True):
        assert f"nothing says which rows of orders belong to {month}" in told
    (planned.retailer.root / "data/products.parquet").unlink()
    (told,) = obstacles(planned, "brands")
    assert "there is no such table" in told


def test_incomplete_records_are_read(planned: Planned):
    planned.make("brands", "nesting")
    for path in (planned.retailer.root / "warehouse/nesting/_records").rglob("*.json"):
        record = json.loads(path.read_text())
        del record["size_bytes"], record["selection"]
        record["sources"]["datasets/brands"] = "0"  # once the version of its table, not of its content
        path.write_text(json.dumps(record))
    found = planned.plans("nesting")[-1].due
    assert {due.reasons for due in found} == {(NESTED,)}
    assert [(due.rows, due.size_bytes) for due in found] == [(100, None)] * 3
    assert [planned.run("nesting", period) for period in planned.periods("nesting")] == [True] * 3
    assert planned.due("nesting") == {}
