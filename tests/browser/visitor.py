"""A browser of a visitor, who notices everything that a page must not do."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

_EXPECTED = (
    *(f"responded with a status of {status}" for status in (403, 409, 412, 422)),
    "htmx:sendAbort",
    "htmx:afterRequest",
)
"""What the console says of pages that show what is wrong, and of requests that end because a page is left.

A request that fails for another reason has a message of its own.
"""


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Generator[Page]:
    """Yield a page in a browser of its own; at the end, fail if anything was wrong with any page.

    That is: a request to another server, a message of the console (such as a violation of the content
    security policy), or an exception in a script.
    """
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(15_000)
    wrong: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((f"{address}/", "data:")):
            wrong.append(f"a request to {request.url}")

    context.on("request", look)
    page = context.new_page()
    page.on("console", lambda each: _note(wrong, each, page))
    page.on("pageerror", lambda error: wrong.append(f"an exception: {error}"))
    try:
        yield page
    finally:
        context.close()
    assert not wrong, wrong


def _note(wrong: list[str], message: ConsoleMessage, page: Page) -> None:
    text = message.text
    if message.type not in ("error", "warning") or any(each in text for each in _EXPECTED):
        return
    if "responded with a status of 404" in text and message.location["url"] == page.url:
        return  # the page says itself that there is no such thing
    wrong.append(f"{message.type}: {text} {message.location}")


def accessibility_faults(page: Page) -> list[str]:
    """Return the serious and critical faults that axe-core finds on a page."""
    # describing all that passed would take most of the time
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['html']} {node.get('failureSummary', '')}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """Return the elements that make a page scroll sideways; none if it does not."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")]
                .filter(each => each.getBoundingClientRect().right > width + 1)
                .map(each => each.outerHTML.slice(0, 120));
        }"""
    )


def shoot(page: Page, name: str) -> None:
    """Write a screenshot to the folder of DATASET_ASSETS_SCREENSHOTS, if it is set."""
    folder = os.environ.get("DATASET_ASSETS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        # without `caret`, Playwright adds a style, which the content security policy refuses
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, caret="initial")
