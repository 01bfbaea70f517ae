"""Read the current states of source tables from the metadata that their resolvers provide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dataset_assets.assets.asset_graph import Table
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TableState
from dataset_assets.ports.target import Target


@dataclass(frozen=True)
class SourceStates:
    """The state of each Period of one table by Period id, or the `problem` that kept them from being read.

    The key is None for a table that is not stored by Period.
    """

    by_period: Mapping[str | None, TableState] = field(default_factory=dict)
    problem: str = ""


PartitionStates = Mapping[str | None, tuple[Period | None, TableState]]
"""Dagster partition key → the Period and its state. Key and Period are None for an unpartitioned table."""


def read_source_states(target: Target | None, table: Table) -> SourceStates:
    """Return the states of a table. Never raises: an error is returned as the `problem`."""
    if target is None:
        return SourceStates(problem="the target cannot be read")
    try:
        resolver = target.resolver(table.resolver)
        if table.partitioning:
            return SourceStates(resolver.pieces(table.name))
        return SourceStates({None: resolver.state(table.name)})
    except DatasetAssetsError as error:
        return SourceStates(problem=" ".join(fault.message for fault in error.faults))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources are still read
        return SourceStates(problem=f"{type(error).__name__}: {error}")


def states_by_partition(table: Table, states: SourceStates, now: datetime) -> PartitionStates:
    """Return the states by partition key. Periods that are no partition of the asset yet are left out."""
    partitions: dict[str | None, tuple[Period | None, TableState]] = {}
    for period_id, state in states.by_period.items():
        period = None
        if table.partitioning and period_id:
            period = table.partitioning.cadence.parse(period_id)
            if not table.partitioning.holds(period, now):
                continue
        partitions[period.key if period else None] = (period, state)
    return partitions
