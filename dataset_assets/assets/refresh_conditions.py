"""Build Dagster conditions on which publications are due: an input changed, or a schedule ticked.

Only Dagster's own conditions are used, because its daemon evaluates no others. A condition evaluates to a set
of the dataset's partitions. Dagster stores the memory of a condition under a name that consists of its kind
and of the kinds of its operands. So one dataset's condition may not contain two parts with equal kinds: they
would share one memory.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import dagster as dg
from typing_extensions import override

from dataset_assets.assets.asset_graph import ValidDataset
from dataset_assets.assets.asset_keys import OBSERVER_TAG, dataset_key
from dataset_assets.assets.dependencies import Input
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.contract.model import Lookups, Refresh
from dataset_assets.periods.period import Grain

Condition = Any
"""Return type of Dagster's condition builders, which it does not export."""

AC = dg.AutomationCondition

MISSING: Condition = AC.missing()
IN_PROGRESS: Condition = AC.in_progress()
_CHANGED: Condition = AC.data_version_changed()
_REQUESTED: Condition = AC.newly_requested()
_APPEARED: Condition = MISSING.newly_true()
_FIRST_EVALUATION: Condition = AC.initial_evaluation()

FAR = 3
"""Number of last Periods among which the latest published one is searched after a lookup changed."""

_DAYS = {Grain.DAY: 1.0, Grain.WEEK: 7.0, Grain.MONTH: 30.44, Grain.QUARTER: 91.31, Grain.YEAR: 365.24}


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that is true if any of these is."""
    return reduce(or_, conditions)


def only(*inputs: Input) -> dg.AssetSelection:
    """Return the selection that limits a condition on dependencies to these inputs."""
    return dg.AssetSelection.assets(*(each.key for each in inputs))


@dataclass(frozen=True)
class Trigger(ABC):
    """Conditions on which publications of one dataset are due. `zone` is the time zone of its schedule."""

    valid: ValidDataset
    refresh: Refresh
    inputs: tuple[Input, ...]
    zone: str

    @abstractmethod
    def due(self) -> Condition:
        """Return the condition: due and not requested since. A request whose run fails is not repeated."""

    @abstractmethod
    def seen_due(self, absent: Condition) -> Condition:
        """Return `due` for use in another dataset's condition, without publications with an `absent` input.

        It must not be true if nothing is going to be requested: the other dataset would wait forever.
        """

    @property
    def partitioning(self) -> Partitioning | None:
        """Partitioning of the dataset; None if it is unpartitioned."""
        return self.valid.partitioning

    @property
    def by_clock(self) -> bool:
        """Whether Dagster can compute the latest Period from the clock."""
        return self.partitioning is None or self.partitioning.by_clock

    @property
    def recent(self) -> Condition:
        """The latest complete Period, and `lookback` Periods before it that late data may still change.

        Without a clock: the Periods that were added after the dataset began to refresh by itself. Of those
        that were never published, only these are requested; all others are left to `backfill`.
        """
        if not self.by_clock:
            return _APPEARED.since(_FIRST_EVALUATION)
        return self.last(1 + (self.refresh.lookback or 0))

    def last(self, count: int) -> Condition:
        """Return the condition for that many last Periods, or for an unpartitioned dataset."""
        if self.partitioning is None or count == 1:
            return AC.in_latest_time_window()
        # Half a Period is added because Periods differ in length; those that begin within the bound count.
        return AC.in_latest_time_window(
            timedelta(days=_DAYS[self.partitioning.cadence.grain] * (count + 0.5))
        )


class UpstreamTrigger(Trigger):
    """A publication is due whenever the data version of one of its inputs changed."""

    @override
    def due(self) -> Condition:
        """Return the condition that an input changed since the last request.

        At Dagster's first evaluation, inputs that were already reported count as changed.
        """
        changed = any_of(self._changes()).with_label("an input changed")
        given_up = MISSING & ~(IN_PROGRESS | self.recent)
        return (changed | _APPEARED | self._in_doubt).since(_handled(changed) | given_up)

    @property
    def _in_doubt(self) -> Condition:
        """The condition, at Dagster's first evaluation, that an input may have changed before.

        An input counts as changed if the sensor `sources` has reported it. A table that only a command has
        reported (`source_event_writer.py`) is left out, because the sensor is going to report its changes.
        """
        tables = [each for each in self.inputs if not each.source.nested]
        by_period = [each for each in tables if each.partitioning]
        whole = [each for each in tables if not each.partitioning]
        if not tables:
            return _FIRST_EVALUATION
        reported = []
        if by_period:
            reported.append(AC.any_deps_match(~MISSING).allow(only(*by_period)))
        if whole:
            by_sensor = ~MISSING & ~AC.executed_with_tags(tag_keys={OBSERVER_TAG})
            reported.append(AC.any_deps_match(by_sensor).allow(only(*whole)))
        return _FIRST_EVALUATION & any_of(reported).with_label("its inputs may have changed before")

    @override
    def seen_due(self, absent: Condition) -> Condition:
        """Return the condition without the first evaluation, because each dataset has its own.

        Without a clock, publications that never existed are left out too: a Period may be added between the
        two first evaluations, and a dataset would wait for a publication that only `backfill` creates.
        """
        changed = any_of(self._changes()).with_label("an input changed")
        if not self.by_clock:
            return changed.since(_handled(changed) | (MISSING & ~IN_PROGRESS))
        waiting = MISSING & ~(IN_PROGRESS | (self.recent & ~absent))
        return (changed | _APPEARED).since(_handled(changed) | waiting | _FIRST_EVALUATION)

    def _changes(self) -> Iterator[Condition]:
        """Yield conditions for the publications that a change affects: its readers, or only the latest."""
        main = tuple(each for each in self.inputs if self._affects_latest_only(each) and each.is_main)
        lookups = tuple(each for each in self.inputs if self._affects_latest_only(each) and not each.is_main)
        fixed = tuple(each for each in self.inputs if each.is_fixed)
        rest = tuple(each for each in self.inputs if each not in (*main, *lookups, *fixed))
        if rest:
            yield AC.any_deps_match(_CHANGED).allow(only(*rest))
        if fixed:
            # Together they are evaluated only on the partitions that are read, one alone on all.
            yield AC.any_deps_match(_CHANGED & ~MISSING).allow(only(*fixed))
        if main:
            yield AC.any_deps_match(_CHANGED).allow(only(*main)) & self.recent
        if lookups:
            concerned = (MISSING & self.recent) | (~MISSING & self._latest_published(lookups[0]))
            yield AC.any_deps_match(_CHANGED).allow(only(*lookups)) & concerned

    def _affects_latest_only(self, each: Input) -> bool:
        """Whether a change of an unpartitioned input affects the latest publications only."""
        if self.partitioning is None or each.partitioning or not self.by_clock:
            return False
        return self.refresh.lookback is not None if each.is_main else self.refresh.lookups is Lookups.LATEST

    def _latest_published(self, neighbour: Input) -> Condition:
        """Return the condition for the latest published Period.

        Dagster evaluates other partitions of the dataset only through an unpartitioned `neighbour`.
        """
        own = dataset_key(self.valid.entry.stem)
        candidates = [self.last(1)]
        for count in range(2, FAR + 1):
            later = AC.asset_matches(own, self.last(count - 1) & ~MISSING)
            candidates.append(self.last(count) & ~AC.asset_matches(neighbour.key, later))
        return any_of(candidates)


def _handled(changed: Condition) -> Condition:
    """Return the condition that a change was dealt with.

    A publication was requested, and no input changed in that evaluation.
    """
    return _REQUESTED & ~changed


class ScheduleTrigger(Trigger):
    """A publication is due once after each tick of a cron schedule, when scheduled inputs were updated."""

    @override
    def due(self) -> Condition:
        """Return the condition that the schedule ticked and, since then, the scheduled inputs were updated.

        A first publication does not wait for the inputs.
        """
        tick = AC.cron_tick_passed(self.refresh.cron or "", self.zone)
        landed = AC.all_deps_match(AC.newly_updated().since(tick)).allow(only(*self._awaited))
        concerned = self.recent if self.by_clock else self.recent | ~MISSING
        return concerned & tick.since(_REQUESTED) & (landed | MISSING)

    @override
    def seen_due(self, absent: Condition) -> Condition:
        """Return `due` without publications that miss an input: a schedule ticks for all datasets alike."""
        return self.due() & ~(MISSING & absent)

    @property
    def _awaited(self) -> Iterator[Input]:
        """The main table and nested datasets with a schedule. Other inputs may not change for years."""
        for each in self.inputs:
            refresh = each.source.nested.dataset.refresh if each.source.nested else None
            if each.is_main or (refresh and refresh.cron and not refresh.paused):
                yield each


TRIGGERS = {"upstream": UpstreamTrigger, None: ScheduleTrigger}
"""Value of `refresh.on` → class of the trigger."""
