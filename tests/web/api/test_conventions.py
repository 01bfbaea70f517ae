"""What all endpoints have in common: entity tags, problems, content negotiation, pages, repeated requests."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_assets.interfaces.web.api import long_work
from dataset_assets.interfaces.web.api.idempotency import KEPT_SECONDS, MOST_ANSWERS, IdempotentAnswers
from dataset_assets.interfaces.web.api.long_work import preferred_wait, success
from dataset_assets.interfaces.web.api.negotiation import accepts
from dataset_assets.interfaces.web.api.pagination import Page, decoded, encoded
from tests.web.api.test_endpoints import SALES, data, problem


def test_an_answer_that_a_client_has_is_not_sent_again(client):
    found = client.get(SALES)
    again = client.get(SALES, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == found.headers["ETag"]
    data(client.post(SALES + "uses/", json={"training_run": "run-1", "partition": "2017-03"}))
    assert data(client.get(SALES, headers={"If-None-Match": found.headers["ETag"]}))["last_used_at"]


def test_a_change_says_what_it_is_based_on(client):
    tag = client.get(SALES).headers["ETag"]
    body = {"set": {"description": "One"}}
    assert "If-Match" in problem(client.patch(SALES, json=body), 428)["detail"]
    problem(client.put(SALES, json={"text": "x"}), 428)
    problem(client.delete(SALES), 428)
    problem(client.patch("/api/datasets/none/", json=body, headers={"If-Match": "*"}), 404)
    first = client.patch(SALES, json=body, headers={"If-Match": tag})
    assert data(first)["written"]
    stale = problem(client.patch(SALES, json={"set": {"description": "Two"}}, headers={"If-Match": tag}), 412)
    assert "was changed by somebody else" in stale["detail"]
    problem(client.put(SALES, json={"text": "x"}, headers={"If-Match": tag}), 412)
    problem(client.delete(SALES, headers={"If-Match": tag}), 412)
    problem(client.post(SALES + "clone/", json={"dataset": "c"}, headers={"If-Match": tag}), 412)
    problem(client.post(SALES + "rename/", json={"dataset": "c"}, headers={"If-Match": tag}), 412)
    both = f"{tag}, {first.headers['ETag']}"
    second = client.patch(SALES, json={"set": {"description": "Two"}}, headers={"If-Match": both})
    assert data(second)["changes"][0]["before"] == "One"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", SALES, {}, 405),
        ("GET", "/api/nothing/", {}, 404),
        ("GET", SALES, {"Accept": "text/html"}, 406),
        ("GET", SALES, {"Accept": "text/html, application/json;q=0"}, 406),
        ("PATCH", SALES, {"Content-Type": "text/plain", "If-Match": "*"}, 415),
        ("POST", SALES + "clone/", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("POST", SALES + "clone/", {"Content-Type": ""}, 415),
        ("POST", SALES + "clone/", {"Content-Type": "application/json"}, 422),
    ],
)
def test_a_request_that_cannot_be_answered_gets_the_right_status(client, method, path, headers, status):
    body = b"{" if method in ("PATCH", "POST") else None
    found = problem(client.request(method, path, content=body, headers=headers), status)
    assert found["title"]
    assert found["detail"]


def test_another_method_is_answered_with_those_that_there_are(client):
    found = client.request("TRACE", SALES)
    assert found.headers["Allow"] == "DELETE, GET, PATCH, PUT"
    problem(found, 405)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", True),
        ("application/*", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("application/json;q=0, */*", False),
        ("text/*", False),
        ("application/xml", False),
    ],
)
def test_accept_is_read_as_the_standard_says(accept, expected):
    assert accepts(accept, "application/json") is expected


def test_long_work_is_answered_with_its_operation(client):
    path = "/api/tables/transactions/stats/"
    accepted = client.get(path, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202
    assert accepted.headers["Preference-Applied"] == "respond-async"
    operation = accepted.json()["data"]
    assert accepted.headers["Location"] == f"/api/operations/{operation['id']}/"
    until = time.monotonic() + 30
    while operation["status"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        operation = data(client.get(accepted.headers["Location"]))
    assert operation["status"] == "succeeded"
    assert operation["result"] == data(client.get(path, headers={"Prefer": "wait=30"}))
    assert len(data(client.get("/api/operations/"))["operations"]) == 2
    problem(client.get("/api/operations/none/"), 404)


def test_work_that_fails_is_answered_with_its_problem(client):
    found = problem(client.get("/api/tables/nothing/stats/"), 404)
    failed = data(client.get("/api/operations/"))["operations"][0]
    assert failed["status"] == "failed"
    assert failed["problem"] == found


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 20),
        ("wait=3", 3),
        ("handling=lenient; wait=7", 7),
        ("wait=99999", long_work.LONGEST_WAIT),
        ("respond-async, wait=5", 0),
        ("wait=x", 20),
    ],
)
def test_a_client_says_how_long_it_waits(prefer, seconds):
    assert preferred_wait(prefer)[0] == seconds


def test_the_same_request_with_the_same_key_is_done_once(client, project):
    headers = {"Idempotency-Key": "a"}
    path, body = SALES + "clone/", {"dataset": "copy"}
    first, again = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["ETag"] == again.headers["ETag"]
    found = problem(client.post(path, json={"dataset": "other"}, headers=headers), 422)
    assert "Idempotency-Key" in found["detail"]
    problem(client.post(path, json=body), 409)
    assert sorted(each.name for each in project.file("x").parent.glob("*.yaml")) == [
        "copy.yaml", "products.yaml", "profiles.yaml", "sales.yaml",
    ]  # fmt: skip
    chosen = {"json": {"partition": "2017-03"}, "headers": {**headers, "Prefer": "respond-async"}}
    first, again = (client.post(SALES + "analyze/", **chosen) for _ in range(2))
    assert first.json() == again.json()
    assert len(data(client.get("/api/operations/"))["operations"]) == 1


def test_a_request_that_failed_can_be_sent_again(client):
    headers = {"Idempotency-Key": "b"}
    path = "/api/models/m/datasets/"
    problem(client.post(path, json={"dataset": "sales", "text": "x"}, headers=headers), 409)
    problem(client.post(path, json={"dataset": "new", "text": "x"}, headers=headers), 422)


def test_answers_are_kept_for_a_day_and_within_bounds():
    now = [0.0]
    answers = IdempotentAnswers(lambda: now[0])
    calls = []

    def answer(key: str) -> object:
        return answers.answer(key, "scope", "body", lambda: calls.append(key) or success(len(calls))).body

    assert answer("a") == answer("a")
    now[0] = KEPT_SECONDS - 1
    assert answer("a") == success(1).body
    now[0] = KEPT_SECONDS + 1
    assert answer("a") == success(2).body
    for number in range(MOST_ANSWERS + 5):
        answer(f"key {number}")
    assert len(answers._kept) <= MOST_ANSWERS


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), unique=True, max_size=30),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), unique=True, max_size=10),
    st.integers(1, 7),
    st.booleans(),
)
def test_pages_have_every_item_once_while_others_come_and_go(items, changing, limit, newest_first):
    """What is there all the time is on one page exactly; what comes or goes is on one at most."""
    stable = [each for each in items if each not in changing]
    cursor, sent, turn = None, [], 0
    while True:
        present = [*stable, *(changing[turn % 2 :: 2])]
        part = Page(limit, decoded(cursor) if cursor else None).of(
            present, lambda each: each, newest_first=newest_first
        )
        sent += part.items
        assert len(part.items) <= limit
        cursor, turn = part.next, turn + 1
        if cursor is None:
            break
    assert len(sent) == len(set(sent))
    assert set(stable) <= set(sent)
    assert sent == sorted(sent, reverse=newest_first)


def test_lists_come_in_pages(client):
    first = data(client.get("/api/datasets/?limit=2"))
    assert [each["dataset"] for each in first["datasets"]] == ["products", "profiles"]
    client.post("/api/datasets/products/clone/", json={"dataset": "another"})
    second = data(client.get("/api/datasets/", params={"limit": 2, "cursor": first["next"]}))
    assert [each["dataset"] for each in second["datasets"]] == ["sales"]
    assert second["next"] is None
    tables = data(client.get("/api/models/m/tables/?limit=1"))
    assert [each["name"] for each in tables["tables"]] == ["households"]
    rest = data(client.get("/api/models/m/tables/", params={"cursor": tables["next"]}))["tables"]
    assert [each["name"] for each in rest] == ["transactions"]
    past = data(client.get(SALES + "publications/?limit=1"))
    rest = data(client.get(SALES + "publications/", params={"cursor": past["next"]}))["publications"]
    assert [each["period"] for each in (*past["publications"], *rest)] == ["2017-03", "2017-02"]


@pytest.mark.parametrize("cursor", ["x", "e30", encoded([1]), "W1sxXV0", "[" * 2000, "\u00e9"])
def test_a_cursor_of_something_else_is_refused(client, cursor):
    found = problem(client.get("/api/datasets/", params={"cursor": cursor}), 422)
    assert "cursor" in json.dumps(found)


def test_instants_are_in_utc(client):
    found = data(client.get(SALES))
    assert datetime.fromisoformat(found["created_at"]).tzinfo == UTC
