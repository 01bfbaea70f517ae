"""Leftovers of dead runs are removed from the warehouse, and nothing else is."""

from datetime import UTC, datetime, timedelta

from sqlglot import exp

from dataset_assets.publishing.leftovers import clean, leftovers
from tests.publishing.shop import Shop

DAY = timedelta(days=1)


def stage(shop: Shop, period: str) -> None:
    """Stage rows as a run that dies afterwards."""
    query = exp.select(exp.alias_(exp.Literal.number(1), "a"), exp.alias_(exp.Literal.string("x"), "_period"))
    with shop.target.engine.connect() as session:
        claim = shop.target.warehouse.claim("sales", period, "killed", session)
        shop.target.warehouse.stage(claim, query, session)


def test_old_leftovers_are_removed_and_publications_are_kept(shop: Shop) -> None:
    shop.publish("2024-01")
    shop.publish("2024-02")
    before = shop.rows("2024-02")
    assert list(leftovers(shop.target, datetime.now(UTC) + DAY)) == []
    stage(shop, "2024-02")
    now = datetime.now(UTC)
    assert list(leftovers(shop.target, now)) == [], "its run may go on yet"
    (left,) = leftovers(shop.target, now + DAY)
    assert abs(left.left_at - now) < timedelta(minutes=1)
    assert list(clean(shop.target, now + DAY)) == [left]
    assert list(leftovers(shop.target, now + DAY)) == []
    assert shop.rows("2024-02") == before
    shop.publish("2024-02")


def test_a_warehouse_that_does_not_exist_yet_has_no_leftovers(shop: Shop) -> None:
    assert list(leftovers(shop.target, datetime.now(UTC) + DAY)) == []
