"""What makes publications due, in Dagster's own conditions: inputs that changed, or a tick of a clock.

Its daemon evaluates no others. A condition answers with a set of the dataset's partitions. What one remembers
it keeps under a name made of its kind and of its operands' kinds alone: two that look alike from outside may
not stand in one dataset's condition, or they share one memory.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import ValidDataset
from dataset_assets.assets.asset_keys import OBSERVER_TAG, dataset_key
from dataset_assets.assets.dependencies import Input
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.contract.model import Lookups, Refresh
from dataset_assets.periods.period import Grain

Condition = Any
"""What Dagster's builders answer; it does not export the classes."""

AC = dg.AutomationCondition

MISSING: Condition = AC.missing()
IN_PROGRESS: Condition = AC.in_progress()
_CHANGED: Condition = AC.data_version_changed()
_REQUESTED: Condition = AC.newly_requested()
_APPEARED: Condition = MISSING.newly_true()
_FIRST_LOOK: Condition = AC.initial_evaluation()

FAR = 3
"""Among how many of the last Periods the latest published one is looked for, when a lookup changed."""

_DAYS = {Grain.DAY: 1.0, Grain.WEEK: 7.0, Grain.MONTH: 30.44, Grain.QUARTER: 91.31, Grain.YEAR: 365.24}


def any_of(conditions: Iterable[Condition]) -> Condition:
    """One that holds where any of them does."""
    return reduce(or_, conditions)


def only(*inputs: Input) -> dg.AssetSelection:
    """What a condition on dependencies is to look at."""
    return dg.AssetSelection.assets(*(each.key for each in inputs))


@dataclass(frozen=True)
class Trigger(ABC):
    """When the publications of one dataset are due. `zone`: where its clock is."""

    sound: ValidDataset
    refresh: Refresh
    inputs: tuple[Input, ...]
    zone: str

    @abstractmethod
    def due(self) -> Condition:
        """Since it was due it was not requested. A request that fails is not repeated."""

    @abstractmethod
    def seen_due(self, absent: Condition) -> Condition:
        """The same as another dataset's condition sees it, but not what waits for inputs that are `absent`.

        It must not hold where nothing is going to be requested: the other dataset would wait for ever.
        """

    @property
    def partitioning(self) -> Partitioning | None:
        """By which Periods the dataset is published."""
        return self.sound.partitioning

    @property
    def by_clock(self) -> bool:
        """Whether Dagster can tell the latest Period."""
        return self.partitioning is None or self.partitioning.by_clock

    @property
    def recent(self) -> Condition:
        """The latest complete Period, and as many before it as late data may still change.

        Where no clock tells: those that came to be after the dataset began to refresh by itself. They alone
        are built when they were never published; all others are for `backfill`.
        """
        if not self.by_clock:
            return _APPEARED.since(_FIRST_LOOK)
        return self.last(1 + (self.refresh.lookback or 0))

    def last(self, count: int) -> Condition:
        """That many complete Periods; without Periods, the one publication there is. Only by the clock."""
        if self.partitioning is None or count == 1:
            return AC.in_latest_time_window()
        # Half a Period more: they are not equally long, and those that begin within the bound are counted.
        return AC.in_latest_time_window(
            timedelta(days=_DAYS[self.partitioning.cadence.grain] * (count + 0.5))
        )


class Upstream(Trigger):
    """Whenever the data version of something changed that the publication is made of."""

    def due(self) -> Condition:
        """Also at the first look, where an input may have changed before, and been reported."""
        changed = any_of(self._changes()).with_label("an input changed")
        given_up = MISSING & ~(IN_PROGRESS | self.recent)
        return (changed | _APPEARED | self._in_doubt).since(_handled(changed) | given_up)

    @property
    def _in_doubt(self) -> Condition:
        """At the first look, what reads a table that the sensor `sources` has reported.

        The changes of one that only a command told of (`sighting.py`) are going to be reported.
        """
        tables = [each for each in self.inputs if not each.source.nested]
        by_period = [each for each in tables if each.partitioning]
        whole = [each for each in tables if not each.partitioning]
        if not tables:
            return _FIRST_LOOK
        reported = []
        if by_period:
            reported.append(AC.any_deps_match(~MISSING).allow(only(*by_period)))
        if whole:
            by_sensor = ~MISSING & ~AC.executed_with_tags(tag_keys={OBSERVER_TAG})
            reported.append(AC.any_deps_match(by_sensor).allow(only(*whole)))
        return _FIRST_LOOK & any_of(reported).with_label("its inputs may have changed before")

    def seen_due(self, absent: Condition) -> Condition:
        """Without the first look, which the other dataset has at a time of its own.

        Where no clock tells what is recent, also without what was never published: it may have come to be
        between the two first looks, so that one dataset would wait for what the other leaves to `backfill`.
        """
        changed = any_of(self._changes()).with_label("an input changed")
        if not self.by_clock:
            return changed.since(_handled(changed) | (MISSING & ~IN_PROGRESS))
        waiting = MISSING & ~(IN_PROGRESS | (self.recent & ~absent))
        return (changed | _APPEARED).since(_handled(changed) | waiting | _FIRST_LOOK)

    def _changes(self) -> Iterator[Condition]:
        """In the publications that the change concerns: those that read what changed, or the latest alone."""
        main = tuple(each for each in self.inputs if self._concerns_the_latest(each) and each.is_main)
        lookups = tuple(each for each in self.inputs if self._concerns_the_latest(each) and not each.is_main)
        fixed = tuple(each for each in self.inputs if each.is_fixed)
        rest = tuple(each for each in self.inputs if each not in (*main, *lookups, *fixed))
        if rest:
            yield AC.any_deps_match(_CHANGED).allow(only(*rest))
        if fixed:
            # Both together are asked only of the partitions that are read, one alone of any.
            yield AC.any_deps_match(_CHANGED & ~MISSING).allow(only(*fixed))
        if main:
            yield AC.any_deps_match(_CHANGED).allow(only(*main)) & self.recent
        if lookups:
            concerned = (MISSING & self.recent) | (~MISSING & self._latest_published(lookups[0]))
            yield AC.any_deps_match(_CHANGED).allow(only(*lookups)) & concerned

    def _concerns_the_latest(self, each: Input) -> bool:
        """Of what is not stored by Period nothing tells which publications it changes: the file does."""
        if self.partitioning is None or each.partitioning or not self.by_clock:
            return False
        return self.refresh.lookback is not None if each.is_main else self.refresh.lookups is Lookups.LATEST

    def _latest_published(self, neighbour: Input) -> Condition:
        """Of the published ones. By way of a neighbour in one piece each can know of those after it."""
        own = dataset_key(self.sound.entry.stem)
        found = [self.last(1)]
        for count in range(2, FAR + 1):
            later = AC.asset_matches(own, self.last(count - 1) & ~MISSING)
            found.append(self.last(count) & ~AC.asset_matches(neighbour.key, later))
        return any_of(found)


def _handled(changed: Condition) -> Condition:
    """What changed between a request and the look after it may be too late for that run: it counts."""
    return _REQUESTED & ~changed


class AfterTick(Trigger):
    """Once after each tick of a clock, when what is loaded by the clock has landed."""

    def due(self) -> Condition:
        """For the first time as soon as the inputs are there; then when they were reported anew."""
        tick = AC.cron_tick_passed(self.refresh.cron or "", self.zone)
        landed = AC.all_deps_match(AC.newly_updated().since(tick)).allow(only(*self._awaited))
        concerned = self.recent if self.by_clock else self.recent | ~MISSING
        return concerned & tick.since(_REQUESTED) & (landed | MISSING)

    def seen_due(self, absent: Condition) -> Condition:
        """A clock ticks for all alike."""
        return self.due() & ~(MISSING & absent)

    @property
    def _awaited(self) -> Iterator[Input]:
        """The main table, and nested datasets that go by the clock too. Others may not change for years."""
        for each in self.inputs:
            refresh = each.source.nested.dataset.refresh if each.source.nested else None
            if each.is_main or (refresh and refresh.cron and not refresh.paused):
                yield each


TRIGGERS = {"upstream": Upstream, None: AfterTick}
"""By what `on` says."""
