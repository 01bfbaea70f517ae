"""The page of a dataset shows everything that the library knows of it, escaped and without secrets."""

from pathlib import Path

import pytest

from tests.assets.retailer import BRANDS, open_retailer
from tests.web.pages.conftest import Show, serving
from tests.web.pages.gallery import HOSTILE_NAME, SCRIPT, SECRET, Gallery
from tests.web.pages.reading_pages import ReadPage

PAGES = ("", "/due", "/preview", "/analyze", "/compare", "/sql", "/sql?dialect=bigquery", "/materialize")


def test_a_page_has_every_section_and_a_link_to_each(show: Show) -> None:
    page = show("/datasets/hostile")
    for section in (
        "overview", "contract", "selection", "statistics", "versions", "publications", "checks", "uses",
        "sql", "file",
    ):  # fmt: skip
        assert section in page.ids
        assert any(link.endswith(f"#{section}") for link in page.links), section
    assert page.broken_fragments() == []


def test_contract_selection_and_split_are_in_words(show: Show) -> None:
    text = show("/datasets/hostile").text
    assert "order_id integer orders.order_id" in text
    assert "user_id string orders.customer Sensitive" in text
    assert "products lookup into products on product_id = products.product_id" in text
    assert "Date range The last 2 months" in text
    assert "Split The last 10 days evaluate" in text
    assert "Published by month from 2024-02 to 2024-05" in text
    assert "ada ada@example.com" in text


def test_statistics_are_those_of_the_chosen_period_and_drawn(show: Show) -> None:
    for period in ("2024-02", "2024-03"):
        page = show(f"/datasets/hostile?period={period}")
        assert f"Statistics of {period}" in page.text
        assert f"Checks of {period}" in page.text
    assert page.html.count("<svg") >= 4
    assert 'class="fill-train"' in page.html
    assert 'class="fill-eval"' in page.html
    assert "fill=" not in page.html


def test_duplicates_are_counted_and_a_split_without_asked_shares_has_no_table_of_them(show: Show) -> None:
    text = show("/datasets/hostile?period=2024-02").text
    assert "rows equal an earlier one" in text
    assert "0 rows are in several parts of the split" in text
    assert "Asked %" not in text


def test_parts_and_folds_of_a_random_split_are_beside_their_shares(tmp_path: Path) -> None:
    gallery = Gallery(open_retailer(tmp_path))
    gallery.retailer.brands("a", "b", "c", "d", "e", "f", "g", "h")
    split = "  split_config: {strategy: random, train_percent: 50, folds: 2}\n"
    gallery.retailer.write("brands", BRANDS + split)
    gallery.publish("brands")
    with serving(gallery.workspace) as client:
        text = ReadPage("http://x/", client.get("/datasets/brands").text).text
    assert "Part Rows % of rows Units % of units Asked % Deviation train" in text
    assert "Fold Rows % of rows Units % of units Asked % Deviation 0" in text


def test_the_default_period_is_the_last_one(show: Show) -> None:
    assert "Statistics of 2024-03" in show("/datasets/hostile").text


def test_a_period_that_is_not_published_is_no_page(show: Show) -> None:
    page = show("/datasets/hostile?period=2024-05", 404)
    assert "there is no publication of 2024-05" in page.html


def test_versions_and_what_changed_between_any_two(show: Show) -> None:
    text = show("/datasets/hostile").text
    assert "The split: the last 10 days evaluate instead of the last 7 days evaluate." in text
    backwards = show("/datasets/hostile?before=2&after=1").text
    assert "The split: the last 7 days evaluate instead of the last 10 days evaluate." in backwards
    assert "has no version 9" in show("/datasets/hostile?before=9&after=1").text
    assert show("/datasets/hostile?before=<b>&after=1")


def test_publications_have_counts_runs_and_history(show: Show) -> None:
    page = show("/datasets/hostile")
    assert "History of 2024-03" in page.text
    runs = [link for link in page.leads_to() if "/runs/" in link]
    assert len(runs) == 3
    assert f"run {SCRIPT}" in page.text
    assert "Pinned" in page.text


def test_checks_have_their_sentences(show: Show) -> None:
    text = show("/datasets/hostile").text
    assert "natural_key_unique every (order_id) is there once" in text


def test_what_is_due_is_told_with_reasons(show: Show) -> None:
    text = show("/datasets/hostile/due").text
    assert "2024-04: never published" in text
    assert "2024-02: new version: 1 → 2" in text


def test_a_broken_file_shows_line_and_remedy(show: Show) -> None:
    page = show("/datasets/broken")
    assert "broken.yaml" in page.text
    assert "What to do:" in page.text
    lines = [link for link in page.links if "#line-" in link]
    assert lines
    assert page.broken_fragments() == []
    assert 'class="marked"' in page.html
    assert any(link.endswith("/datasets/broken/edit") for link in page.links)


def test_an_unpublished_draft_has_a_page(show: Show) -> None:
    page = show("/datasets/draft")
    assert "A draft is published by hand only." in page.text
    assert any(link.endswith("/datasets/draft/activate") for link in page.links)
    assert "statistics" not in page.ids


def test_an_unpartitioned_dataset_has_a_page(show: Show) -> None:
    page = show("/datasets/brands")
    assert "Published As a whole" in page.text
    assert "Read by nesting" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_nothing_breaks_out_and_nothing_sensitive_is_shown(show: Show, path: str) -> None:
    page = show(f"/datasets/hostile{path}")
    assert page.forbidden == []
    assert all(source and source.startswith("/static/") for source in page.scripts)
    assert SECRET not in page.html
    if path == "":
        assert HOSTILE_NAME in page.text
