"""Let the loads of several Periods into one table take turns, so that each of them is published."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from dataset_assets.errors import Fault, PublishError, SupersededError
from dataset_assets.ports.warehouse import Claim, Publication
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.publishing.run_context import RunContext
from dataset_assets.publishing.superseded import report_superseded

T = TypeVar("T")

MOST_TURNS = 200
"""Turns of one load before it gives up; before each of them another load was published, or took too long."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_FIRST_PATIENCE, _LONGEST_PATIENCE = 5.0, 300.0


def in_turn(context: RunContext, work: Callable[[Claim, Publication | None], T]) -> T:
    """Claim the whole table and do the work on its publication; repeat both if another load claims it.

    Before each further turn the load waits until the other one has published, or until that takes too long:
    it may have been killed. So of all waiting loads the last one to claim publishes. Raises SupersededError
    if a later run loads the same Period, and PublishError after MOST_TURNS turns.
    """
    warehouse, session, load = context.warehouse, context.session, context.claim
    patience = _FIRST_PATIENCE
    for _ in range(MOST_TURNS):
        claim = warehouse.claim(load.dataset, None, load.run_id, session)
        before = warehouse.current(load.dataset, None, session)
        try:
            with report_superseded(warehouse, claim, session):
                return work(claim, before)
        except (SupersededError, PublishError) as error:
            warehouse.confirm(load, session)
            if not isinstance(error, SupersededError) and not _has_changed(context, before):
                raise
        context.timer.report("another Period is being loaded into the table; waiting for it")
        _wait_for_publication(context, before, patience)
        patience = min(2 * patience, _LONGEST_PATIENCE)
    message = f"other loads of {load.dataset!r} came before this one {MOST_TURNS} times"
    raise PublishError(Fault(message, hint="load fewer Periods at the same time"))


def _wait_for_publication(context: RunContext, before: Publication | None, seconds: float) -> None:
    """Wait until the table was published or confirmed; at most so many seconds, with random pauses."""
    until, longest = time.monotonic() + seconds, _FIRST_PAUSE
    while time.monotonic() < until and not _has_changed(context, before):
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - jitter is no secret
        longest = min(2 * longest, _LONGEST_PAUSE)


def _has_changed(context: RunContext, before: Publication | None) -> bool:
    """Return whether the table has another version, or its record other loads, than before."""
    now = context.warehouse.current(context.claim.dataset, None, context.session)
    if now is None or before is None:
        return now is not before
    return now.version != before.version or loads_of(now.record) != loads_of(before.record)
