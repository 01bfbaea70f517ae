"""Transient errors, and no others, are retried inside a run."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from dataset_assets.assets import materialization as refresh
from dataset_assets.assets import retry as retrying
from dataset_assets.errors import AccessError, DatasetAssetsError, Fault, SupersededError, UnavailableError
from dataset_assets.publishing.materialize import materialize
from tests.assets.test_runs import events, failure_of, published

DOWN = UnavailableError(Fault("the service does not answer", hint="run again later"))


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


@pytest.fixture
def waited(monkeypatch) -> list[float]:
    """The waits, which take no time."""
    found: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", found.append)
    return found


@pytest.fixture
def failing(monkeypatch) -> Callable[..., list[tuple[str | None, int]]]:
    """Lets tries fail with the given errors, one after another; answers (Period, attempt) of each try."""

    def prepare(*errors: DatasetAssetsError) -> list[tuple[str | None, int]]:
        left, tries = list(errors), []

        def tried(catalog: Any, target: Any, request: Any, tell: Any) -> Any:
            tries.append((request.period.id if request.period else None, request.attempt))
            if left:
                raise left.pop(0)
            return materialize(catalog, target, request, tell)

        monkeypatch.setattr(refresh, "materialize", tried)
        return tries

    return prepare


def test_a_service_that_is_away_for_a_while_delays_the_publication(retailer, instance, waited, failing):
    tries = failing(DOWN, DOWN)
    result = retailer.materialize(instance, "brands")
    assert result.success
    assert published(retailer, "brands", None)
    assert tries == [(None, 0), (None, 1), (None, 2)], (
        "each a new attempt, so that no job of it is found again"
    )
    assert waited == list(retrying.WAITS[:2])


def test_one_that_stays_away_fails_the_run_with_what_it_said(retailer, instance, waited, failing):
    tries = failing(*[DOWN] * 9)
    result = retailer.materialize(instance, "brands")
    assert failure_of(result, "datasets__brands") == str(DOWN)
    assert len(tries) == 4
    assert waited == list(retrying.WAITS)


@pytest.mark.parametrize("error", [AccessError, SupersededError, DatasetAssetsError])
def test_what_does_not_pass_is_not_tried_again(retailer, instance, waited, failing, error):
    tries = failing(error(Fault("no")))
    assert failure_of(retailer.materialize(instance, "brands"), "datasets__brands") == "no"
    assert (len(tries), waited) == (1, [])


def test_of_many_periods_only_the_first_waits_until_one_comes_through(retailer, instance, waited, failing):
    tries = failing(*[DOWN] * 5)
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-05")
    assert [period for period, _ in tries] == ["2024-02"] * 4 + ["2024-03", "2024-04", "2024-05"]
    assert waited == list(retrying.WAITS), "not once more for each of hundreds of Periods"
    assert sorted(events(result, "monthly")) == ["2024-04", "2024-05"]
    assert failure_of(result, "datasets__monthly").startswith("2 of 4 Periods failed")
