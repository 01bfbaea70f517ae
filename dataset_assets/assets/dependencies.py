"""What a dataset reads, as its asset's dependencies: each asset once, with the partitions that are read."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.descriptions import source_key
from dataset_assets.assets.partitions import Partitioning, nested_mapping, table_mapping
from dataset_assets.contract.scope import Source


@dataclass(frozen=True)
class Input:
    """One asset that a dataset reads. `partitioning` is that asset's, None for one that is in one piece."""

    key: dg.AssetKey
    source: Source
    partitioning: Partitioning | None
    mapping: dg.PartitionMapping | None

    @property
    def is_main(self) -> bool:
        """Whether it is the main table, which may be a lookup as well."""
        return self.source.lookup is None

    @property
    def is_fixed(self) -> bool:
        """Whether certain partitions are read whenever it is."""
        return isinstance(self.mapping, dg.SpecificPartitionsPartitionMapping)


def inputs(graph: Graph, sound: ValidDataset) -> Iterator[Input]:
    """The main table, then the lookups: tables and nested datasets."""
    scope = graph.catalog.scope(sound.entry)
    seen: set[dg.AssetKey] = set()
    for source in scope.sources:
        key = source_key(graph, sound, source)
        if key not in seen:
            seen.add(key)
            yield _input(graph, sound, source, key)


def _input(graph: Graph, sound: ValidDataset, source: Source, key: dg.AssetKey) -> Input:
    if source.nested:
        upstream = graph.partitioning(source.nested.stem)
        return Input(key, source, upstream, nested_mapping(upstream, sound.partitioning))
    upstream = graph.tables[sound.table(source.table)].partitioning
    snapshots = source.lookup is not None
    mapping = table_mapping(sound.dataset, upstream, sound.partitioning, snapshots=snapshots)
    return Input(key, source, upstream, mapping)
