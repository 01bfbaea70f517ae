"""Projects as Dagster jobs: a job materializes what its Project names, and stamps its id on rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, InvalidDataset
from dataset_assets.assets.asset_keys import PROJECT_TAG, dataset_key, word
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.catalog.projects import Project

Job = Any
"""What `define_asset_job` answers; Dagster does not export its class."""


def project_jobs(graph: Graph) -> Iterator[Job]:
    """The jobs of all Projects, each Project's by its name in alphabetical order."""
    for stem, project in graph.catalog.projects.items():
        yield from _jobs(graph, stem, project)


def _jobs(graph: Graph, stem: str, project: Project) -> Iterator[Job]:
    """One job, or where the datasets are not all partitioned alike one for each way: Dagster wants it so.

    Names do not change with Periods: the job of the Project's first dataset is called `<project>`, another
    one `<project>__<stem>`, by the first dataset that it has.
    """
    by_partitioning = _by_partitioning(graph, project)
    # Dagster's own field for the owners of a job is still in beta, and warns.
    lines = [project.name, project.description, f"Owner: {_owner(graph, project)}"]
    for number, stems in enumerate(by_partitioning.values()):
        yield dg.define_asset_job(
            name=word(f"{stem}__{stems[0]}" if number else stem),
            selection=dg.AssetSelection.assets(*(dataset_key(each) for each in stems)),
            description="\n\n".join(line for line in lines if line),
            tags={PROJECT_TAG: str(project.id)} if project.id else None,
        )


def _owner(graph: Graph, project: Project) -> str:
    user = graph.catalog.users.find(project.owner)
    return user.address if user else project.owner


def _by_partitioning(graph: Graph, project: Project) -> Mapping[Partitioning | None, list[str]]:
    """Broken datasets are in every job: it fails and says why, while the others are published."""
    stems = dict.fromkeys(graph.catalog.entry(name).stem for name in project.datasets)
    shown = [stem for stem in stems if stem in graph.datasets]
    broken = [stem for stem in shown if isinstance(graph.datasets[stem], InvalidDataset)]
    found: dict[Partitioning | None, list[str]] = {}
    for stem in shown:
        if stem not in broken:
            found.setdefault(graph.partitioning(stem), []).append(stem)
    if broken and not found:
        return {None: broken}
    return {partitioning: [*stems, *broken] for partitioning, stems in found.items()}
