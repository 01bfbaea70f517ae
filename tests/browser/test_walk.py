"""The life of a dataset in the browser, with Dagster running: from the wizard to its deletion."""

import os
from collections.abc import Generator

import pytest

from tests.browser.serving import BIN, Shop, free_port, running, served, wait_until_answers
from tests.browser.wizard_walk import press, to_step

STEM = "spring_orders"


@pytest.fixture(scope="module")
def dagster(shop: Shop) -> Generator[str]:
    """A real `dagster dev` of the project, with a home of its own."""
    home, port = shop.root / "home", free_port()
    home.mkdir()
    (home / "dagster.yaml").write_bytes((shop.root / "dagster.yaml").read_bytes())
    log = shop.root / "dagster.log"
    command = [str(BIN / "dagster"), "dev", "--host", "127.0.0.1", "--port", str(port)]
    path = f"{BIN}:{os.environ['PATH']}"
    with running(command, shop, {"DAGSTER_HOME": str(home), "PATH": path}, log) as process:
        wait_until_answers(f"http://127.0.0.1:{port}/server_info", process, log, seconds=180)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def server(shop: Shop, dagster: str) -> Generator[str]:
    with served(shop, "--dagster", dagster) as address:
        yield address


def test_from_the_wizard_to_the_deletion(visit, shop):
    page = visit()
    to_step(page, 5, "Spring orders")
    page.get_by_label("Activate it at once").check()
    press(page, "Create dataset")
    assert "it is active" in page.get_by_role("main").inner_text()

    page.goto("/")
    page.get_by_role("link", name="Spring orders").click()
    page.get_by_role("link", name="Analyze").click()
    page.get_by_role("main").get_by_text("rows").first.wait_for()

    page.goto(f"/datasets/{STEM}/materialize")
    page.set_default_timeout(300_000)  # Dagster loads the code location again, which has a new dataset
    press(page, "Materialize")
    page.get_by_text("See the dataset").wait_for()
    page.get_by_role("link", name="See the dataset").click()
    assert page.locator("#statistics").is_visible()
    assert "user_id" in page.locator("#statistics").inner_text()

    page.goto(f"/datasets/{STEM}/clone")
    page.get_by_label("New file name").fill("spring_copy")
    press(page, "Create the copy")
    page.goto("/datasets/spring_copy/archive")
    press(page, "Archive")
    page.goto("/")
    assert page.get_by_role("link", name="Spring orders (copy)").count() == 0
    page.goto("/datasets/spring_copy/restore")
    press(page, "Restore")
    page.goto("/")
    assert page.get_by_role("link", name="Spring orders (copy)").is_visible()

    shop.run("pin", STEM)
    page.goto(f"/datasets/{STEM}/delete")
    assert "is in use" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("button", name="Delete").count() == 0
    shop.run("unpin", STEM, "--all")
    page.goto(f"/datasets/{STEM}/delete")
    assert "What is published stays" in page.get_by_role("main").inner_text()
    press(page, "Delete")
    assert "was deleted" in page.get_by_role("main").inner_text()
    assert not shop.file(STEM).exists()
