"""Runs that are killed, interrupted, doubled or resumed publish exactly once (BR-201, BR-202)."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dataset_assets.errors import DatasetAssetsError, PublishError, SupersededError
from tests.bigquery.emulator import PATIENCE, PROJECT
from tests.bigquery.faults import Fault
from tests.bigquery.goods_publisher import PERIOD, STEM
from tests.bigquery.publishing_scenario import CHANGING, PublishingScenario, insert_of

if TYPE_CHECKING:
    from collections.abc import Generator

TIMES = int(os.environ.get("DATASET_ASSETS_FAULTS", "1"))
HERE = Path(__file__).resolve().parents[2]
PIPE = subprocess.PIPE


@contextmanager
def start(scenario: PublishingScenario, *how: str) -> "Generator[subprocess.Popen[str]]":
    """Run the publisher in a process; one that still runs at the end of a failed test is killed."""
    command = [
        sys.executable,
        "-m",
        "tests.bigquery.goods_publisher",
        json.dumps(asdict(scenario.publisher)),
        *how,
    ]
    with subprocess.Popen(command, cwd=HERE, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def wait_for(scenario: PublishingScenario, fate: str) -> None:
    until = time.monotonic() + PATIENCE
    while not any(request.fate == fate for request in scenario.proxy.requests):
        assert time.monotonic() < until, "it did not come so far"
        time.sleep(0.01)


def last_price(scenario: PublishingScenario) -> int:
    return sum(scenario.publication_counts.values()) - 1


def test_kill_9_between_stage_and_publish(scenario: PublishingScenario) -> None:
    """The old rows are kept; the next run publishes, and drops the killed run's temporary tables."""
    scenario.publish()
    for _ in range(TIMES):
        scenario.proxy.requests.clear()
        scenario.proxy.inject(Fault("held", insert_of("publish")))
        with start(scenario, "-1") as process:
            wait_for(scenario, "held")
            process.kill()
        assert process.returncode == -signal.SIGKILL
        staged, moved = sorted(scenario.temporary_tables, reverse=True)
        assert staged.startswith("_staged")
        assert moved.startswith("_moved")
        assert len(scenario.published()) == scenario.publication_counts[PERIOD]
        scenario.publish()


@pytest.mark.parametrize(
    ("number", "how", "step"), [(signal.SIGTERM, "dagster", "publish"), (signal.SIGINT, "alone", "stage")]
)
def test_an_interrupted_run_cancels_its_job(
    scenario: PublishingScenario, number: int, how: str, step: str
) -> None:
    scenario.publish()
    scenario.proxy.inject(Fault("held", insert_of(step)))
    with start(scenario, "-1", how) as process:
        wait_for(scenario, "held")
        (held,) = [request.job_id for request in scenario.proxy.requests if request.fate == "held"]
        process.send_signal(number)
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, error
    assert [request.job_id for request in scenario.proxy.requests if request.place == "cancel"] == [held]
    assert scenario.proxy.jobs[-1]["status"]["state"] == "DONE"
    scenario.assert_whole(PERIOD, last_price(scenario))


def test_a_job_whose_response_is_pending_is_cancelled(scenario: PublishingScenario) -> None:
    """BigQuery knows the job by the id that it was sent with."""
    scenario.publish()
    scenario.proxy.inject(Fault("lost", insert_of("stage")), Fault("503", insert_of("stage"), times=1000))
    with pytest.raises(DatasetAssetsError, match="does not come round"):
        scenario.publisher.publish(-1)
    (cancelled,) = [request.job_id for request in scenario.proxy.requests if request.place == "cancel"]
    assert "-stage-" in cancelled


def test_of_two_runs_the_later_publishes_and_the_other_is_superseded(scenario: PublishingScenario) -> None:
    for _ in range(TIMES):
        scenario.publish()
        publisher, warehouse = scenario.publisher, scenario.publisher.warehouse
        with publisher.session("run-a") as first, publisher.session("run-b") as second:
            before = warehouse.current(STEM, PERIOD, first)
            a = warehouse.claim(STEM, PERIOD, f"run-a{last_price(scenario)}", first)
            b = warehouse.claim(STEM, PERIOD, f"run-b{last_price(scenario)}", second)
            with pytest.raises(
                SupersededError, match=r"run 'run-b\d+' took over 'goods' for 2024-02; run 'run-a"
            ):
                publisher.publish_claimed(a, before, -1, first)
            scenario.publication_counts[PERIOD] += 1
            publisher.publish_claimed(b, before, last_price(scenario), second)
        scenario.assert_whole(PERIOD, last_price(scenario))


def test_two_claims_of_the_same_instant(scenario: PublishingScenario) -> None:
    """Both read the same last token; the claim with the greater run id wins."""
    scenario.publish(period := "same-instant")
    publisher, warehouse = scenario.publisher, scenario.publisher.warehouse
    with publisher.session("x", period) as session:
        before = warehouse.current(STEM, period, session)
        a = warehouse.claim(STEM, period, "run-a", session)
        instant = f"{a.token}, 'run-b', CURRENT_TIMESTAMP()"
        scenario.rows(f"INSERT INTO {{d}}._claims SELECT '{STEM}', '{period}', {instant}")
        b = type(a)(STEM, period, a.token, "run-b")
        scenario.publication_counts[period] += 1
        publisher.publish_claimed(b, before, last_price(scenario), session)
        with pytest.raises(SupersededError):
            publisher.publish_claimed(a, before, -1, session)
    scenario.assert_whole(period, last_price(scenario))


def test_a_publication_that_commits_after_the_next_claim_is_detected(scenario: PublishingScenario) -> None:
    """Its rows have ids that the later run has not read."""
    scenario.publish(period := "under-way")
    publisher, warehouse = scenario.publisher, scenario.publisher.warehouse
    with publisher.session("run-b", period) as session:
        before = warehouse.current(STEM, period, session)
        scenario.publish(period)
        claim = warehouse.claim(STEM, period, "run-b", session)
        with pytest.raises(
            PublishError, match="by another run since this one read what was there; run again"
        ):
            publisher.publish_claimed(claim, before, -1, session)
    scenario.assert_whole(period, last_price(scenario))


def test_concurrent_runs_on_one_period(scenario: PublishingScenario) -> None:
    """There are as many publications as successful runs, and the rows are those of the last one."""
    scenario.publish(period := "crowd")
    for _ in range(TIMES):
        barrier = threading.Barrier(4)

        def run(price: int, barrier: threading.Barrier = barrier) -> int | None:
            barrier.wait()
            try:
                scenario.publisher.publish(price, period=period)
            except (SupersededError, PublishError):
                return None
            return price

        first = sum(scenario.publication_counts.values())
        with ThreadPoolExecutor(4) as crowd:
            published = [price for price in crowd.map(run, range(first, first + 4)) if price is not None]
        assert published
        scenario.publication_counts[period] += len(published)
        (row,) = scenario.rows(f"SELECT MIN(price) AS price FROM {{d}}.{STEM} WHERE _period = '{period}'")
        assert row["price"] in published
        scenario.assert_whole(period, row["price"])
    scenario.publish(period)


def test_a_resumed_run_publishes_once(scenario: PublishingScenario) -> None:
    """A resumed run has the same run id and attempt, so that its jobs exist already."""
    scenario.publish()
    publisher, price = scenario.publisher, sum(scenario.publication_counts.values())
    versions = [publisher.publish(price, "taken-up", moves=False) for _ in range(3)]
    scenario.publication_counts[PERIOD] += 1
    assert len(set(versions)) == 1
    scenario.assert_whole(PERIOD, price)
    with publisher.session("taken-up", attempt=1) as session:
        again = publisher.warehouse.claim(STEM, PERIOD, "taken-up", session)
        row = scenario.rows("SELECT MAX(token) AS last FROM {d}._claims WHERE run_id = 'taken-up'")[0]
        assert again.token == row["last"] > 1, "another attempt claims anew"


@pytest.mark.parametrize("is_left", [True, False])
def test_a_resumed_run_reuses_or_restages_its_rows(scenario: PublishingScenario, is_left: bool) -> None:
    scenario.publish()
    publisher, run = scenario.publisher, f"found-again-{is_left}"
    for turn in range(2):
        with publisher.session(run) as session:
            claim = publisher.warehouse.claim(STEM, PERIOD, run, session)
            before = publisher.warehouse.current(STEM, PERIOD, session)
            if turn:
                scenario.publication_counts[PERIOD] += 1
                publisher.publish_claimed(claim, before, 77, session)
            else:
                with pytest.raises(ZeroDivisionError):
                    publisher.publish_claimed(claim, before, 77, session, then=lambda: 1 // 0)
                scenario.proxy.requests.clear()
        if not turn and not is_left:
            (left,) = scenario.temporary_tables
            scenario.emulator.client().delete_table(f"{PROJECT}.{scenario.dataset}.{left}", timeout=PATIENCE)
    taken = [request.job_id for request in scenario.proxy.requests if insert_of("stage")(request)]
    assert len(taken) == (1 if is_left else 2), "the first is the one of the run that died"
    scenario.assert_whole(PERIOD, 77)


def test_a_resumed_run_repeats_cancelled_jobs(scenario: PublishingScenario) -> None:
    scenario.publish()
    for step in ("claim", "stage", "publish"):
        price = sum(scenario.publication_counts.values())
        stopped = Fault("failed", insert_of(step), reason="stopped", message="Job execution was cancelled")
        scenario.proxy.inject(stopped)
        with pytest.raises(DatasetAssetsError, match="cancelled"):
            scenario.publisher.publish(price, f"stopped-{step}")
        scenario.publish(run=f"stopped-{step}")


def test_an_earlier_attempt_of_a_run_is_superseded(scenario: PublishingScenario) -> None:
    scenario.publish()
    publisher, warehouse = scenario.publisher, scenario.publisher.warehouse
    with publisher.session("twice") as orphan, publisher.session("twice", attempt=1) as living:
        before = warehouse.current(STEM, PERIOD, orphan)
        old = warehouse.claim(STEM, PERIOD, "twice", orphan)
        new = warehouse.claim(STEM, PERIOD, "twice", living)
        assert new.token > old.token
        with pytest.raises(SupersededError):
            publisher.publish_claimed(old, before, -1, orphan)
        scenario.publication_counts[PERIOD] += 1
        publisher.publish_claimed(new, before, last_price(scenario), living)
    scenario.assert_whole(PERIOD, last_price(scenario))


def test_labels_identify_the_jobs(scenario: PublishingScenario) -> None:
    """BigQuery allows lower-case letters, digits, dashes and underscores, at most 63."""
    run = "Run/" + "Ü" * 80
    scenario.publish(run=run, moves=True)
    common = {"dataset": "goods", "version": "1", "period": "2024-02", "run": "run-" + "-" * 59}
    steps = {}
    for request in scenario.proxy.requests:
        if request.configuration:
            steps.setdefault(request.labels["step"], request)
            assert request.labels == {**common, "step": request.labels["step"]}
            assert (
                request.place == "dry_run"
                or "goods-2024-02-v1-" in request.job_id
                or request.labels["step"] == "read"
            )
    assert {*CHANGING, "read", "estimate"} == set(steps)
    assert "load" in steps["move"].configuration


def test_jobs_run_and_are_polled_in_the_location_of_the_warehouse(scenario: PublishingScenario) -> None:
    """Outside of US and EU BigQuery finds a job only by its id together with its location."""
    scenario.proxy.inject(Fault("lost", insert_of("publish")))
    scenario.publish(moves=True)
    jobs = [request for request in scenario.proxy.requests if request.job_id]
    sent = [request for request in jobs if request.configuration and request.place == "insert"]
    assert {request.location for request in sent} == {"US"}
    asked = [request for request in jobs if not request.configuration]
    assert {request.place for request in asked} == {"get", "results"}
    assert [request.path for request in asked if "location=US" not in request.path] == []
