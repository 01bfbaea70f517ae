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
from tests.bigquery.goods_publisher import PERIOD
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.publishing_scenario import PublishingScenario, error_of, insert_of, request_for
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
def dataset_and_counts(emulator: Emulator) -> Generator[tuple[str, Counter[str]]]:
    """A BigQuery dataset, and the number of publications of each Period in it."""
    with emulator.dataset() as name:
        yield name, Counter()


@pytest.fixture
def scenario(
    emulator: Emulator, proxy: StrictProxy, dataset_and_counts: tuple[str, Counter[str]]
) -> PublishingScenario:
    """A scenario that continues with the dataset of the test before."""
    proxy.running = 0
    return PublishingScenario(emulator, proxy, *dataset_and_counts)


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
    return Case(lambda step: [Fault(kind, request_for("get", step))], running=2)


def on_answer(kind: str) -> Case:
    return Case(lambda step: [Fault(kind, request_for("results", step))], ("publish", "claim", "read"))


TRANSIENT_CASES: Mapping[str, Case] = {
    **{f"{kind} on insert": on_insert(kind) for kind in (*BEFORE, *AFTER)},
    **{f"{kind} on insert, job done": on_insert(kind, after=True) for kind in ("500", "502", "503")},
    **{f"{kind} while polling": polling(kind) for kind in (*ELSEWHERE, "404")},
    **{f"{kind} on the answer": on_answer(kind) for kind in ELSEWHERE},
    "409, job not there": on_insert("409"),
    "lost, 409, 404, then found": Case(
        lambda step: [Fault("lost", insert_of(step)), Fault("404", request_for("get", step))]
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


@pytest.mark.parametrize("name", TRANSIENT_CASES)
def test_transient_faults_are_retried(scenario: PublishingScenario, name: str) -> None:
    """Refreshes and first publications alternate; each time the fault is injected into another step."""
    case, turn = TRANSIENT_CASES[name], list(TRANSIENT_CASES).index(name)
    scenario.proxy.running = case.running
    for number in range(TIMES):
        step = case.steps[number % len(case.steps)]
        scenario.proxy.inject(*case.faults(step))
        scenario.publish(next(new_periods) if (turn + number) % 2 else PERIOD, moves=step == "move")
    scenario.assert_done_once()
    met = [request.fate for request in scenario.proxy.requests if request.fate != "none"]
    assert len(met) == TIMES * sum(fault.times for fault in case.faults("publish")), "every fault was met"


QUOTA = r"a quota of the project is used up: Quota exceeded: .*bytes scanned; wait until the quota is renewed"


@pytest.mark.parametrize("place", ["insert", "get", "results"])
def test_a_used_up_quota_is_reported_without_retries(scenario: PublishingScenario, place: str) -> None:
    scenario.publish(period := next(new_periods))
    price, scenario.proxy.running = sum(scenario.publication_counts.values()) - 1, 2
    for number in range(TIMES):
        step = ("claim", "publish")[number % 2]
        meets = insert_of(step) if place == "insert" else request_for(place, step)
        scenario.proxy.inject(Fault("403 quotaExceeded", meets))
        with pytest.raises(AccessError, match=QUOTA):
            scenario.publisher.publish(-1, period=period)
        assert [request.fate for request in scenario.proxy.requests].count("403 quotaExceeded") == number + 1
        if len(scenario.published(period)) > scenario.publication_counts[period]:
            # The publication was done when its answer was refused: it stands, whole.
            scenario.publication_counts[period] += 1
            price = -1
        scenario.assert_whole(period, price)


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
def test_a_failed_job_is_reported_and_the_old_rows_are_kept(scenario: PublishingScenario, name: str) -> None:
    reason, message, error, told = FAILING[name]
    scenario.publish()
    price = sum(scenario.publication_counts.values()) - 1
    for number in range(min(TIMES, 3) if name == "always faster" else TIMES):
        step = ("publish", "stage")[number % 2]
        fault = Fault("failed", insert_of(step), 1000, reason=reason, message=message)
        scenario.proxy.inject(fault)
        with pytest.raises(error, match=told):
            replace(scenario.publisher, patience=1).publish(-1)
        fault.times = 0
        scenario.assert_whole(PERIOD, price)


def test_a_statement_that_fails_inside_the_transaction_changes_nothing(scenario: PublishingScenario) -> None:
    """The rows are deleted and inserted before the last statement of the transaction fails."""
    scenario.publish()
    price = sum(scenario.publication_counts.values()) - 1
    for _ in range(TIMES):

        def sabotaged(request: Request) -> bool:
            if insert_of("publish")(request):
                scenario.rows("ALTER TABLE {d}._publications RENAME COLUMN record TO record_")
            return False

        scenario.proxy.inject(fault := Fault("none", sabotaged))
        with pytest.raises(DatasetAssetsError, match="a job failed: invalidQuery"):
            scenario.publisher.publish(-1)
        fault.times = 0
        scenario.rows("ALTER TABLE {d}._publications RENAME COLUMN record_ TO record")
        assert error_of(scenario.proxy.jobs[-1]) or error_of(scenario.proxy.jobs[-2])
        scenario.assert_whole(PERIOD, price)
    scenario.publish()


ANYWHERE = (*((kind, False) for kind in (*BEFORE, *AFTER)), ("503", True))
ON_INSERT = (*ANYWHERE, ("409", False), ("failed", False))
"""Kinds of faults, and whether the request is executed before the fault."""


def test_any_request_of_a_publication_can_get_a_fault(scenario: PublishingScenario) -> None:
    """With FAULTS=20 every request gets every fault, else every sixth request gets one fault."""
    scenario.proxy.running = 1
    scenario.publish(moves=True)
    scenario.proxy.requests.clear()
    scenario.publish(moves=True)
    places = [request.place for request in scenario.proxy.requests]
    for number, place in enumerate(places):
        kinds = ON_INSERT if place == "insert" else ANYWHERE
        if TIMES == 1:
            kinds = kinds[number % len(kinds) :][:1] if number % 6 == 0 else ()
        for kind, after in kinds:
            arrived = count()
            meets = lambda _, arrived=arrived, number=number: next(arrived) == number  # noqa: E731
            scenario.proxy.inject(fault := Fault(kind, meets, after=after))
            scenario.publish(moves=True)
            assert fault.times == 0, (number, place, kind)
    scenario.assert_done_once()
    known = {"insert", "get", "results", "upload", "dry_run", "tables.get", "tables.insert", "tables.delete"}
    assert known <= set(places)
