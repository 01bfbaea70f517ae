"""Tests that an earlier publication can be selected again, or that the reason why not is told."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.errors import ResolveError
from dataset_assets.lifecycle.past_run import RebuildRequest
from dataset_assets.lifecycle.rebuild import Rebuild, open_rebuild
from dataset_assets.lifecycle.retention import vacuum
from dataset_assets.lifecycle.uses import PublicationChoice, TrainingRun, record_use
from dataset_assets.publishing.materialize import Materialization
from tests.engines.store_fixtures import STORES, InDelta
from tests.publishing.shop import DATASET, ITEMS, KEYED, Shop, open_shop

MORE = """
SELECT * REPLACE (price + 1 AS price) FROM {sales}
UNION ALL SELECT 99999, 'new', 3, 7.5, TIMESTAMP '2024-02-03'
"""
NESTED = DATASET.format(key="natural_key_columns: [line]").replace(
    """        type: table
        name: items
        columns: [{name: item, type: integer, nullable: false}, {name: kind, type: string}]
""",
    """        type: dataset
        id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199
""",
)


def publish(shop: Shop, **asked: Any) -> Materialization:
    """Publish February now: BigQuery keeps earlier rows by the clock of its own."""
    return shop.publish(now=datetime.now(UTC), **asked)


def rebuilt(shop: Shop, version: int = 1, period: str | None = "2024-02", digest: str = "") -> Rebuild:
    catalog = shop.catalog
    request = RebuildRequest(version=version, period=period, digest=digest)
    with open_rebuild(catalog, shop.target, catalog.entry("sales"), request, lambda _: None) as rows:
        return rows.result


def test_unchanged_sources_give_the_same_rows(shop):
    published = publish(shop)
    found = rebuilt(shop)
    assert (found.same, found.rebuilt_digest, found.row_count) == (
        True,
        published.digest,
        published.counts.rows,
    )
    assert (found.version, found.period, found.reason) == (1, "2024-02", "")
    assert [each.source for each in found.sources] == ["files/sales", "files/items"]


def test_the_rows_of_then_after_the_sources_changed(shop):
    published = publish(shop)
    shop.rewrite_sales(MORE)
    shop.write("items", "SELECT i AS item, 'other' AS kind FROM range(11) AS t(i)")
    later = publish(shop)
    assert later.digest != published.digest
    found = rebuilt(shop, digest=published.digest[:12])
    assert (found.same, found.rebuilt_digest, found.reason) == (True, published.digest, "")
    assert not any(each.gone for each in found.sources)
    assert rebuilt(shop).digest == later.digest


def test_the_definition_of_then_after_the_file_changed(shop):
    published = publish(shop)
    shop.declare(KEYED.replace("months: 2", "months: 1").replace("eval_days: 10", "eval_days: 5"))
    later = publish(shop)
    assert (later.version.number, rebuilt(shop, 2).digest) == (2, later.digest)
    found = rebuilt(shop, 1)
    assert (found.same, found.rebuilt_digest, found.row_count) == (
        True,
        published.digest,
        published.counts.rows,
    )


def test_a_source_that_was_written_again_with_the_same_rows(shop):
    published = publish(shop)
    shop.rewrite_sales("SELECT * FROM {sales}")
    assert not publish(shop).counts.has_changes
    found = rebuilt(shop)
    assert (found.same, found.rebuilt_digest) == (True, published.digest)


def test_the_rows_themselves(shop):
    publish(shop)
    before = shop.rows()
    shop.rewrite_sales(MORE)
    catalog, request = shop.catalog, RebuildRequest(version=1, period="2024-02")
    with open_rebuild(catalog, shop.target, catalog.entry("sales"), request, lambda _: None) as rows:
        found = next(rows.tables()).to_pylist()
        assert rows.total == len(found) == len(before)
    assert [row["line"] for row in found] == sorted(row["line"] for row in before)
    assert {row["line"]: row["revenue"] for row in found} == {row["line"]: row["revenue"] for row in before}
    assert list(rows.columns) == [
        "user_id",
        "product_id",
        "timestamp",
        "revenue",
        "category",
        "line",
        "split",
    ]


def test_a_nested_dataset_is_read_as_it_was_published(shop):
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    publish(shop, period=None, stem="items")
    published = publish(shop)
    shop.write("items", "SELECT i AS item, 'other' AS kind FROM range(11) AS t(i)")
    publish(shop, period=None, stem="items")
    assert publish(shop).digest != published.digest
    found = rebuilt(shop, digest=published.digest[:12])
    assert (found.same, found.rebuilt_digest) == (True, published.digest)
    assert [each.source for each in found.sources] == ["files/sales", "datasets/items"]


def test_what_does_not_exist_is_told(shop):
    publish(shop)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"version": 7}, "there is no publication of 2024-02 of version 7 of sales"),
        ({"digest": "ff00"}, "whose digest begins with 'ff00'"),
        ({"period": "2024-01"}, "there is no publication of sales of 2024-01"),
        ({"period": None}, "sales is published by Period"),
    )
    for asked, words in cases:
        with pytest.raises(ResolveError, match=words):
            rebuilt(shop, **asked)


def test_the_source_that_is_gone_is_named_after_a_vacuum(tmp_path):
    shop = open_shop(InDelta(tmp_path))
    published = publish(shop)
    shop.rewrite_sales(MORE)
    InDelta(tmp_path).vacuum("sales")
    found = rebuilt(shop)
    assert not found.same
    assert found.digest == published.digest != found.rebuilt_digest
    gone = {each.source: each.gone for each in found.sources}
    assert re.fullmatch(r"files/sales as of 20\S+Z is gone since 20\S+Z", gone["files/sales"])
    assert gone["files/items"] == ""
    assert found.reason == gone["files/sales"]


@pytest.mark.parametrize("kind", ["duckdb", "database"])
def test_files_keep_no_earlier_rows(kind, request, tmp_path):
    with STORES[kind](request, tmp_path) as store:
        shop = open_shop(store)
        published = publish(shop)
        assert rebuilt(shop).same
        shop.rewrite_sales(MORE)
        found = rebuilt(shop)
        assert not found.same
        assert "is gone since" in found.reason
        assert found.digest == published.digest


def test_a_file_that_was_only_touched_has_the_rows_of_then(request, tmp_path):
    with STORES["duckdb"](request, tmp_path) as store:
        shop = open_shop(store)
        published = publish(shop)
        os.utime(tmp_path / "data" / "sales.parquet", ns=(1, 1))
        found = rebuilt(shop)
    assert any(each.gone for each in found.sources)
    assert (found.same, found.rebuilt_digest) == (True, published.digest)


def expire(shop: Shop, stem: str) -> None:
    """Remove the rows of all publications of a dataset that are neither current nor pinned."""
    later = datetime.now(UTC) + timedelta(days=2)
    for days in (0, 2):
        for _ in vacuum(shop.target, [stem], later + timedelta(days=days), timedelta(days=1)):
            pass


def nested_shop(folder: Path) -> tuple[Shop, Materialization]:
    """Return a shop whose target keeps one publication a Period, and a publication with a nested dataset."""
    shop = open_shop(InDelta(folder))
    text = (folder / "target.yaml").read_text()
    (folder / "target.yaml").write_text(
        text.replace("root: ./warehouse", "root: ./warehouse, retention: {publications: 1}")
    )
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    publish(shop, period=None, stem="items")
    return shop, publish(shop)


def replace_items(shop: Shop) -> None:
    shop.write("items", "SELECT i AS item, 'other' AS kind FROM range(11) AS t(i)")
    publish(shop, period=None, stem="items")


def test_a_nested_publication_that_retention_removed_is_named(tmp_path):
    shop, published = nested_shop(tmp_path)
    replace_items(shop)
    assert rebuilt(shop).rebuilt_digest == published.digest
    expire(shop, "items")
    found = rebuilt(shop)
    assert not found.same
    assert found.reason.startswith("the publication of items with the digest ")
    assert "is gone since 20" in found.reason


def test_a_pinned_nested_publication_survives_retention(tmp_path):
    shop, published = nested_shop(tmp_path)
    record_use(shop.target, PublicationChoice("items"), TrainingRun("spring", datetime.now(UTC)))
    replace_items(shop)
    replace_items(shop)
    expire(shop, "items")
    found = rebuilt(shop)
    assert (found.same, found.rebuilt_digest) == (True, published.digest)


def test_a_pinned_publication_survives_changed_sources_and_retention(tmp_path):
    shop, published = nested_shop(tmp_path)
    record_use(shop.target, PublicationChoice("sales"), TrainingRun("spring", datetime.now(UTC)))
    before = shop.rows()
    shop.rewrite_sales(MORE)
    InDelta(tmp_path).vacuum("sales")
    publish(shop)
    expire(shop, "sales")
    assert shop.rows(version=published.table_version) == before
    found = rebuilt(shop, digest=published.digest[:12])
    assert "is gone since" in found.reason
