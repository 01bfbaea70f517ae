"""Every page, light, dark and on a phone: axe-core finds nothing serious, and nothing scrolls sideways."""

from collections.abc import Callable, Mapping
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.visitor import accessibility_faults, shoot, too_wide
from tests.browser.wizard_walk import NEXT, press, to_step

LINES = "/datasets/order_lines"


def _at(path: str) -> Callable[[Page], object]:
    return lambda page: page.goto(path)


def _wrong_step(page: Page) -> None:
    page.goto("/new")
    press(page, NEXT)


def _joins(page: Page) -> None:
    to_step(page, 2)
    page.get_by_label("Main table").select_option("orders")
    page.locator("#field-lookups").wait_for()


def _sizes(page: Page) -> None:
    to_step(page, 4)
    page.locator("#sizes dl").wait_for()


def _faults(page: Page) -> None:
    page.goto(f"{LINES}/edit")
    box = page.locator("textarea.code")
    box.fill(box.input_value().replace("type: decimal", "type: dezimal"))
    press(page, "Review the text")


def _review(page: Page) -> None:
    page.goto(f"{LINES}/edit")
    page.get_by_label("Description").fill("Another description")
    press(page, "Review the change")


def _conflict(page: Page) -> None:
    page.goto(f"{LINES}/edit")
    page.locator("form:has(textarea.code) [name=based_on]").evaluate("each => { each.value = 'older' }")
    page.locator("form:has(textarea.code) [name=base]").evaluate(
        "each => { each.value = each.value.replace('Who bought what', 'Who bought something') }"
    )
    box = page.locator("textarea.code")
    box.fill(box.input_value().replace("months: 2", "months: 3"))
    press(page, "Review the text")


PAGES: Mapping[str, Callable[[Page], object]] = {
    "list": _at("/"),
    "dataset": _at(LINES),
    "wizard-1": _at("/new"),
    "wizard-wrong": _wrong_step,
    "wizard-2": _joins,
    "wizard-3": lambda page: to_step(page, 3),
    "wizard-4": _sizes,
    "wizard-review": lambda page: to_step(page, 5),
    "edit": _at(f"{LINES}/edit"),
    "edit-faults": _faults,
    "edit-review": _review,
    "edit-conflict": _conflict,
    **{step: _at(f"{LINES}/{step}") for step in ("clone", "rename", "archive", "disable", "delete")},
    **{name: _at(f"{LINES}/{name}") for name in ("preview", "analyze", "compare", "materialize", "sql")},
    "no-such-dataset": _at("/datasets/nothing"),
}
SCREENS: Mapping[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "light": ("light", {"width": 1200, "height": 900}),
    "dark": ("dark", {"width": 1200, "height": 900}),
    "phone": ("light", {"width": 390, "height": 844}),
}
"""Name → colour scheme and size."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_each_screen(visit, name):
    page = visit()
    PAGES[name](page)
    page.wait_for_load_state("networkidle")
    found = {}
    for screen, (scheme, size) in SCREENS.items():
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        shoot(page, f"{name}-{screen}")
        found[screen] = accessibility_faults(page) + too_wide(page)
    assert found == {screen: [] for screen in SCREENS}


@pytest.mark.parametrize("name", ["list", "dataset", "edit", "preview", "sql", "compare"])
def test_a_page_is_read_without_scripts(visit, name):
    page = visit(java_script_enabled=False)
    PAGES[name](page)
    assert page.get_by_role("heading", level=1).is_visible()
    assert "order" in page.get_by_role("main").inner_text().lower()
