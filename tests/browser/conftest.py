"""Fixtures: a project with one published dataset, its server, and browsers that visit it."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import MISSING, REQUIRED, chromium_path
from tests.browser.serving import Shop, copied, new_shop, served
from tests.browser.visitor import visiting

Visit = Callable[..., Page]
"""Opens a browser of its own at an address of the server, with options of Playwright's contexts."""

collect_ignore_glob = [] if REQUIRED or chromium_path() else ["test_*.py"]


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def published_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return new_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def shop(published_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project of the module's own."""
    return copied(published_shop, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def server(shop: Shop) -> Generator[str]:
    with served(shop) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, server: str) -> Generator[Visit]:
    with ExitStack() as stack:

        def open_page(path: str = "/", **options: Any) -> Page:
            page = stack.enter_context(visiting(browser, server, **options))
            page.goto(path)
            return page

        yield open_page
