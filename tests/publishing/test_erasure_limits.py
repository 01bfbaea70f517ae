"""What an erasure leaves alone, what it refuses, and what its certificate names instead of reaching it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.errors import PublishError, SupersededError, WhereError
from dataset_assets.lifecycle.erase import CleanedElsewhere, erase
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.publishing.publish_output import _OutputRun
from dataset_assets.publishing.row_publisher import RowPublisher
from tests.publishing.shop import ITEMS, KEYED, Shop
from tests.publishing.test_erasure import NAME, PERSON, RENAMED, forget, in_warehouse, pin
from tests.publishing.test_outputs import OUT, PROJECT
from tests.publishing.test_row_changes import NESTED

pytestmark = pytest.mark.parametrize("store", ["duckdb"], indirect=True)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The shop, one of whose buyers has a name that nothing else has."""
    shop.rewrite_sales(RENAMED)
    return shop


def raise_prices(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()


def published_files(shop: Shop) -> dict[Path, bytes]:
    """The files of rows and records, without the history and the list of erasures."""
    folder = shop.root / "warehouse" / "sales"
    files = [*folder.rglob("*.parquet"), *(folder / "_records").rglob("*")]
    return {path: path.read_bytes() for path in files if path.is_file() and "erased" not in path.parts}


def test_an_erasure_without_rows_leaves_every_publication_as_it_was(shop: Shop) -> None:
    shop.publish()
    pin(shop, 0)
    raise_prices(shop)
    raise_prices(shop)
    files, rows = published_files(shop), [shop.rows(version=each) for each in range(3)]
    assert forget(shop, "user_id = 'nobody'", "sales").rows == 0
    assert published_files(shop) == files
    assert [shop.rows(version=each) for each in range(3)] == rows


def test_earlier_publications_without_the_rows_stay(shop: Shop) -> None:
    shop.rewrite_sales(f"SELECT * REPLACE (replace(buyer, '{NAME}', 'b7') AS buyer) FROM {{sales}}")
    shop.publish()
    pin(shop, 0)
    raise_prices(shop)
    shop.rewrite_sales(RENAMED)
    shop.publish()
    rows = [shop.rows(version=each) for each in range(2)]
    assert forget(shop, PERSON, "sales").rows > 0
    assert [shop.rows(version=each) for each in range(2)] == rows


def test_an_output_is_not_erased_from_without_its_dataset(shop: Shop) -> None:
    shop.publish()
    shop.declare_project(PROJECT + "    - {type: output, name: o}\n")
    shop.publish_output(OUT)
    with pytest.raises(PublishError, match=f"{OUT} is an output.*erase the rows of sales"):
        forget(shop, PERSON, OUT)
    assert NAME in {row["user_id"] for row in shop.rows(stem=OUT)}


def test_without_a_name_no_dataset_that_has_the_column_is_left_out(shop: Shop) -> None:
    shop.declare(ITEMS.replace("kind, type: string", "user_id, type: integer"), "items")
    shop.write("items", "SELECT i AS item, i AS user_id, 'kind' AS kind FROM range(9) AS t(i)")
    shop.publish(None, stem="items")
    shop.publish()
    with pytest.raises(WhereError, match=r"user_id.*\(in sales\)"):
        forget(shop, "user_id = 3")
    assert len(shop.rows(None, stem="items")) == 9
    assert [each.dataset for each in forget(shop, "line = 7").datasets] == ["sales"]


@pytest.mark.parametrize("where", ["TRUE", "1 = 1"])
def test_a_condition_about_nobody_is_refused(shop: Shop, where: str) -> None:
    shop.publish()
    for stems in ((), ("sales",)):
        with pytest.raises(WhereError, match="the condition reads no column"):
            forget(shop, where, *stems)


def test_a_number_that_no_column_holds_is_in_no_row(shop: Shop) -> None:
    shop.publish()
    assert forget(shop, "line IN (99999999999999999999, 1.5)", "sales").rows == 0
    raise_prices(shop)
    assert shop.publication("sales", "2024-02")[0]["erased_rows"] == 0


def test_the_record_of_an_output_loses_conditions_by_the_erased_columns(shop: Shop) -> None:
    shop.publish()
    step = f"{{type: delete, where: \"user_id = '{NAME}'\"}}"
    shop.declare_project(PROJECT + f"    - {step}\n    - {{type: output, name: o}}\n")
    shop.publish_output(OUT)
    assert in_warehouse(shop, NAME)
    done = forget(shop, PERSON, "sales")
    assert shop.publication(OUT, "2024-02")[0]["output"]["operations"][0]["where"] == "(erased)"
    assert not in_warehouse(shop, NAME)
    assert any(f"the project's file of {OUT}" in each for each in done.beyond_reach)


def test_values_that_other_rows_have_too_stay_if_the_link_is_not_published(shop: Shop) -> None:
    shop.rewrite_sales("SELECT *, item AS link FROM {sales}")
    linked = NESTED.replace("source_column: item", "source_column: link")
    shop.declare(linked.replace("- {name: price", "- {name: link, type: integer}\n      - {name: price"))
    shop.declare(ITEMS, "items")
    kinds = "CASE WHEN i = 4 THEN 'Zoë own' WHEN i < 6 THEN 'f' ELSE 'm' END"
    shop.write("items", f"SELECT i AS item, {kinds} AS kind FROM range(11) AS t(i)")
    shop.publish(None, stem="items")
    shop.publish()
    before = shop.rows()
    done = forget(shop, "item IN (3, 4)", "items")
    assert [row["category"] for row in shop.rows()] == [
        None if row["product_id"] == 4 else row["category"] for row in before
    ]
    count = sum(row["product_id"] in {0, 1, 2, 3, 5} for row in before)
    [named] = [each for each in done.beyond_reach if "with values of items" in each]
    assert named.startswith(f"{count} rows of sales of 2024-02 with values of items that erased rows and")


def test_copied_values_are_those_of_the_publication_that_was_read(shop: Shop) -> None:
    shop.declare(NESTED)
    shop.declare(ITEMS, "items")
    for owner in ("Zoë own", "b3 own"):
        kinds = f"CASE i WHEN 4 THEN '{owner}' ELSE 'kind' END"
        shop.write("items", f"SELECT i AS item, {kinds} AS kind FROM range(11) AS t(i)")
        shop.publish(None, stem="items")
        shop.publish()
        if owner == "Zoë own":
            pin(shop, 0)
    current, pinned = shop.rows(), shop.rows(version=0)
    forget(shop, "kind = 'Zoë own'", "items")
    assert shop.rows() == current, "item 4 is somebody else's now"
    assert [row["category"] for row in shop.rows(version=0)] == [
        None if row["product_id"] == 4 else row["category"] for row in pinned
    ]


def own_kind(shop: Shop) -> None:
    """Publish items, one of which has a kind of its own."""
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    kinds = "CASE i WHEN 4 THEN 'Zoë own' ELSE 'kind' END"
    shop.write("items", f"SELECT i AS item, {kinds} AS kind FROM range(11) AS t(i)")
    shop.publish(None, stem="items")


def test_an_interrupted_erasure_remembers_the_tables_that_had_values(shop: Shop) -> None:
    own_kind(shop)
    shop.publish()
    request = EraseRequest("kind LIKE 'Zoë%'", "run", shop.now + timedelta(seconds=1), ("items",))

    def fail(stems: Sequence[str]) -> CleanedElsewhere:
        raise InterruptedError(stems)

    with pytest.raises(InterruptedError):
        erase(shop.target, shop.catalog, request, fail)
    told: list[tuple[str, ...]] = []

    def clean(stems: Sequence[str]) -> CleanedElsewhere:
        told.append(tuple(stems))
        return CleanedElsewhere()

    done = erase(shop.target, shop.catalog, request, clean)
    assert told == [("items", "sales")]
    by_name = {each.dataset: each for each in done.datasets}
    assert by_name["sales"].nests == "items"
    assert by_name["sales"].rows > 0


def test_first_publications_beside_an_erasure_do_not_bring_rows_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_kind(shop)

    def beside(publisher: Any, where: str, stem: str) -> None:
        stage = publisher._stage_and_publish

        def erase_first(*arguments: Any) -> Any:
            monkeypatch.setattr(publisher, "_stage_and_publish", stage)
            forget(shop, where, stem)
            return stage(*arguments)

        monkeypatch.setattr(publisher, "_stage_and_publish", erase_first)

    beside(RowPublisher, "item = 4", "items")
    with pytest.raises(SupersededError):
        shop.publish()
    shop.publish()
    shop.declare_project(PROJECT + "    - {type: output, name: o}\n")
    beside(_OutputRun, PERSON, "sales")
    with pytest.raises(SupersededError):
        shop.publish_output(OUT)
    assert not in_warehouse(shop, NAME, "Zoë own")


def test_a_column_that_publications_have_from_other_sources_is_refused(shop: Shop) -> None:
    shop.rewrite_sales("SELECT *, 'x' || buyer AS payer FROM {sales}")
    buyer = "- {name: buyer, type: string, nullable: false}"
    by_buyer = KEYED.replace(buyer, f"{buyer}\n      {buyer.replace('buyer', 'payer')}")
    by_payer = by_buyer.replace("user_id: buyer", "user_id: payer")
    shop.declare(by_buyer)
    for period in ("2024-01", "2024-02"):
        shop.publish(period)
    pin(shop, 1)
    shop.declare(by_payer)
    with pytest.raises(PublishError, match=r"user_id from buyer \(string\), its file has it from payer"):
        forget(shop, "user_id = 'xb3'", "sales")
    shop.publish("2024-02")
    with pytest.raises(PublishError, match=r"user_id from payer \(string\), another one from buyer"):
        forget(shop, "user_id = 'xb3'", "sales")
    shop.publish("2024-01")
    assert forget(shop, "user_id IN ('xb3', 'b4')", "sales").rows > 0
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish("2024-02")
    assert "xb3" not in {row["user_id"] for row in shop.rows()}
    assert "b4" not in {row["user_id"] for row in shop.rows(version=1)}, "a pinned one by the other column"
