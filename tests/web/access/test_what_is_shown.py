"""No answer holds a sensitive value, and no name or row becomes a part of a page that a browser would run."""

import html.parser
import itertools
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dataset_assets.interfaces.web import app
from tests.web.access.running_server import Running
from tests.web.access.shop import MARKER

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
VALUES = ("people", "01a2001c-5baf-7ea5-90b9-0d6b764edd8d", "recommender", "1", "null_in_income")
"""Values of the parameters in addresses: a stem and a table, an id, a model, a number, something else."""
MOST = 400


def routes(routers: tuple[APIRouter, ...], prefix: str = "") -> Iterator[str]:
    """Yield the path of each GET of the routers of the application."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                yield prefix + route.path


def addresses() -> list[str]:
    """Return every GET of the API and the pages, with each value for each parameter."""
    paths = [*routes(tuple(app.API), "/api"), *routes(tuple(app.PAGES)), "/api/openapi.json"]
    found = []
    for path in paths:
        names = PARAMETER.findall(path)
        for values in itertools.product(VALUES, repeat=len(names)):
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = re.sub(r"\{" + name + r"(:\w+)?\}", value, filled)
            found.append(filled)
    return found


class Elements(html.parser.HTMLParser):
    """The elements of a page: scripts, addresses of links, and attributes that run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        source = given.get("src") or ""
        if tag == "script" and not source.startswith("/static/"):
            self.bad.append(f"<script {given}>")
        if tag in {"iframe", "object", "embed", "style", "base"} or source == "x":
            self.bad.append(f"<{tag} {given}>")
        for name, value in attrs:
            runs = name.startswith(("on", "hx-on")) or name == "style"
            if runs or (value or "").startswith("javascript:"):
                self.bad.append(f"{name}={value}")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


@pytest.fixture(scope="module")
def pages(local: Running) -> dict[str, tuple[int, str, str]]:
    """Every answer that can be reached: address → status, type, text. Links of pages are followed."""
    waiting, found = addresses(), {}
    while waiting and len(found) < MOST:
        address = waiting.pop(0)
        if address in found:
            continue
        answer = local.get(address)
        found[address] = (answer.status_code, answer.headers.get("content-type", ""), answer.text)
        if "html" in found[address][1]:
            own = [link for link in Elements(answer.text).links if not urlsplit(link).netloc]
            waiting += [link.split("#")[0] for link in own if link.startswith("/")]
    return found


def test_every_route_was_asked_and_none_failed(pages: dict[str, tuple[int, str, str]]) -> None:
    assert {"/", "/api/datasets/people/", "/api/models/recommender/datasets/"} <= pages.keys()
    assert {status for status, _, _ in pages.values()} <= {200, 202, 303, 400, 404, 409, 422, 503}
    assert pages["/"][0] == pages["/api/datasets/people/"][0] == 200


def test_no_answer_has_a_sensitive_value(pages: dict[str, tuple[int, str, str]]) -> None:
    assert "people" in pages["/"][2]
    assert [address for address, (_, _, text) in pages.items() if MARKER in text] == []


def test_names_and_rows_are_no_scripts(pages: dict[str, tuple[int, str, str]]) -> None:
    shown = {address: text for address, (_, kind, text) in pages.items() if "html" in kind}
    assert "&lt;script&gt;alert(" in shown["/"]
    assert {address: bad for address, text in shown.items() if (bad := Elements(text).bad)} == {}


def test_no_browser_guesses_a_type_or_frames_a_page(local: Running) -> None:
    for address in (
        "/",
        "/api/datasets/people/",
        "/nothing",
        "/api/nothing/",
        "/static/style.css",
        "/healthz",
    ):
        headers = local.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "server" not in headers
        kept = "no-cache" if address.startswith("/static/") else "no-store"
        assert headers["cache-control"] == kept
    style = re.findall(r'href="(/static/style.css\?[0-9a-f]{16})"', local.get("/").text)[0]
    assert "immutable" in local.get(style).headers["cache-control"]
    assert local.get("/static/style.css?0").headers["cache-control"] == "no-cache"


def test_a_person_sees_pages_and_a_program_sees_problems(local: Running) -> None:
    for path, status in (("/nothing", 404), ("/datasets/none", 404), ("/a/../b", 404)):
        answer = local.client.get(path)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, "text/html")
        assert "Traceback" not in answer.text
    problem = local.get("/api/nothing/")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 404
