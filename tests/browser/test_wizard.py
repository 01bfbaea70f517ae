"""The wizard in a real browser: with a mouse, with a keyboard, without scripts, and with wrong answers."""

import re
from contextlib import ExitStack

import pytest

from tests.browser.serving import free_port, served
from tests.browser.visitor import visiting
from tests.browser.wizard_walk import BACK, NEXT, press, to_step, wrong_answers


def test_four_steps_create_a_dataset_that_the_list_shows(visit, shop):
    page = visit()
    to_step(page, 5, "Orders of winter")
    assert "orders_of_winter.yaml" in page.locator("h2").first.inner_text()
    assert page.locator("pre").inner_text().startswith("# A draft")
    assert not shop.file("orders_of_winter").exists()
    press(page, "Create dataset")
    assert page.url.endswith("/datasets/orders_of_winter?done=created")
    assert "status: draft" in shop.file("orders_of_winter").read_text()
    page.goto("/")
    assert page.get_by_role("link", name="Orders of winter").is_visible()


def test_facts_beside_each_choice_follow_the_choice(visit):
    page = visit()
    to_step(page, 2)
    page.get_by_label("Main table").select_option("products")
    page.locator("#facts-main-table", has_text="6 rows").wait_for()
    page.get_by_label("Main table").select_option("orders")
    page.locator("#field-lookups").get_by_label("products").wait_for()
    press(page, NEXT)
    page.get_by_label("Revenue/Amount").select_option("-")
    page.locator("#field-extra-columns").get_by_label("price").wait_for()
    page.get_by_label("Revenue/Amount").select_option("price")
    page.locator("#facts-column-mapping-revenue", has_text="decimal").wait_for()
    page.locator("#field-extra-columns", has_not_text="price").wait_for()


def test_sizes_follow_the_answers_and_the_last_answer_wins(visit):
    page = visit()
    to_step(page, 4)
    sizes = page.locator("#sizes")
    sizes.locator("dl").wait_for()
    page.get_by_label("No split").check()
    page.locator("#sizes", has_not_text="Train set").wait_for()
    page.get_by_label("Random split").check()
    page.locator("#sizes dl", has_text="Train set").wait_for()
    days = page.locator("#date-range-rolling-months")
    page.get_by_label("Rolling window").check()
    for months in ("1", "2", "3", "24"):  # each one begins a count; only the last is to be seen at the end
        days.fill(months)
        page.wait_for_timeout(100)
    page.get_by_label("All rows").check()
    with_all = page.locator("#sizes dl dd").first
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)
    everything = with_all.inner_text()
    page.reload()
    assert int(everything.replace(",", "")) > 0


def test_wrong_answers_get_a_sentence_beside_their_field(visit, shop):
    page = visit("/new")
    press(page, NEXT)
    assert wrong_answers(page) == {"Dataset name": "The dataset name is required."}
    assert page.evaluate("document.activeElement.id") == "name"
    page.get_by_label("Dataset name").fill("Order lines")
    press(page, NEXT)
    assert list(wrong_answers(page)) == ["File name"]
    assert "already" in wrong_answers(page)["File name"]
    page.get_by_label("File name").fill("winter")
    press(page, NEXT)
    page.get_by_label("Main table").select_option("orders")
    page.locator("#field-lookups").wait_for()
    press(page, NEXT)
    page.get_by_label("User/Customer ID").evaluate("each => { each.options[0].value = 'nonsense' }")
    page.get_by_label("User/Customer ID").select_option("nonsense")
    press(page, NEXT)
    assert "nonsense" in wrong_answers(page)["User/Customer ID"]
    page.get_by_label("User/Customer ID").select_option("customer_id")
    press(page, NEXT)
    page.get_by_label("Rolling window").check()
    page.locator("#date-range-rolling-months").fill("many")
    page.get_by_label("Only specific categories").check()
    press(page, "Review →")
    found = wrong_answers(page)
    assert found["Date range"] == "The number of months 'many' is no whole number from 1 to 24."
    assert "has no value" in found["Product filter"]
    assert page.locator("#date-range-rolling-months").input_value() == "many"
    assert page.evaluate("document.activeElement.id") == "date-range-rolling"
    assert not shop.file("winter").exists()


def test_back_keeps_answers_and_reloading_is_harmless(visit, shop):
    page = visit()
    to_step(page, 4, "Kept answers")
    page.get_by_label("Minimum transactions per customer", exact=True).check()
    page.locator("#customer-filter-least-number").fill("3")
    press(page, BACK)
    press(page, BACK)
    press(page, BACK)
    assert page.get_by_label("Dataset name").input_value() == "Kept answers"
    page.reload()
    for _ in range(3):
        press(page, NEXT)
    assert page.locator("#customer-filter-least-number").input_value() == "3"
    page.go_back()
    assert page.get_by_role("heading", name="Step 3 of 4").is_visible()
    page.go_forward()
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/")
    assert not shop.file("kept_answers").exists()


def test_the_keyboard_alone_leads_through_the_wizard(visit, shop):
    page = visit("/new")

    def tab_to(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            found = page.evaluate("document.activeElement.id || document.activeElement.innerText")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {found} cannot be seen"
            if found.startswith(name):
                return
        pytest.fail(f"the keyboard does not lead to {name}")

    tab_to("name")
    page.keyboard.type("By keyboard")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to("main-table")
    page.keyboard.type("orders")
    page.locator("#field-lookups").wait_for()
    tab_to(NEXT)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="Step 3 of 4").wait_for()
    tab_to(NEXT)
    with page.expect_navigation():
        page.keyboard.press("Space")
    tab_to("split-config-")
    page.keyboard.press("ArrowDown")
    page.get_by_label("Random split").focus()
    page.keyboard.press("Space")
    tab_to("Review →")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to("Create dataset")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "strategy: random" in shop.file("by_keyboard").read_text()


def test_every_step_works_without_scripts(visit, shop):
    page = visit("/new", java_script_enabled=False)
    page.get_by_label("Dataset name").fill("Without scripts")
    press(page, NEXT)
    page.get_by_label("Main table").select_option("orders")
    press(page, "Show joins")
    assert page.locator("#field-lookups").is_visible()
    press(page, NEXT)
    press(page, NEXT)
    press(page, "Show sizes")
    assert re.search(r"Train set\s+\d+ \(\d+%\)", page.locator("#sizes").inner_text())
    press(page, "Review →")
    page.get_by_label("Activate it at once").check()
    press(page, "Create dataset")
    assert "status: active" in shop.file("without_scripts").read_text()


def test_damaged_answers_in_an_address_begin_anew(visit):
    page = visit("/new?step=3&answers=nonsense")
    assert "damaged" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Dataset name").is_visible()


def test_a_restart_of_the_server_loses_no_answer(browser, shop):
    port = free_port()
    with ExitStack() as stack:
        with served(shop, port=port) as address:
            page = stack.enter_context(visiting(browser, address))
            to_step(page, 4, "After the restart")
            page.locator("#sizes dl").wait_for()
        with served(shop, port=port):
            page.get_by_label("Random split").check(timeout=5_000)
            press(page, "Review →")
            assert "strategy: random" in page.locator("pre").inner_text()
            press(page, "Create dataset")
            assert shop.file("after_the_restart").exists()
