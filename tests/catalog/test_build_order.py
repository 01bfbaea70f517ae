"""The Periods that are built, and the order of nested datasets."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset_assets.catalog.build_order import chosen_periods, nested_first, schedule_of
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import PeriodError

CATALOG = load_catalog(Path(__file__).parents[2] / "definitions")
NOW = datetime(2018, 1, 1, tzinfo=UTC)


def chosen(stem: str, *named: str, now: datetime = NOW, **ends: str) -> list[str]:
    return [str(period) for period in chosen_periods(CATALOG, CATALOG.entry(stem), now, named, **ends)]


def test_named_periods_are_returned_once_and_in_order_of_time():
    assert chosen("grocery_recommender", "2017-12", "2017-08", "2017-12") == ["2017-08", "2017-12"]
    assert chosen("quarterly_sales", "FY2017-Q2", "2017-04-01") == ["FY2017-Q1", "FY2017-Q2"]


def test_a_range_includes_both_ends_and_has_defaults():
    assert chosen("grocery_recommender", first="2017-11", last="2017-12") == ["2017-11", "2017-12"]
    assert chosen("grocery_recommender", last="2017-08") == ["2017-07", "2017-08"]
    assert chosen("grocery_recommender", first="2017-12") == ["2017-12"]
    assert chosen("grocery_recommender", "2017-07", first="2017-12") == ["2017-07", "2017-12"]


def test_a_period_is_complete_when_it_has_ended():
    entry = CATALOG.entry("grocery_recommender")
    schedule = schedule_of(CATALOG, entry)
    assert schedule is not None
    assert str(schedule.last_complete(NOW)) == "2017-12"
    just_before = datetime(2017, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert str(schedule.last_complete(just_before)) == "2017-11"
    with pytest.raises(PeriodError, match="2017-12 is not complete: it ends on 2018-01-01"):
        chosen("grocery_recommender", "2017-12", now=just_before)


def test_a_dataset_may_have_a_last_period():
    later = datetime(2026, 3, 17, tzinfo=UTC)
    for stem, first, last, after in (
        ("grocery_recommender", "2017-07", "2017-12", "2018-01"),
        ("quarterly_sales", "FY2016-Q4", "FY2017-Q3", "FY2017-Q4"),
    ):
        schedule = schedule_of(CATALOG, CATALOG.entry(stem))
        assert schedule is not None
        assert str(schedule.last_complete(later)) == last
        all_of_it = chosen(stem, first=first, now=later)
        assert (all_of_it[0], all_of_it[-1]) == (first, last)
        sentence = f"{stem} has no Period {after}: it ends with {last}; name an earlier one"
        with pytest.raises(PeriodError, match=sentence):
            chosen(stem, after, now=later)
        with pytest.raises(PeriodError, match=sentence):
            chosen(stem, last=after, now=later)
        with pytest.raises(PeriodError, match=f"from {first} to {last}; say which, such as {last}"):
            chosen(stem, now=later)


def test_an_unpartitioned_dataset_has_no_periods():
    assert schedule_of(CATALOG, CATALOG.entry("sales_orders")) is None
    assert chosen("sales_orders") == ["None"]


def test_nested_datasets_are_first():
    order = nested_first(
        CATALOG, ["sales_orders", "promo_response", "household_profiles", "product_categories"]
    )
    assert order.index("household_profiles") < order.index("promo_response")
    assert order.index("product_categories") < order.index("sales_orders")
    assert nested_first(CATALOG, ["sales_orders"]) == ["sales_orders"]
