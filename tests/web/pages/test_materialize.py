"""A dataset is published through a real Dagster: its run is started, followed, found again and explained."""

import json
from collections.abc import Generator
from time import monotonic, sleep

import httpx
import pytest

from dataset_assets.errors import NotFoundError, PublishError, UnavailableError
from dataset_assets.interfaces.web.dagster_client import DagsterClient
from dataset_assets.interfaces.web.dagster_runs import RunProgress, RunStatus
from dataset_assets.ports.engine import JobContext
from tests.assets.retailer import BRANDS
from tests.web.pages.conftest import serving
from tests.web.pages.dagster_server import dagster_over
from tests.web.pages.gallery import Gallery, open_gallery
from tests.web.pages.reading_pages import ReadPage

PATIENCE = 180.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return open_gallery(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def dagster(shop: Gallery) -> Generator[DagsterClient]:
    with dagster_over(shop.retailer, shop.retailer.root / "home") as client:
        yield client


@pytest.fixture(scope="module")
def server(shop: Gallery, dagster: DagsterClient) -> Generator[httpx.Client]:
    with serving(shop.workspace, dagster.address, shop.retailer.root / "audit.jsonl") as client:
        yield client


@pytest.fixture(scope="module")
def without(shop: Gallery) -> Generator[httpx.Client]:
    """A server that knows no Dagster."""
    with serving(shop.workspace) as client:
        yield client


def ended(dagster: DagsterClient, run_id: str, stem: str) -> RunProgress:
    end = monotonic() + PATIENCE
    while not (run := dagster.run(run_id, stem)).status.ended:
        assert monotonic() < end, run
        sleep(0.5)
    return run


def published(shop: Gallery, stem: str) -> dict[str | None, str]:
    """The digest of each published Period."""
    target = shop.workspace.target
    with target.engine.connect(JobContext(stem)) as session:
        return {
            period: record["digest"] for period, record in target.warehouse.records(stem, session).items()
        }


def test_the_page_starts_a_run_and_follows_it_to_the_publication(
    shop: Gallery, dagster: DagsterClient, server: httpx.Client
) -> None:
    form = ReadPage("http://x/", server.get("/datasets/hostile/materialize").text)
    assert "2024-04: never published" not in form.text
    assert "never published" in form.text
    sent = server.post("/datasets/hostile/materialize", data={"period": "2024-04"})
    assert sent.status_code == httpx.codes.SEE_OTHER, sent.text
    run_id = sent.headers["location"].rsplit("/", 1)[1]
    first = server.get(sent.headers["location"]).text
    assert 'hx-trigger="every 2s"' in first
    assert '<noscript><meta http-equiv="refresh"' in first

    run = ended(dagster, run_id, "hostile")
    assert run.status is RunStatus.SUCCEEDED, run
    assert run.partitions == ("2024-04",)
    assert run.steps[0].text == "2024-04: finding the tables"
    assert "2024-04" in published(shop, "hostile")
    (line,) = (shop.retailer.root / "audit.jsonl").read_text().splitlines()
    assert (json.loads(line)["dataset"], json.loads(line)["run"]) == ("hostile", run_id)

    page = ReadPage("http://x/", server.get(f"/datasets/hostile/runs/{run_id}").text)
    assert f"Published {run.row_count:,} rows" in page.text
    assert "hx-trigger" not in page.html
    assert f"{dagster.address}/runs/{run_id}" in page.links
    assert "natural_key_unique every (order_id) is there once" in page.text
    with pytest.raises(PublishError, match="cancel"):
        dagster.cancel(run_id)


def test_the_api_follows_the_run_and_a_repeated_request_starts_no_second_one(
    shop: Gallery, dagster: DagsterClient, server: httpx.Client
) -> None:
    address, body = "/api/datasets/hostile/materialize/", {"first": "2024-04", "last": "2024-05"}
    headers = {"Idempotency-Key": "once", "Prefer": "respond-async"}
    sent = server.post(address, json=body, headers=headers)
    assert sent.status_code == httpx.codes.ACCEPTED, sent.text
    assert server.post(address, json=body, headers=headers).json() == sent.json()
    operation = sent.json()["data"]
    assert sent.headers["location"] == f"/api/operations/{operation['id']}/"

    end = monotonic() + PATIENCE
    page = ReadPage("http://x/", server.get(f"/operations/{operation['id']}").text)
    while "succeeded" not in page.text.lower():
        assert monotonic() < end, page.text
        assert "Failed" not in page.text, page.text
        sleep(0.5)
        page = ReadPage("http://x/", server.get(f"/operations/{operation['id']}").text)
    assert "2024-05" in published(shop, "hostile")
    with serving(shop.workspace, dagster.address) as restarted:
        again = restarted.post(address, json=body, headers={**headers, "Prefer": "wait=30"}).json()["data"]
    assert len(again["publications"]) == 2
    assert again["url"] == f"{dagster.address}/runs/{again['run_id']}"
    assert again["status"] == "succeeded"


def test_a_run_that_fails_says_why_in_the_library_s_words(
    shop: Gallery, dagster: DagsterClient, server: httpx.Client
) -> None:
    launched = dagster.launch("monthly", ["2024-12-01"] if _has_days(dagster) else ["2024-12"])
    run = ended(dagster, launched.run_id or "", "monthly")
    assert run.status is RunStatus.FAILED
    assert any("2024-12" in each for each in run.failures), run.failures
    assert not any("Traceback" in each or "dagster." in each for each in run.failures), run.failures
    page = ReadPage("http://x/", server.get(f"/datasets/monthly/runs/{run.run_id}").text)
    assert run.failures[0] in page.text
    assert "2024-12" not in published(shop, "monthly")


def _has_days(dagster: DagsterClient) -> bool:
    asset = dagster.asset("monthly")
    assert asset
    return "2024-12-01" in asset.partition_keys


def test_a_dataset_that_is_younger_than_dagster_is_found_after_a_reload(
    shop: Gallery, dagster: DagsterClient
) -> None:
    shop.retailer.write("younger", BRANDS.replace("000002", "00000b"))
    assert dagster.asset("younger") is None
    launched = dagster.launch("younger")
    assert ended(dagster, launched.run_id or "", "younger").status is RunStatus.SUCCEEDED


def test_what_dagster_does_not_know_is_said(dagster: DagsterClient, server: httpx.Client) -> None:
    with pytest.raises(PublishError, match="no asset `datasets/nothing`"):
        dagster.launch("nothing")
    with pytest.raises(PublishError, match="partition 1999-01"):
        dagster.launch("hostile", ["1999-01"])
    with pytest.raises(NotFoundError):
        dagster.run("00000000-0000-0000-0000-000000000000")
    with pytest.raises(NotFoundError):
        dagster.backfill("nothing")
    answer = server.get("/datasets/hostile/runs/nothing")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "Dagster has no such run" in answer.text


def test_a_draft_is_published_only_anyway(server: httpx.Client) -> None:
    refused = server.post("/datasets/draft/materialize", data={})
    assert refused.status_code == httpx.codes.CONFLICT
    assert "<code>draft</code> is a draft" in refused.text
    api = server.post("/api/datasets/draft/materialize/", json={})
    assert api.status_code == httpx.codes.CONFLICT
    assert "draft" in api.json()["detail"]


@pytest.mark.parametrize("period", ["1999-01", "soon", "2999-01", "<b>"])
def test_a_period_that_does_not_exist_is_said_beside_the_form(server: httpx.Client, period: str) -> None:
    page = server.post("/datasets/hostile/materialize", data={"period": period})
    assert page.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "The run was not started" in page.text
    assert "<b>" not in page.text
    api = server.post("/api/datasets/hostile/materialize/", json={"periods": [period]})
    assert api.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_without_dagster_a_sentence_says_what_to_do(without: httpx.Client) -> None:
    page = without.get("/datasets/brands/materialize").text
    assert "--dagster http://127.0.0.1:3000" in page
    sent = without.post("/datasets/brands/materialize", data={})
    assert sent.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "this server knows no Dagster" in sent.text
    api = without.post("/api/datasets/brands/materialize/", json={})
    assert api.status_code == httpx.codes.SERVICE_UNAVAILABLE


def test_a_dagster_that_is_down_is_said(shop: Gallery) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        DagsterClient("http://127.0.0.1:9").launch("brands")
    with serving(shop.workspace, "http://127.0.0.1:9") as client:
        sent = client.post("/datasets/brands/materialize", data={})
        assert sent.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "Dagster does not answer at http://127.0.0.1:9" in sent.text
        shown = client.get("/datasets/brands/runs/x")
        assert shown.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert client.get("/datasets/brands").status_code == httpx.codes.OK
