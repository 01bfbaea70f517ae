"""The pages that change a file: fields, whole texts, two people at once, and a dataset's life."""

from playwright.sync_api import Page

from tests.browser.serving import served
from tests.browser.visitor import visiting
from tests.browser.wizard_walk import press, to_step

EDIT = "/datasets/order_lines/edit"


def change_text(page: Page, old: str, new: str) -> str:
    """Replace words in the whole text of the form; return the text."""
    box = page.locator("textarea.code")
    text = box.input_value().replace(old, new)
    box.fill(text)
    return text


def test_a_field_is_changed_after_its_difference_was_shown(visit, shop):
    page = visit(EDIT)
    page.get_by_label("Name", exact=True).fill("Lines of orders")
    press(page, "Review the change")
    assert "No structural change" in page.get_by_role("main").inner_text()
    assert "+  name: Lines of orders" in page.locator("pre.diff").inner_text()
    assert "Lines of orders" not in shop.file("order_lines").read_text()
    press(page, "Confirm")
    assert page.url.endswith("/datasets/order_lines?done=edited")
    assert "The file was changed" in page.get_by_role("main").inner_text()
    text = shop.file("order_lines").read_text()
    assert "name: Lines of orders" in text
    assert text.startswith("# One dataset.")


def test_a_setting_that_changes_the_structure_says_so(visit, shop):
    page = visit(EDIT)
    page.locator("#field-split-config").get_by_label("Random split").check()
    page.locator("#split-config-random-percent").fill("70")
    press(page, "Review the change")
    shown = page.get_by_role("main").inner_text()
    assert "A structural change: version 2" in shown
    press(page, "← Back to editing")
    assert page.locator("#split-config-random-percent").input_value() == "70"
    assert page.locator("#field-split-config").get_by_label("Random split").is_checked()
    assert "random" not in shop.file("order_lines").read_text()


def test_faults_are_shown_at_their_lines_and_nothing_typed_is_lost(visit, shop):
    page = visit(EDIT)
    before = shop.file("order_lines").read_text()
    text = change_text(page, "type: decimal", "type: dezimal")
    line = next(at for at, each in enumerate(text.splitlines(), 1) if "dezimal" in each)
    press(page, "Review the text")
    alert = page.get_by_role("alert").inner_text()
    assert f"line {line}, column" in alert
    assert "dezimal" in alert
    assert page.locator("textarea.code").input_value() == text
    assert page.evaluate("document.activeElement.id") == "text"
    assert shop.file("order_lines").read_text() == before


def test_a_wrong_field_has_its_sentence_and_keeps_its_value(visit):
    page = visit(EDIT)
    page.locator("#field-filters-date-range").get_by_label("Rolling window").check()
    page.locator("#filters-date-range-rolling-months").fill("900")
    page.get_by_label("Description").fill("Typed before the fault")
    press(page, "Review the change")
    assert page.locator("#error-filters-date-range").is_visible()
    assert page.locator("#filters-date-range-rolling-months").input_value() == "900"
    assert page.get_by_label("Description").input_value() == "Typed before the fault"


def test_whoever_is_second_is_told_and_loses_nothing(visit, shop):
    first, second = visit(EDIT), visit(EDIT)
    change_text(first, "Who bought what", "Who bought which")
    theirs = change_text(second, "months: 2", "months: 3")
    press(first, "Review the text")
    press(first, "Confirm")
    press(second, "Review the text")
    shown = second.get_by_role("main").inner_text()
    assert "The file was changed meanwhile" in shown
    assert "+  description: Who bought which" in shown
    assert "months: 3" in second.locator("textarea.code").input_value()
    assert "months: 3" not in shop.file("order_lines").read_text()
    press(second, "Merge by hand")
    assert "Who bought which" in second.locator("pre.diff").inner_text()
    assert second.locator("textarea.code").input_value() == theirs
    change_text(second, "Who bought what", "Who bought which")
    press(second, "Review the text")
    press(second, "Confirm")
    text = shop.file("order_lines").read_text()
    assert "months: 3" in text
    assert "Who bought which" in text


def test_a_change_between_review_and_confirm_is_found_and_mine_can_be_taken(visit, shop):
    page = visit(EDIT)
    page.get_by_label("Description").fill("Mine")
    press(page, "Review the change")
    path = shop.file("order_lines")
    path.write_text(path.read_text().replace("owner: user-me", "owner: user-me  # by hand"))
    press(page, "Confirm")
    assert "by hand" in page.get_by_role("main").inner_text()
    assert "description: Mine" in page.locator("textarea.code").input_value()
    press(page, "Take mine over theirs")
    assert "by hand" in page.locator("pre.diff").inner_text()
    press(page, "Confirm")
    assert "description: Mine" in path.read_text()
    assert "by hand" not in path.read_text()


def test_the_life_of_a_copy(visit, shop):
    page = visit("/datasets/order_lines/clone")
    page.get_by_label("New file name").fill("order lines")
    press(page, "Create the copy")
    assert "cannot name a dataset" in page.get_by_role("alert").inner_text()
    page.get_by_label("New file name").fill("order_copy")
    press(page, "Create the copy")
    assert page.url.endswith("/datasets/order_copy?done=clone")
    for step, status in (
        ("Activate", "active"),
        ("Disable", "disabled"),
        ("Archive", "archived"),
        ("Restore", "active"),
    ):
        page.goto(f"/datasets/order_copy/{step.lower()}")
        press(page, step)
        assert page.url.endswith(f"?done={step.lower()}")
        assert f"status: {status}" in shop.file("order_copy").read_text()
    page.goto("/datasets/order_copy/rename")
    page.get_by_label("New file name").fill("order_twin")
    press(page, "Rename")
    assert page.url.endswith("/datasets/order_twin?done=rename")
    page.goto("/datasets/order_twin/delete")
    assert "order_twin.yaml" in page.get_by_role("main").inner_text()
    press(page, "Delete")
    assert "was deleted" in page.get_by_role("main").inner_text()
    assert not shop.file("order_twin").exists()
    assert page.get_by_role("link", name="Order lines (copy)").count() == 0


def test_a_dataset_that_a_project_uses_is_not_deleted(visit, shop):
    page = visit("/datasets/order_lines/delete")
    assert "the project training uses order_lines" in page.get_by_role("alert").inner_text().replace("`", "")
    assert page.get_by_role("button", name="Delete").count() == 0
    assert shop.file("order_lines").exists()


def test_locked_files_are_not_changed_and_the_patch_is_offered(browser, shop):
    with (
        served(shop, env={"DATASET_ASSETS_LOCKED": "1"}) as address,
        visiting(browser, address) as page,
    ):
        page.goto(EDIT)
        page.get_by_label("Description").fill("Not here")
        press(page, "Review the change")
        press(page, "Confirm")
        assert "+  description: Not here" in page.locator("pre").inner_text()
        with page.expect_download() as offered:
            page.get_by_role("link", name="Download the patch").click()
        assert "+  description: Not here" in offered.value.path().read_text()
        to_step(page, 5, "Not created")
        press(page, "Create dataset")
        assert "+  name: Not created" in page.locator("pre").inner_text()
    assert "Not here" not in shop.file("order_lines").read_text()
    assert not shop.file("not_created").exists()
