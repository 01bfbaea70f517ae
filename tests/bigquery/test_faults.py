"""A publication happens once and completely whatever fault its requests meet (BR-201, BR-202).

`DATASET_ASSETS_FAULTS=20 pytest tests/bigquery/test_faults.py` injects each fault twenty times, and injects
every fault into every request of a publication.
"""

import os
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pytest

from dataset_assets.errors import AccessError, DatasetAssetsError, PublishError
from tests.bigquery.emulator import Emulator
from tests.bigquery.faults import Fault
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.publishing_scenario import Scene, asks_for, error_of, insert_of
from tests.bigquery.stalled_server import PERIOD
from tests.bigquery.wire import Request

TIMES = int(os.environ.get("DATASET_ASSETS_FAULTS", "1"))
STEPS = ("publish", "stage", "claim", "move", "read")
BEFORE = ("500", "502", "503", "429", "403 rateLimitExceeded", "reset")
"""Faults after which BigQuery has executed nothing."""
AFTER = ("lost", "cut")
"""Faults after which BigQuery has executed the request, but the response is missing or incomplete."""
ELSEWHERE = (*BEFORE, *AFTER) if TIMES > 1 else ("429", "503", "reset", "cut")
"""Faults of other requests than jobs.insert; the last test injects each of them as well."""
CONFLICT = (
    "Transaction is aborted due to concurrent update against table test-project:d.goods. Transaction ID: 1."
)


@pytest.fixture(scope="module")
def market(emulator: Emulator) -> Generator[tuple[str, Counter[str]]]:
    """A BigQuery dataset, and the number of publications of each Period in it."""
    with emulator.dataset() as name:
        yield name, Counter()


@pytest.fixture
def scene(emulator: Emulator, proxy: StrictProxy, market: tuple[str, Counter[str]]) -> Scene:
    """A scenario that continues with the dataset of the test before."""
    proxy.running = 0
    return Scene(emulator, proxy, *market)


new_periods = (f"p{n}" for n in count())
Faults = Callable[[str], Sequence[Fault]]
"""Returns the faults for a step."""


@dataclass(frozen=True)
class Case:
    """Faults to inject. `running` is the number of responses in which a job is RUNNING."""

    faults: Faults
    steps: Sequence[str] = STEPS
    running: int = 0


def on_insert(kind: str, **more) -> Case:
    return Case(lambda step: [Fault(kind, insert_of(step), **more)])


def polling(kind: str) -> Case:
    return Case(lambda step: [Fault(kind, asks_for("get", step))], running=2)


def on_answer(kind: str) -> Case:
    return Case(lambda step: [Fault(kind, asks_for("results", step))], ("publish", "claim", "read"))


PASSING: Mapping[str, Case] = {
    **{f"{kind} on insert": on_insert(kind) for kind in (*BEFORE, *AFTER)},
    **{f"{kind} on insert, job done": on_insert(kind, after=True) for kind in ("500", "502", "503")},
    **{f"{kind} while polling": polling(kind) for kind in (*ELSEWHERE, "404")},
    **{f"{kind} on the answer": on_answer(kind) for kind in ELSEWHERE},
    "409, job not there": on_insert("409"),
    "lost, 409, 404, then found": Case(
        lambda step: [Fault("lost", insert_of(step)), Fault("404", asks_for("get", step))]
    ),
    "lost, then 503 three times": Case(
        lambda step: [Fault("lost", insert_of(step)), Fault("503", insert_of(step), times=3)]
    ),
    "job failed for what passes": on_insert("failed"),
    "job failed for what passes, answer lost": Case(
        lambda step: [Fault("failed", insert_of(step)), Fault("lost", insert_of(step))]
    ),
    "concurrent update": Case(
        lambda step: [Fault("failed", insert_of(step), times=2, reason="invalidQuery", message=CONFLICT)],
        ("publish",),
    ),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_by_itself(scene: Scene, name: str) -> None:
    """Refreshes and first publications alternate; each time the fault is injected into another step."""
    case, turn = PASSING[name], list(PASSING).index(name)
    scene.proxy.running = case.running
    for number in range(TIMES):
        step = case.steps[number % len(case.steps)]
        scene.proxy.inject(*case.faults(step))
        scene.publish(next(new_periods) if (turn + number) % 2 else PERIOD, moves=step == "move")
    scene.assert_done_once()
    met = [request.fate for request in scene.proxy.requests if request.fate != "none"]
    assert len(met) == TIMES * sum(fault.times for fault in case.faults("publish")), "every fault was met"


QUOTA = r"a quota of the project is used up: Quota exceeded: .*bytes scanned; wait until the quota is renewed"


@pytest.mark.parametrize("place", ["insert", "get", "results"])
def test_a_quota_that_is_used_up_is_told_at_once(scene: Scene, place: str) -> None:
    scene.publish(period := next(new_periods))
    price, scene.proxy.running = sum(scene.made.values()) - 1, 2
    for number in range(TIMES):
        step = ("claim", "publish")[number % 2]
        meets = insert_of(step) if place == "insert" else asks_for(place, step)
        scene.proxy.inject(Fault("403 quotaExceeded", meets))
        with pytest.raises(AccessError, match=QUOTA):
            scene.stall.publish(-1, period=period)
        assert [request.fate for request in scene.proxy.requests].count("403 quotaExceeded") == number + 1
        if len(scene.published(period)) > scene.made[period]:
            # The publication was done when its answer was refused: it stands, whole.
            scene.made[period] += 1
            price = -1
        scene.assert_whole(period, price)


FAILING = {
    "not to be fixed": ("invalidQuery", "Unrecognized name: colour at [3:5]", DatasetAssetsError, "colour"),
    "of a value": ("invalidQuery", "Bad int64 value: 4711", DatasetAssetsError, "cannot be turned into"),
    "stopped by a person": (
        "stopped",
        "Job execution was cancelled",
        DatasetAssetsError,
        "cancelled; run again",
    ),
    "always faster": ("invalidQuery", CONFLICT, PublishError, "again and again; run again later"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_job_that_fails_is_told_and_the_old_rows_stay(scene: Scene, name: str) -> None:
    reason, message, error, told = FAILING[name]
    scene.publish()
    price = sum(scene.made.values()) - 1
    for number in range(min(TIMES, 3) if name == "always faster" else TIMES):
        step = ("publish", "stage")[number % 2]
        fault = Fault("failed", insert_of(step), 1000, reason=reason, message=message)
        scene.proxy.inject(fault)
        with pytest.raises(error, match=told):
            replace(scene.stall, patience=1).publish(-1)
        fault.times = 0
        scene.assert_whole(PERIOD, price)


def test_a_statement_that_fails_inside_the_transaction_changes_nothing(scene: Scene) -> None:
    """The rows are deleted and inserted before the last statement of the transaction fails."""
    scene.publish()
    price = sum(scene.made.values()) - 1
    for _ in range(TIMES):

        def sabotaged(request: Request) -> bool:
            if insert_of("publish")(request):
                scene.rows("ALTER TABLE {d}._publications RENAME COLUMN record TO record_")
            return False

        scene.proxy.inject(fault := Fault("none", sabotaged))
        with pytest.raises(DatasetAssetsError, match="a job failed: invalidQuery"):
            scene.stall.publish(-1)
        fault.times = 0
        scene.rows("ALTER TABLE {d}._publications RENAME COLUMN record_ TO record")
        assert error_of(scene.proxy.jobs[-1]) or error_of(scene.proxy.jobs[-2])
        scene.assert_whole(PERIOD, price)
    scene.publish()


ANYWHERE = (*((kind, False) for kind in (*BEFORE, *AFTER)), ("503", True))
ON_INSERT = (*ANYWHERE, ("409", False), ("failed", False))
"""Kinds of faults, and whether the request is executed before the fault."""


def test_every_request_of_a_publication_may_meet_a_fault(scene: Scene) -> None:
    """With FAULTS=20 every request gets every fault, else every sixth request gets one fault."""
    scene.proxy.running = 1
    scene.publish(moves=True)
    scene.proxy.requests.clear()
    scene.publish(moves=True)
    places = [request.place for request in scene.proxy.requests]
    for number, place in enumerate(places):
        kinds = ON_INSERT if place == "insert" else ANYWHERE
        if TIMES == 1:
            kinds = kinds[number % len(kinds) :][:1] if number % 6 == 0 else ()
        for kind, after in kinds:
            arrived = count()
            meets = lambda _, arrived=arrived, number=number: next(arrived) == number  # noqa: E731
            scene.proxy.inject(fault := Fault(kind, meets, after=after))
            scene.publish(moves=True)
            assert fault.times == 0, (number, place, kind)
    scene.assert_done_once()
    known = {"insert", "get", "results", "upload", "dry_run", "tables.get", "tables.insert", "tables.delete"}
    assert known <= set(places)
