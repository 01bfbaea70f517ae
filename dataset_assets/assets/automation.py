"""What refreshes by itself, and when: each dataset's automation condition, and the sensor that acts on them.

A publication is requested when it is due (`triggers.py`) and nothing stands in the way: its first run finds
all that it reads, it is not being made, and no nested dataset below it is, or is about to be. So a change
that reaches a dataset in two ways makes one run. Several partitions at once are one backfill of few runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.asset_keys import DATASETS
from dataset_assets.assets.dependencies import Input, inputs
from dataset_assets.assets.refresh_conditions import (
    AC,
    IN_PROGRESS,
    MISSING,
    TRIGGERS,
    Condition,
    Trigger,
    any_of,
    only,
)
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset, Status

SENSOR = "refresh"
INTERVAL = 30
"""Seconds between two ticks, at least."""
EACH = 0.125
"""Seconds between two ticks for each dataset, of which Dagster takes a third to look at it: other daemons of
the same process want their turn."""

_ABOUT = "Asks of every dataset with `refresh` whether publications are due, and requests their runs"
_THERE: Condition = (~MISSING).since(MISSING).with_label("any partition is there")
"""What remembers is asked of all partitions, not only of those that are mapped."""


def sensor(
    datasets: int = 0, *, name: str = SENSOR, target: dg.AssetSelection | None = None
) -> dg.AutomationConditionSensorDefinition:
    """The sensor of a code location. It runs from the start; what is paused is paused in the files.

    `datasets`: how many it asks. `target`: which ones; all when absent.
    """
    return dg.AutomationConditionSensorDefinition(
        name=name,
        target=dg.AssetSelection.key_prefixes([DATASETS]) if target is None else target,
        minimum_interval_seconds=max(INTERVAL, round(datasets * EACH)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def condition(graph: Graph, sound: ValidDataset) -> Condition | None:
    """When the dataset refreshes by itself; None for never (BR-101)."""
    return Automation(graph, sound).condition


def refreshes(catalog: Catalog, stem: str, dataset: Dataset) -> bool:
    """Whether anything happens by itself. A disabled dataset goes on for the Projects that name it."""
    refresh, status = dataset.refresh, dataset.status
    if refresh is None or refresh.paused:
        return False
    return status is Status.ACTIVE or (status is Status.DISABLED and stem in _named(catalog))


def _named(catalog: Catalog) -> set[str]:
    """The stems of the datasets that Projects name."""
    found = (catalog.named(name) for project in catalog.projects.values() for name in project.datasets)
    return {entry.stem for entry in found if entry}


@dataclass(frozen=True)
class Automation:
    """One dataset in the graph."""

    graph: Graph
    sound: ValidDataset

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads."""
        return tuple(inputs(self.graph, self.sound))

    @cached_property
    def trigger(self) -> Trigger | None:
        """None where it does not refresh by itself."""
        dataset, catalog = self.sound.dataset, self.graph.catalog
        if not refreshes(catalog, self.sound.entry.stem, dataset) or dataset.refresh is None:
            return None
        partitioning = self.sound.partitioning
        cadence = partitioning.cadence if partitioning else catalog.calendars.cadence("day")
        return TRIGGERS[dataset.refresh.on](self.sound, dataset.refresh, self.inputs, cadence.zone.key)

    @property
    def condition(self) -> Condition | None:
        """When publications are requested."""
        if self.trigger is None:
            return None
        first = (MISSING & self._absent).with_label("never published, and an input is missing")
        below = [any_of(busy).with_label("a nested dataset comes first")] if (busy := [*self._busy()]) else []
        return self.trigger.due().with_label("due") & ~any_of([first, IN_PROGRESS, *below])

    @property
    def _absent(self) -> Condition:
        """Something that it reads is not there. Of what was published before, a run tells that itself."""
        absent = [~AC.asset_matches(each.key, _THERE) for each in self.inputs if self._reads_any(each)]
        mapped = [each for each in self.inputs if not self._reads_any(each)]
        if mapped:
            absent.append(AC.any_deps_match(MISSING).allow(only(*mapped)))
        return any_of(absent)

    def _reads_any(self, each: Input) -> bool:
        """Without Periods it reads the latest there is, or those of a window that only a run knows."""
        return self.sound.partitioning is None and each.partitioning is not None and not each.is_fixed

    def _busy(self) -> Iterator[Condition]:
        for each in self.inputs:
            nested = each.source.nested and self.graph.datasets.get(each.source.nested.stem)
            if isinstance(nested, ValidDataset):
                below = Automation(self.graph, nested)
                yield AC.asset_matches(each.key, below.unsettled)

    @property
    def unsettled(self) -> Condition:
        """Being made, about to be, or above something that is: who reads it now will have to once more."""
        found = [IN_PROGRESS, AC.will_be_requested(), *self._busy()]
        if self.trigger:
            found.append(self.trigger.seen_due(self._absent))
        return any_of(found)
