"""The pages that show rows, sizes, queries and differences of a dataset; long work has a page of its own."""

from time import monotonic, sleep

import httpx
import pytest

from dataset_assets.lifecycle.compare import compare_publications, publication_reference
from dataset_assets.lifecycle.published_facts import published_facts
from tests.web.pages.conftest import Show
from tests.web.pages.gallery import SCRIPT, SECRET, Gallery
from tests.web.pages.reading_pages import ReadPage

PATIENCE = 60.0


def result_page(client: httpx.Client, path: str, data: dict[str, str]) -> ReadPage:
    """Send a form, and return the page of its operation once that has ended."""
    sent = client.post(path, data=data)
    assert sent.status_code == httpx.codes.SEE_OTHER, sent.text
    address = sent.headers["location"]
    assert address.startswith("/operations/")
    end = monotonic() + PATIENCE
    while "hx-trigger" in (text := client.get(address).text):
        assert '<noscript><meta http-equiv="refresh"' in text
        assert monotonic() < end, text
        sleep(0.1)
    page = ReadPage(f"{client.base_url}{address}", text)
    assert page.forbidden == []
    assert SECRET not in text
    return page


def test_published_rows_are_of_the_last_period_and_masked(show: Show) -> None:
    page = show("/datasets/hostile/preview")
    assert "100 rows of 2024-03" in page.text
    assert "sensitive columns are masked: user_id" in page.text
    assert SCRIPT in page.text
    assert SECRET not in page.html
    assert "100 rows of 2024-02" in show("/datasets/hostile/preview?partition=2024-02").text


def test_published_rows_of_one_split(show: Show) -> None:
    page = show("/datasets/hostile/preview?partition=2024-02&split=eval")
    assert 0 < page.html.count("<tr>") - 1 < 100
    assert "has no split" in show("/datasets/hostile/preview?split=nothing", 422).text


def test_unpublished_rows_are_said_to_be_missing(show: Show) -> None:
    assert "There are no published rows to show" in show("/datasets/draft/preview").text


def test_the_rows_of_a_new_run_are_selected_and_masked(client: httpx.Client) -> None:
    page = result_page(client, "/datasets/hostile/preview", {"of": "file", "partition": "2024-05"})
    assert "100 rows of 2024-05" in page.text
    assert "(sensitive)" in page.text
    published = result_page(client, "/datasets/hostile/preview", {"of": "published"})
    assert "100 rows of 2024-03" in published.text


def test_an_analysis_has_steps_filters_leaks_and_checks(client: httpx.Client) -> None:
    page = result_page(client, "/datasets/hostile/analyze", {"partition": "2024-05"})
    for part in (
        "Date range",
        "cumulative revenue percent 80",
        "kept only because of eval rows",
        "natural_key_unique",
    ):
        assert part in page.text
    assert "<svg" in page.html
    assert SCRIPT in page.text


def test_what_cannot_be_analyzed_is_said(client: httpx.Client) -> None:
    refused = client.post("/datasets/hostile/analyze", data={"partition": "1999-01"})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "it begins with 2024-02" in refused.text
    failed = result_page(client, "/datasets/monthly/analyze", {"partition": "2024-12"})
    assert "Failed" in failed.text
    assert "2024-12" in failed.text


def test_an_operation_that_is_not_known_is_no_page(client: httpx.Client) -> None:
    assert client.get("/operations/nothing").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_the_query_is_shown_in_both_dialects(show: Show, dialect: str) -> None:
    page = show(f"/datasets/hostile/sql?dialect={dialect}&partition=2024-03")
    assert "SELECT" in page.text
    assert "of 2024-03" in page.text


def test_a_query_that_does_not_exist_is_explained(show: Show) -> None:
    assert "it begins with 2024-02" in show("/datasets/hostile/sql?partition=1999-01", 422).text
    assert "dialect" in show("/datasets/hostile/sql?dialect=<b>&partition=2024-03", 422).text


def test_two_publications_are_compared_side_by_side(show: Show) -> None:
    page = show("/datasets/hostile/compare")
    assert "The split: the last 10 days evaluate instead of the last 7 days evaluate." in page.text
    assert "breaking" in page.text
    page = show("/datasets/hostile/compare?a=2024-02&b=2024-03")
    assert 'class="outline"' in page.html
    assert SECRET not in page.html
    assert "user_id string Sensitive" in page.text


def test_publications_that_do_not_exist_are_explained(show: Show) -> None:
    assert (
        "there is no publication of 2024-05"
        in show("/datasets/hostile/compare?a=2024-05&b=2024-03", 404).text
    )
    assert (
        "no publication of 2024-03 has the digest"
        in show("/datasets/hostile/compare?a=2024-03@abcdef&b=2024-03", 404).text
    )
    assert "names no publication" in show("/datasets/hostile/compare?a=x@y@z&b=2024-03", 422).text
    assert "It takes two publications" in show("/datasets/draft/compare").text


def test_a_comparison_has_counts_schema_and_statistics_of_both(gallery: Gallery) -> None:
    catalog, target = gallery.catalog, gallery.workspace.target
    entry = catalog.entry("hostile")
    facts = published_facts(target, entry, "2024-03")
    newest, older = facts.past
    found = compare_publications(
        catalog, target, entry, publication_reference(older), publication_reference(newest)
    )
    assert not found.same_rows
    assert found.kind == "breaking"
    assert (found.before.version, found.after.version) == (1, 2)
    assert found.before.row_count == older["counts"]["rows"]
    assert sum(found.after.splits.values()) == found.after.row_count
    columns = {each.name: each for each in found.columns}
    assert columns["user_id"].sensitive
    assert columns["user_id"].before
    assert columns["user_id"].before.top_values == ()
    assert columns["split"].changed
    assert not columns["revenue"].changed or columns["revenue"].before
    same = compare_publications(catalog, target, entry, "2024-03", "2024-03")
    assert same.same_rows
    assert not any(each.changed for each in same.columns)


def test_a_column_that_became_sensitive_is_masked_in_old_statistics(gallery: Gallery) -> None:
    catalog, target = gallery.catalog, gallery.workspace.target
    path = gallery.retailer.settings.definitions / "datasets" / "hostile.yaml"
    text = path.read_text()
    try:
        path.write_text(
            text.replace("{name: brand, type: string}", "{name: brand, type: string, sensitive: true}")
        )
        catalog = gallery.catalog
        found = compare_publications(catalog, target, catalog.entry("hostile"), "2024-02", "2024-03")
    finally:
        path.write_text(text)
    brand = next(each for each in found.columns if each.name == "products__brand")
    assert brand.sensitive
    assert brand.before
    assert brand.after
    assert (brand.before.top_values, brand.after.sample_values, brand.after.min) == ((), (), None)
