"""Every link of every page leads to a page: a crawler begins with the list and finds all of them."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from tests.web.pages.reading_pages import ReadPage

NOT_PAGES = ("/static/", "/api/")
WITHOUT_DAGSTER = "/runs/"
"""Runs that were made without Dagster have a page that says so, with the status 404 or 503."""


def crawled(client: httpx.Client, start: str) -> Iterator[tuple[str, int]]:
    """Yield each page and its status, from `start` on, by every link."""
    waiting, seen = [start], {start}
    while waiting:
        path = waiting.pop()
        answer = client.get(path, headers={"Accept": "text/html"})
        yield path, answer.status_code
        if answer.status_code != httpx.codes.OK or not answer.text.startswith("<!doctype html>"):
            continue
        page = ReadPage(str(answer.url), answer.text)
        assert page.broken_fragments() == [], path
        assert page.forbidden == [], path
        for address in page.leads_to():
            parts = urlsplit(address)
            link = parts.path + (f"?{parts.query}" if parts.query else "")
            if link not in seen and not link.startswith(NOT_PAGES):
                seen.add(link)
                waiting.append(link)


def test_every_link_leads_to_a_page(client: httpx.Client) -> None:
    pages = dict(crawled(client, "/"))
    assert {"/datasets/hostile", "/datasets/broken", "/datasets/draft/sql?dialect=duckdb"} <= set(pages)
    missing = {path: status for path, status in pages.items() if status != httpx.codes.OK}
    assert {path for path in missing if WITHOUT_DAGSTER not in path} == set()
