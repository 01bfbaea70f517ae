"""The page and the API show publications that were made by hand, and which ones are pinned."""

from collections.abc import Generator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from dataset_assets.interfaces.web.pages.dataset_view import past_views, publication_views
from dataset_assets.lifecycle.change_rows import change_rows
from dataset_assets.lifecycle.history import dataset_history
from dataset_assets.lifecycle.published_facts import PublishedFacts, published_facts
from dataset_assets.lifecycle.row_change_report import ChangeRequest
from dataset_assets.lifecycle.row_changes import (
    ApplyOperation,
    delete_operation,
    label_operation,
)
from dataset_assets.lifecycle.uses import PublicationChoice, pin
from dataset_assets.ports.uses import PinRequest
from tests.web.pages.conftest import serving
from tests.web.pages.gallery import SCRIPT, Gallery, open_gallery
from tests.web.pages.reading_pages import ReadPage

LABELLED = "revenue >= 0"


def change(gallery: Gallery, by_hand: ApplyOperation) -> None:
    request = ChangeRequest("hostile", str(uuid4()), datetime.now(UTC), by="ann", partition="2024-03")
    change_rows(gallery.workspace.target, gallery.catalog, request, by_hand)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Return the gallery whose last month is used, then labelled, then left without some rows."""
    gallery = open_gallery(tmp_path_factory.mktemp("changed"))
    gallery.use("hostile", "2024-03")
    change(gallery, ApplyOperation(label_operation(LABELLED, {"seen": SCRIPT}, ())))
    return gallery


@pytest.fixture(scope="module")
def deleted(changed: Gallery) -> Gallery:
    where = f"products__brand = '{SCRIPT}'"
    change(changed, ApplyOperation(delete_operation(where)))
    return changed


@pytest.fixture
def client(deleted: Gallery) -> Generator[httpx.Client]:
    with serving(deleted.workspace) as opened:
        yield opened


def facts_of(gallery: Gallery) -> PublishedFacts:
    return published_facts(gallery.workspace.target, gallery.catalog.entry("hostile"), "2024-03")


def test_a_labelled_publication_is_not_the_pinned_one_before(changed: Gallery) -> None:
    facts = facts_of(changed)
    labelled, used, first = past_views(facts)
    assert labelled.digest == used.digest
    assert [labelled.pinned, used.pinned, first.pinned] == [False, True, True]
    assert [each.pinned for each in publication_views(facts)] == [False, False]
    assert (used.by_hand, first.by_hand) == ("", "")
    assert labelled.by_hand.startswith(f"label {labelled.changed:,} rows by ")
    assert labelled.by_hand.endswith(f": {LABELLED}")


def test_a_pin_without_a_use_is_shown(changed: Gallery) -> None:

    request = PinRequest("paper", datetime.now(UTC))
    pin(changed.workspace.target, PublicationChoice("hostile", ("2024-02",)), request)
    assert [each.pinned for each in publication_views(facts_of(changed))] == [False, True]


def test_the_page_shows_who_changed_which_rows(client: httpx.Client, deleted: Gallery) -> None:
    newest = past_views(facts_of(deleted))[0]
    assert newest.deleted > 0
    answer = client.get("/datasets/hostile", params={"period": "2024-03"}, headers={"Accept": "text/html"})
    page = ReadPage(str(answer.url), answer.text)
    assert f"({newest.deleted} deleted)" in page.text
    assert ">By hand</th>" in page.html
    assert f"delete {newest.deleted} rows by " in page.text
    assert f": {LABELLED}" in page.text
    assert SCRIPT not in page.html.split('id="publications"')[1].split("</section>")[0]
    other = client.get("/datasets/monthly", headers={"Accept": "text/html"})
    assert ">By hand</th>" not in other.text


def test_the_api_has_the_operation_and_the_deleted_rows(client: httpx.Client, deleted: Gallery) -> None:
    answer = client.get("/api/datasets/hostile/publications/", params={"partition": "2024-03"})
    newest, labelled, used, first = answer.json()["data"]["publications"]
    assert (newest["operation"]["kind"], newest["operation"]["rows"]) == ("delete", newest["deleted"])
    assert (labelled["operation"]["where"], labelled["deleted"]) == (LABELLED, 0)
    assert used["operation"] is None
    target = deleted.workspace.target
    history = dataset_history(deleted.catalog, "hostile", target, "2024-03").publications
    assert [each.deleted for each in history] == [newest["deleted"], 0, 0, 0]
    answers = newest, labelled, used, first
    assert [each.operation for each in history] == [each["operation"] for each in answers]
    assert history[0].by_hand.startswith("delete ")
