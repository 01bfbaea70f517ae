"""Erasure reaches tables that no file of today names, and rows that are published beside it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dataset_assets.adapters.delta.erasures import DeltaErasures
from dataset_assets.errors import PublishError
from dataset_assets.lifecycle.erase import CleanedElsewhere, erase
from dataset_assets.lifecycle.erasure_list import list_erasures
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.erasure_run import ErasureRun
from tests.publishing.shop import ITEMS, KEYED, Shop
from tests.publishing.test_erasure import NAME, PERSON, RENAMED, forget, in_warehouse, pin
from tests.publishing.test_erasure_limits import own_kind, raise_prices
from tests.publishing.test_outputs import OUT, PROJECT
from tests.publishing.test_row_changes import NESTED

pytestmark = pytest.mark.parametrize("store", ["duckdb"], indirect=True)
OWN = "Zoë own"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The shop, one of whose buyers has a name that nothing else has."""
    shop.rewrite_sales(RENAMED)
    return shop


def remove_file(shop: Shop, stem: str) -> None:
    (shop.root / "definitions" / "datasets" / f"{stem}.yaml").unlink()


@pytest.mark.parametrize("file_now", ["without the lookup", "with a fault", "unreadable", "gone"])
def test_a_dataset_that_copied_values_loses_them_whatever_its_file_says_now(
    shop: Shop, file_now: str
) -> None:
    own_kind(shop)
    shop.publish()
    pin(shop, 0)
    raise_prices(shop)
    rows = [len(shop.rows(version=each)) for each in range(2)]
    texts = {
        "without the lookup": KEYED.replace("category: items.kind", "category: buyer"),
        "with a fault": NESTED.replace("source_column: item", "source_column: nothing"),
        "unreadable": "dataset: {",
    }
    shop.declare(texts[file_now]) if file_now in texts else remove_file(shop, "sales")
    done = forget(shop, "item = 4", "items")
    assert {each.dataset: each.nests for each in done.datasets} == {"items": None, "sales": "items"}
    assert [len(shop.rows(version=each)) for each in (0, 2)] == rows
    assert not in_warehouse(shop, OWN)


def test_outputs_whose_project_is_gone_lose_the_rows(shop: Shop) -> None:
    shop.publish()
    shop.declare_project(PROJECT + "    - {type: output, name: o}\n")
    shop.publish_output(OUT)
    (shop.root / "definitions" / "projects" / "campaign.yaml").unlink()
    done = forget(shop, PERSON, "sales")
    assert {each.dataset: each.output_of for each in done.datasets} == {"sales": None, OUT: "sales"}
    assert not in_warehouse(shop, NAME)


def test_tables_of_former_names_and_of_deleted_datasets_are_erased(shop: Shop) -> None:
    shop.publish()
    datasets = shop.root / "definitions" / "datasets"
    (datasets / "sales.yaml").rename(datasets / "orders.yaml")
    shop.publish(stem="orders")
    done = forget(shop, PERSON, "orders")
    assert [each.dataset for each in done.datasets] == ["orders", "sales"]
    assert not in_warehouse(shop, NAME)
    remove_file(shop, "orders")
    done = forget(shop, "user_id = 'b3'")
    assert [each.dataset for each in done.datasets] == ["orders", "sales"]
    assert "b3" not in {row["user_id"] for row in shop.rows(stem="sales")}
    listed = list_erasures(shop.target, ()).erasures
    assert [each.datasets for each in listed] == [("orders", "sales")] * 2, "also without a file"


def test_a_fault_in_a_file_of_somebody_else_stops_no_erasure(shop: Shop) -> None:
    shop.publish()
    shop.declare(ITEMS.replace("natural_key_columns: [item]", "natural_key_columns: [nothing]"), "items")
    assert forget(shop, PERSON, "sales").rows > 0


def test_other_tables_of_the_same_sources_are_named(shop: Shop) -> None:
    shop.publish()
    shop.declare(KEYED.replace("3ce1100", "3ce1133", 1), "others")
    shop.publish(stem="others")
    done = forget(shop, PERSON, "sales")
    [named] = [each for each in done.beyond_reach if "table others" in each and "/sales" in each]
    assert "erase its rows as well" in named


def test_records_of_outputs_lose_conditions_by_copied_values(shop: Shop) -> None:
    own_kind(shop)
    shop.publish()
    step = f"{{type: delete, where: \"category = '{OWN}'\"}}"
    shop.declare_project(PROJECT + f"    - {step}\n    - {{type: output, name: o}}\n")
    shop.publish_output(OUT)
    assert in_warehouse(shop, OWN)
    forget(shop, "item = 4", "items")
    assert shop.publication(OUT, "2024-02")[0]["output"]["operations"][0]["where"] == "(erased)"
    assert not in_warehouse(shop, OWN)


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, action: Callable[[], Any]) -> None:
    """Do something once, right before a function is called next."""
    function = getattr(owner, name)

    def act_first(*arguments: Any) -> Any:
        monkeypatch.setattr(owner, name, function)
        action()
        return function(*arguments)

    monkeypatch.setattr(owner, name, act_first)


def test_values_of_rows_that_are_published_beside_an_erasure_are_kept_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish()
    newcomer = "Zoë Newcomer"
    with_newcomer = f"SELECT * REPLACE (replace(buyer, 'b3', '{newcomer}') AS buyer) FROM {{sales}}"

    def publish() -> None:
        shop.rewrite_sales(with_newcomer)
        shop.publish()

    before(monkeypatch, ErasureRun, "erase_current", publish)
    forget(shop, "user_id LIKE 'Zoë%'", "sales")
    raise_prices(shop)
    assert not in_warehouse(shop, newcomer, NAME)


def test_a_first_publication_beside_an_erasure_loses_copied_values(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_kind(shop)
    before(monkeypatch, ErasureRun, "erase_current", shop.publish)
    done = forget(shop, "item = 4", "items")
    assert {each.dataset for each in done.datasets} == {"items", "sales"}
    assert not in_warehouse(shop, OWN)


def interrupted(shop: Shop, where: str, stem: str) -> EraseRequest:
    """Erase until everything is done but the last line of the list, and return the request."""
    request = EraseRequest(where, "run", shop.now.replace(hour=1), (stem,))

    def fail(_: object) -> CleanedElsewhere:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        erase(shop.target, shop.catalog, request, fail)
    return request


def test_a_resumed_erasure_finds_what_was_published_of_rows_that_are_gone(shop: Shop) -> None:
    """A run can only do so beside an erasure, so the record of an honest one is made to say it."""
    own_kind(shop)
    shop.publish()
    digest = shop.publication("items", None)[0]["digest"]
    request = interrupted(shop, "item = 4", "items")
    shop.now = request.now
    raise_prices(shop)
    [path] = [
        each
        for each in (shop.root / "warehouse" / "sales" / "_records").rglob("*.json")
        if json.loads(each.read_text())["published_at"] > request.now.isoformat()
    ]
    honest = path.read_text()
    path.write_text(honest.replace(json.loads(honest)["sources"]["datasets/items"], digest))
    with pytest.raises(
        PublishError, match=r"sales of 2024-02, table version \d+: it was made of rows of items"
    ):
        erase(shop.target, shop.catalog, request)
    path.write_text(honest)
    assert erase(shop.target, shop.catalog, request).finished_at


def test_an_erasure_that_is_resumed_after_a_later_one_keeps_all_keys(shop: Shop) -> None:
    shop.publish()
    request = interrupted(shop, "user_id LIKE 'Zoë%'", "sales")
    shop.now = request.now
    forget(shop, "user_id = 'b4'", "sales")
    shop.rewrite_sales("SELECT * REPLACE (replace(buyer, 'b3', 'Zoë Newcomer') AS buyer) FROM {sales}")
    shop.publish()
    erase(shop.target, shop.catalog, request)
    raise_prices(shop)
    users = {row["user_id"] for row in shop.rows()}
    assert users
    assert not users & {NAME, "Zoë Newcomer", "b4"}


def test_a_torn_record_is_blanked(shop: Shop) -> None:
    shop.publish()
    path = shop.root / "warehouse" / "sales" / "_ledger" / "records.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"statistics": {"min": NAME}}, ensure_ascii=False)[:-4])
    forget(shop, PERSON, "sales")
    assert not in_warehouse(shop, NAME)


def test_a_publication_that_is_pinned_beside_an_erasure_keeps_its_other_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish()
    raise_prices(shop)
    others = [row for row in shop.rows(version=0) if row["user_id"] != NAME]
    before(monkeypatch, DeltaErasures, "remove_earlier", lambda: pin(shop, 0))
    forget(shop, PERSON, "sales")
    assert shop.rows(version=0) == others
    assert not in_warehouse(shop, NAME)
