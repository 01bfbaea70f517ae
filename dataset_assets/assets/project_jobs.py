"""Create a Dagster job for each Project, which publishes its datasets and its outputs.

It writes the Project's id into the rows that it makes (BR-015).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, InvalidDataset
from dataset_assets.assets.asset_keys import PROJECT_TAG, dataset_key, output_key, word
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.contract.project import Project

Job = Any
"""Return type of `define_asset_job`, which Dagster does not export."""


def project_jobs(graph: Graph) -> Iterator[Job]:
    """Yield the jobs of all Projects, in alphabetical order of their names."""
    for stem, project in graph.catalog.projects.items():
        yield from _jobs(graph, stem, project)


def _jobs(graph: Graph, stem: str, project: Project) -> Iterator[Job]:
    """Yield one job for each partitioning of the Project's datasets, because Dagster allows one for each job.

    The job of the Project's first dataset is called `<project>`. Every other job is called
    `<project>__<stem>` after its own first dataset, so that names do not change with Periods.
    """
    by_partitioning = _by_partitioning(graph, project)
    # The owner is in the text because Dagster's field for owners of a job is in beta and warns.
    lines = [project.name, project.description, f"Owner: {_owner(graph, project)}"]
    for number, stems in enumerate(by_partitioning.values()):
        yield dg.define_asset_job(
            name=word(f"{stem}__{stems[0]}" if number else stem),
            selection=dg.AssetSelection.assets(*_keys(graph, stem, stems)),
            description="\n\n".join(line for line in lines if line),
            tags={PROJECT_TAG: str(project.id)} if project.id else None,
        )


def _keys(graph: Graph, project: str, stems: Collection[str]) -> list[dg.AssetKey]:
    """Return the keys of datasets and of the Project's outputs of their rows."""
    outputs = (
        each for each in graph.catalog.outputs.values() if each.project == project and each.dataset in stems
    )
    return [*map(dataset_key, stems), *map(output_key, outputs)]


def _owner(graph: Graph, project: Project) -> str:
    user = graph.catalog.users.find(project.owner)
    return user.address if user else project.owner


def _by_partitioning(graph: Graph, project: Project) -> Mapping[Partitioning | None, list[str]]:
    """Return the stems of the Project's datasets by partitioning.

    Invalid datasets are in every job: it fails with their faults while the others are published.
    """
    stems = dict.fromkeys(graph.catalog.entry(name).stem for name in project.datasets)
    shown = [stem for stem in stems if stem in graph.datasets]
    broken = [stem for stem in shown if isinstance(graph.datasets[stem], InvalidDataset)]
    groups: dict[Partitioning | None, list[str]] = {}
    for stem in shown:
        if stem not in broken:
            groups.setdefault(graph.partitioning(stem), []).append(stem)
    if broken and not groups:
        return {None: broken}
    return {partitioning: [*stems, *broken] for partitioning, stems in groups.items()}
