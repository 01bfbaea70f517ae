"""Many clients change one dataset at the same time, over a real server: nothing is lost.

Each update lets all others begin anew, so the time grows with their square: fifty write with
`DATASET_ASSETS_PROVE=1`.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from dataset_assets.catalog.load_catalog import load_catalog

WRITERS = 50 if os.environ.get("DATASET_ASSETS_PROVE") else 16
PATH = "/api/datasets/products/"


def test_many_writers_lose_no_update(serve, project):
    """Each writer adds a column, and begins anew when it is told that the file has changed."""
    address, over, broken, told = serve(), threading.Event(), [], [0] * WRITERS

    def write(number: int) -> None:
        with httpx.Client(base_url=address, timeout=240) as client:
            while True:
                found = client.get(PATH)
                columns = found.json()["data"]["definition"]["main_table"]["columns"]
                body = {"set": {"main_table.columns": [*columns, {"name": f"c{number}", "type": "string"}]}}
                done = client.patch(PATH, json=body, headers={"If-Match": found.headers["ETag"]})
                if done.status_code == 200:
                    return
                assert done.status_code == 412, done.text
                told[number] += 1

    def read() -> None:
        while not over.wait(0.02):
            broken.extend(load_catalog(project.definitions).entry("products").faults)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    over.set()
    reader.join()
    catalog = load_catalog(project.definitions)
    names = {each.name for each in catalog.checked(catalog.entry("products")).main_table.columns}
    assert {f"c{number}" for number in range(WRITERS)} <= names
    assert broken == []
    assert sum(told) > 0
    assert "# of the household" in project.file("products").read_text()


def test_the_second_of_two_clients_is_told(serve):
    with (
        httpx.Client(base_url=serve(), timeout=240) as one,
        httpx.Client(base_url=one.base_url, timeout=240) as two,
    ):
        seen = [client.get(PATH).headers["ETag"] for client in (one, two)]
        first = one.patch(PATH, json={"set": {"name": "One"}}, headers={"If-Match": seen[0]})
        second = two.patch(PATH, json={"set": {"name": "Two"}}, headers={"If-Match": seen[1]})
        assert (first.status_code, second.status_code) == (200, 412)
        assert "was changed by somebody else" in second.json()["detail"]
        assert two.get(PATH).json()["data"]["name"] == "One"


def test_of_many_who_create_the_same_one_succeeds(serve, project):
    address = serve()
    definition = {
        "name": "New",
        "owner": "user-ann",
        "main_table": {"name": "households", "columns": [{"name": "town", "type": "string"}]},
    }

    def create(number: int) -> int:
        body = {"dataset": "new", "definition": {**definition, "description": str(number)}}
        return httpx.post(f"{address}/api/models/m/datasets/", json=body, timeout=240).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(8)))
    assert statuses == [201, *[409] * 7]
    assert load_catalog(project.definitions).entry("new").ok
