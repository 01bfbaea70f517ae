"""Runs that are killed, interrupted, doubled or resumed publish exactly once (BR-201, BR-202)."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from dataset_assets.errors import DatasetAssetsError, PublishError, SupersededError
from tests.bigquery.emulator import PATIENCE, PROJECT
from tests.bigquery.faults import Fault
from tests.bigquery.publishing_scenario import CHANGING, Scene, insert_of
from tests.bigquery.stalled_server import PERIOD, STEM

TIMES = int(os.environ.get("DATASET_ASSETS_FAULTS", "1"))
HERE = Path(__file__).resolve().parents[2]
PIPE = subprocess.PIPE


def start(scene: Scene, *how: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.bigquery.stalled_server", json.dumps(asdict(scene.stall)), *how]
    return subprocess.Popen(command, cwd=HERE, stdout=PIPE, stderr=PIPE, text=True)


def wait_for(scene: Scene, fate: str) -> None:
    until = time.monotonic() + PATIENCE
    while not any(request.fate == fate for request in scene.proxy.requests):
        assert time.monotonic() < until, "it did not come so far"
        time.sleep(0.01)


def last_price(scene: Scene) -> int:
    return sum(scene.made.values()) - 1


def test_kill_9_between_stage_and_publish(scene: Scene) -> None:
    """The old rows are kept; the next run publishes, and drops the killed run's temporary tables."""
    scene.publish()
    for _ in range(TIMES):
        scene.proxy.requests.clear()
        scene.proxy.inject(Fault("held", insert_of("publish")))
        with start(scene, "-1") as process:
            wait_for(scene, "held")
            process.kill()
        assert process.returncode == -signal.SIGKILL
        staged, moved = sorted(scene.left, reverse=True)
        assert staged.startswith("_staged")
        assert moved.startswith("_moved")
        assert len(scene.published()) == scene.made[PERIOD]
        scene.publish()


@pytest.mark.parametrize(
    ("number", "how", "step"), [(signal.SIGTERM, "dagster", "publish"), (signal.SIGINT, "alone", "stage")]
)
def test_what_stops_a_run_stops_its_job(scene: Scene, number: int, how: str, step: str) -> None:
    scene.publish()
    scene.proxy.inject(Fault("held", insert_of(step)))
    with start(scene, "-1", how) as process:
        wait_for(scene, "held")
        (held,) = [request.job_id for request in scene.proxy.requests if request.fate == "held"]
        process.send_signal(number)
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, error
    assert [request.job_id for request in scene.proxy.requests if request.place == "cancel"] == [held]
    assert scene.proxy.jobs[-1]["status"]["state"] == "DONE"
    scene.assert_whole(PERIOD, last_price(scene))


def test_a_job_is_stopped_whose_answer_did_not_come_yet(scene: Scene) -> None:
    """BigQuery knows the job by the id that it was sent with."""
    scene.publish()
    scene.proxy.inject(Fault("lost", insert_of("stage")), Fault("503", insert_of("stage"), times=1000))
    with pytest.raises(DatasetAssetsError, match="does not come round"):
        scene.stall.publish(-1)
    (cancelled,) = [request.job_id for request in scene.proxy.requests if request.place == "cancel"]
    assert "-stage-" in cancelled


def test_of_two_runs_the_later_publishes_and_the_other_is_told(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.publish()
        stall, warehouse = scene.stall, scene.stall.warehouse
        with stall.session("run-a") as first, stall.session("run-b") as second:
            before = warehouse.current(STEM, PERIOD, first)
            a = warehouse.claim(STEM, PERIOD, f"run-a{last_price(scene)}", first)
            b = warehouse.claim(STEM, PERIOD, f"run-b{last_price(scene)}", second)
            with pytest.raises(
                SupersededError, match=r"run 'run-b\d+' took over 'goods' for 2024-02; run 'run-a"
            ):
                stall.go_on(a, before, -1, first)
            scene.made[PERIOD] += 1
            stall.go_on(b, before, last_price(scene), second)
        scene.assert_whole(PERIOD, last_price(scene))


def test_two_claims_of_the_same_instant(scene: Scene) -> None:
    """Both read the same last token; the claim with the greater run id wins."""
    scene.publish(period := "same-instant")
    stall, warehouse = scene.stall, scene.stall.warehouse
    with stall.session("x", period) as session:
        before = warehouse.current(STEM, period, session)
        a = warehouse.claim(STEM, period, "run-a", session)
        instant = f"{a.token}, 'run-b', CURRENT_TIMESTAMP()"
        scene.rows(f"INSERT INTO {{d}}._claims SELECT '{STEM}', '{period}', {instant}")
        b = type(a)(STEM, period, a.token, "run-b")
        scene.made[period] += 1
        stall.go_on(b, before, last_price(scene), session)
        with pytest.raises(SupersededError):
            stall.go_on(a, before, -1, session)
    scene.assert_whole(period, last_price(scene))


def test_a_publication_that_was_under_way_when_the_period_was_claimed_is_not_overlooked(scene: Scene) -> None:
    """Its rows have ids that the later run has not read."""
    scene.publish(period := "under-way")
    stall, warehouse = scene.stall, scene.stall.warehouse
    with stall.session("run-b", period) as session:
        before = warehouse.current(STEM, period, session)
        scene.publish(period)
        claim = warehouse.claim(STEM, period, "run-b", session)
        with pytest.raises(
            PublishError, match="by another run since this one read what was there; run again"
        ):
            stall.go_on(claim, before, -1, session)
    scene.assert_whole(period, last_price(scene))


def test_a_crowd_on_one_period(scene: Scene) -> None:
    """There are as many publications as successful runs, and the rows are those of the last one."""
    scene.publish(period := "crowd")
    for _ in range(TIMES):
        barrier = threading.Barrier(4)

        def run(price: int, barrier: threading.Barrier = barrier) -> int | None:
            barrier.wait()
            try:
                scene.stall.publish(price, period=period)
            except (SupersededError, PublishError):
                return None
            return price

        first = sum(scene.made.values())
        with ThreadPoolExecutor(4) as crowd:
            published = [price for price in crowd.map(run, range(first, first + 4)) if price is not None]
        assert published
        scene.made[period] += len(published)
        (row,) = scene.rows(f"SELECT MIN(price) AS price FROM {{d}}.{STEM} WHERE _period = '{period}'")
        assert row["price"] in published
        scene.assert_whole(period, row["price"])
    scene.publish(period)


def test_a_run_that_is_taken_up_again_publishes_once(scene: Scene) -> None:
    """A resumed run has the same run id and attempt, so that its jobs exist already."""
    scene.publish()
    stall, price = scene.stall, sum(scene.made.values())
    versions = [stall.publish(price, "taken-up", moves=False) for _ in range(3)]
    scene.made[PERIOD] += 1
    assert len(set(versions)) == 1
    scene.assert_whole(PERIOD, price)
    with stall.session("taken-up", attempt=1) as session:
        again = stall.warehouse.claim(STEM, PERIOD, "taken-up", session)
        row = scene.rows("SELECT MAX(token) AS last FROM {d}._claims WHERE run_id = 'taken-up'")[0]
        assert again.token == row["last"] > 1, "another attempt claims anew"


@pytest.mark.parametrize("is_left", [True, False])
def test_staged_rows_are_found_again_or_staged_anew(scene: Scene, is_left: bool) -> None:
    scene.publish()
    stall, run = scene.stall, f"found-again-{is_left}"
    for turn in range(2):
        with stall.session(run) as session:
            claim = stall.warehouse.claim(STEM, PERIOD, run, session)
            before = stall.warehouse.current(STEM, PERIOD, session)
            if turn:
                scene.made[PERIOD] += 1
                stall.go_on(claim, before, 77, session)
            else:
                with pytest.raises(ZeroDivisionError):
                    stall.go_on(claim, before, 77, session, then=lambda: 1 // 0)
                scene.proxy.requests.clear()
        if not turn and not is_left:
            (left,) = scene.left
            scene.emulator.client().delete_table(f"{PROJECT}.{scene.dataset}.{left}", timeout=PATIENCE)
    taken = [request.job_id for request in scene.proxy.requests if insert_of("stage")(request)]
    assert len(taken) == (1 if is_left else 2), "the first is the one of the run that died"
    scene.assert_whole(PERIOD, 77)


def test_jobs_that_an_interruption_stopped_are_sent_anew_by_the_run_that_goes_on(scene: Scene) -> None:
    scene.publish()
    for step in ("claim", "stage", "publish"):
        price = sum(scene.made.values())
        stopped = Fault("failed", insert_of(step), reason="stopped", message="Job execution was cancelled")
        scene.proxy.inject(stopped)
        with pytest.raises(DatasetAssetsError, match="cancelled"):
            scene.stall.publish(price, f"stopped-{step}")
        scene.publish(run=f"stopped-{step}")


def test_a_run_of_another_attempt_of_itself_is_fenced(scene: Scene) -> None:
    scene.publish()
    stall, warehouse = scene.stall, scene.stall.warehouse
    with stall.session("twice") as orphan, stall.session("twice", attempt=1) as living:
        before = warehouse.current(STEM, PERIOD, orphan)
        old = warehouse.claim(STEM, PERIOD, "twice", orphan)
        new = warehouse.claim(STEM, PERIOD, "twice", living)
        assert new.token > old.token
        with pytest.raises(SupersededError):
            stall.go_on(old, before, -1, orphan)
        scene.made[PERIOD] += 1
        stall.go_on(new, before, last_price(scene), living)
    scene.assert_whole(PERIOD, last_price(scene))


def test_labels_say_what_a_job_is_for(scene: Scene) -> None:
    """BigQuery allows lower-case letters, digits, dashes and underscores, at most 63."""
    run = "Run/" + "Ü" * 80
    scene.publish(run=run, moves=True)
    common = {"dataset": "goods", "version": "1", "period": "2024-02", "run": "run-" + "-" * 59}
    steps = {}
    for request in scene.proxy.requests:
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


def test_jobs_are_sent_to_and_asked_for_in_the_location_of_the_warehouse(scene: Scene) -> None:
    """Outside of US and EU BigQuery finds a job only by its id together with its location."""
    scene.proxy.inject(Fault("lost", insert_of("publish")))
    scene.publish(moves=True)
    jobs = [request for request in scene.proxy.requests if request.job_id]
    sent = [request for request in jobs if request.configuration and request.place == "insert"]
    assert {request.location for request in sent} == {"US"}
    asked = [request for request in jobs if not request.configuration]
    assert {request.place for request in asked} == {"get", "results"}
    assert [request.path for request in asked if "location=US" not in request.path] == []
