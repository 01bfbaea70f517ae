"""After an erasure no page and no answer of the API has the value, of a server that ran before it as well."""

from collections.abc import Iterator
from time import sleep
from urllib.parse import urlencode

from pyarrow import compute, parquet

from dataset_assets.interfaces.erasure import erase_rows
from tests.publishing.byte_search import contains
from tests.web.access.test_what_is_shown import Elements, addresses
from tests.web.conftest import Project, TestClient, open_client

TOWN = "Jena"
"""The town of one household, which nothing else has."""
VALUES = {"people": "profiles", "01a2001c-5baf-7ea5-90b9-0d6b764edd8d": "sales"}
"""The names and ids in the addresses of `test_what_is_shown`, each with the name that stands for it here."""


def crawled(client: TestClient, more: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield every answer that is reached: each GET of API and pages, and each link of a page."""
    waiting = [_here(each) for each in addresses()] + more
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        if address in seen or len(seen) > 300:
            continue
        seen.add(address)
        answer = client.get(address)
        yield address, answer.content
        if "html" in answer.headers.get("content-type", ""):
            links = Elements(answer.text).links
            waiting += [each.split("#")[0] for each in links if each.startswith("/")]


def _here(address: str) -> str:
    for there, here in VALUES.items():
        address = address.replace(there, here)
    return address


def with_value(client: TestClient, *more: str) -> list[str]:
    return [address for address, content in crawled(client, list(more)) if contains(content, TOWN)]


def remove_from_source(project: Project) -> None:
    """Remove the person's row from the source table, as an ETL does that was asked to."""
    path = project.folder / "data" / "retail" / "households.parquet"
    found = parquet.read_table(path)
    parquet.write_table(found.filter(compute.field("town") != TOWN), path)


def test_no_answer_has_a_value_after_an_erasure(project: Project) -> None:
    where = f"town = '{TOWN}'"
    preview = f"/api/datasets/profiles/preview/?{urlencode({'of': 'published'})}"
    with open_client() as before:
        headers = {"Prefer": "wait=20", "Idempotency-Key": "k"}
        analyzed = before.post("/api/datasets/profiles/analyze/", headers=headers, json={})
        assert (analyzed.status_code, TOWN in analyzed.text) == (200, True)
        form = {"of": "published", "where": where}
        started = before.post("/datasets/profiles/preview", data=form, follow_redirects=False)
        operation = started.headers["location"]
        while "Look again" in (shown := before.get(operation).text):
            sleep(0.1)
        assert TOWN in shown
        found = with_value(before, preview, operation)
        assert {"/datasets/profiles/preview", operation} <= set(found), found
        assert "/api/datasets/sales/" in found, "the dataset that nests it has it too"
        erase_rows("profiles", where=where)
        remove_from_source(project)
        assert before.get(f"/api{operation}/").status_code == 404
        again = before.post("/api/datasets/profiles/analyze/", headers=headers, json={})
        assert (again.status_code, "before rows were erased" in again.text) == (422, True)
        assert with_value(before, preview, operation) == []
        with open_client() as after:
            assert with_value(after, preview, operation) == []
