"""Walk through the wizard as a visitor does."""

from playwright.sync_api import Page

NEXT, BACK = "Next →", "← Back"


def press(page: Page, button: str) -> None:
    """Press a button, and wait for the page that follows."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def to_step(page: Page, number: int, name: str = "Winter orders", main: str = "orders") -> None:
    """Accept what is suggested until a step; 5 is the page that shows the file."""
    page.goto("/new")
    if number > 1:
        page.get_by_label("Dataset name").fill(name)
        press(page, NEXT)
    if number > 2:
        page.get_by_label("Main table").select_option(main)
        page.locator("#field-lookups").wait_for()
        press(page, NEXT)
        page.get_by_role("heading", name="Step 3 of 4").wait_for()
    if number > 3:
        press(page, NEXT)
    if number > 4:
        page.locator("#sizes dl").wait_for()
        press(page, "Review →")


def wrong_answers(page: Page) -> dict[str, str]:
    """Return the sentence below each field whose answer is wrong, by the label of the field."""
    fields = page.locator(".field:has(.error), fieldset:has(> .error)").all()
    return {
        each.locator("label, legend").first.inner_text().removesuffix("*").strip(): each.locator(".error")
        .first.inner_text()
        .strip()
        for each in fields
    }
