"""List the assets that a dataset reads, each with the Dagster partition mapping of what it reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.descriptions import source_key
from dataset_assets.assets.partitions import Partitioning, bitemporal_mapping, nested_mapping, table_mapping
from dataset_assets.compiler.source_ranges import history_before
from dataset_assets.contract.scope import Source


@dataclass(frozen=True)
class Input:
    """One asset that a dataset reads. `partitioning` is that of the asset; None if it is unpartitioned."""

    key: dg.AssetKey
    source: Source
    partitioning: Partitioning | None
    mapping: dg.PartitionMapping | None

    @property
    def is_main(self) -> bool:
        """Whether the asset is the main table, which may be a lookup as well."""
        return self.source.lookup is None


def inputs(graph: Graph, valid: ValidDataset) -> Iterator[Input]:
    """Yield the main table, then the lookups, which are tables and nested datasets; each asset once."""
    scope = graph.catalog.scope(valid.entry)
    seen: set[dg.AssetKey] = set()
    for source in scope.sources:
        key = source_key(graph, valid, source)
        if key not in seen:
            seen.add(key)
            yield _input(graph, valid, source, key)


def _input(graph: Graph, valid: ValidDataset, source: Source, key: dg.AssetKey) -> Input:
    if source.nested:
        upstream = graph.partitioning(source.nested.stem)
        mapping = (
            bitemporal_mapping(upstream)
            if source.is_bitemporal
            else nested_mapping(upstream, valid.partitioning)
        )
        return Input(key, source, upstream, mapping)
    upstream = graph.tables[valid.table(source.table)].partitioning
    lookup, snapshots, before = source.lookup, source.lookup is not None, timedelta()
    if lookup and source.as_of:
        snapshots, before = False, history_before(valid.dataset, lookup)
    mapping = table_mapping(valid.dataset, upstream, valid.partitioning, snapshots=snapshots, before=before)
    return Input(key, source, upstream, mapping)
