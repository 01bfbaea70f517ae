"""Build the automation condition of each dataset, and the sensor `refresh` that evaluates the conditions.

A publication is requested when it is due (`refresh_conditions.py`) and nothing prevents it: all inputs of a
first run exist, no run of it is in progress, and no nested dataset below it is in progress or about to be
requested. So a change that reaches a dataset on two paths causes one run. Several partitions that are due at
once become one backfill with few runs.
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
"""Seconds between two ticks for each dataset. Dagster needs a third of it to evaluate the dataset; the other
daemons of the process use the rest."""

_ABOUT = "Asks of every dataset with `refresh` whether publications are due, and requests their runs"
_ANY_MATERIALIZED: Condition = (~MISSING).since(MISSING).with_label("any partition is there")
"""The condition that any partition exists.

It has memory (`since`), because Dagster evaluates such conditions on all partitions, not only on mapped ones.
"""


def sensor(
    datasets: int = 0, *, name: str = SENSOR, target: dg.AssetSelection | None = None
) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor of a code location. It is running by default; refreshes are paused in the files.

    `datasets` is the number of datasets that it evaluates, `target` the selection of them, by default all.
    """
    return dg.AutomationConditionSensorDefinition(
        name=name,
        target=dg.AssetSelection.key_prefixes([DATASETS]) if target is None else target,
        minimum_interval_seconds=max(INTERVAL, round(datasets * EACH)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def condition(graph: Graph, valid: ValidDataset) -> Condition | None:
    """Return the automation condition of a dataset; None if it never refreshes by itself (BR-101)."""
    return Automation(graph, valid).condition


def refreshes(catalog: Catalog, stem: str, dataset: Dataset) -> bool:
    """Return whether a dataset refreshes by itself. A disabled one does so if a Project names it (BR-008)."""
    refresh, status = dataset.refresh, dataset.status
    if refresh is None or refresh.paused:
        return False
    return status is Status.ACTIVE or (status is Status.DISABLED and stem in _named(catalog))


def _named(catalog: Catalog) -> set[str]:
    """Return the stems of the datasets that Projects name."""
    entries = (catalog.named(name) for project in catalog.projects.values() for name in project.datasets)
    return {entry.stem for entry in entries if entry}


@dataclass(frozen=True)
class Automation:
    """The automation of one dataset in the graph."""

    graph: Graph
    valid: ValidDataset

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The assets that the dataset reads."""
        return tuple(inputs(self.graph, self.valid))

    @cached_property
    def trigger(self) -> Trigger | None:
        """The trigger of the dataset; None if it does not refresh by itself."""
        dataset, catalog = self.valid.dataset, self.graph.catalog
        if not refreshes(catalog, self.valid.entry.stem, dataset) or dataset.refresh is None:
            return None
        partitioning = self.valid.partitioning
        cadence = partitioning.cadence if partitioning else catalog.calendars.cadence("day")
        return TRIGGERS[dataset.refresh.on](self.valid, dataset.refresh, self.inputs, cadence.zone.key)

    @property
    def condition(self) -> Condition | None:
        """The condition on which publications are requested; None if there is no trigger."""
        if self.trigger is None:
            return None
        first = (MISSING & self._absent).with_label("never published, and an input is missing")
        below = [any_of(busy).with_label("a nested dataset comes first")] if (busy := [*self._busy()]) else []
        return self.trigger.due().with_label("due") & ~any_of([first, IN_PROGRESS, *below])

    @property
    def _absent(self) -> Condition:
        """The condition that an input is missing.

        It blocks only the first publication; later runs check their inputs themselves.
        """
        absent = [
            ~AC.asset_matches(each.key, _ANY_MATERIALIZED) for each in self.inputs if self._reads_any(each)
        ]
        mapped = [each for each in self.inputs if not self._reads_any(each)]
        if mapped:
            absent.append(AC.any_deps_match(MISSING).allow(only(*mapped)))
        return any_of(absent)

    def _reads_any(self, each: Input) -> bool:
        """Whether an unpartitioned dataset reads a partitioned input, by its latest Period or a window."""
        return self.valid.partitioning is None and each.partitioning is not None and not each.is_fixed

    def _busy(self) -> Iterator[Condition]:
        for each in self.inputs:
            nested = each.source.nested and self.graph.datasets.get(each.source.nested.stem)
            if isinstance(nested, ValidDataset):
                below = Automation(self.graph, nested)
                yield AC.asset_matches(each.key, below.unsettled)

    @property
    def unsettled(self) -> Condition:
        """The condition that this dataset, or one nested in it, is about to change.

        Datasets that read it should wait; otherwise they would run twice.
        """
        conditions = [IN_PROGRESS, AC.will_be_requested(), *self._busy()]
        if self.trigger:
            conditions.append(self.trigger.seen_due(self._absent))
        return any_of(conditions)
