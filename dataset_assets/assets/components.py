"""Dagster components that define datasets in any Dagster project, in its `defs.yaml` files.

A fault in a dataset never keeps the project from loading: the dataset's asset fails with the faults, and
`dg check defs` prints them. Faults in the other attributes are reported by Dagster, which then does not load.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
import yaml
from pydantic import BaseModel, Field, create_model
from typing_extensions import override

from dataset_assets.adapters.targets.environment import Settings, find_project
from dataset_assets.assets.asset_definitions import dataset_assets
from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.asset_keys import word
from dataset_assets.assets.code_location import (
    CodeLocationSettings,
    exit_if_validating,
    graph_definitions,
)
from dataset_assets.assets.refresh_sensor import SENSOR, refresh_sensor
from dataset_assets.assets.scaffolding import EXAMPLE, DatasetScaffolder, DatasetsScaffolder
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.json_schema import json_schema
from dataset_assets.catalog.load_catalog import load_catalog, single_catalog
from dataset_assets.catalog.rules import ROOT
from dataset_assets.yaml.reader import Document, read_file

TARGET = "target.yaml"
"""File of the default target, if the component's folder has it."""

_ATTRIBUTES = "attributes"

Target = Annotated[
    str | None,
    Field(
        description=(
            "Where tables are and datasets go: the path of a target's file, from this folder on, or the name "
            f"of one in the project's resources/targets/. Absent: {TARGET} in this folder, else "
            "DATASET_ASSETS_TARGET."
        ),
        examples=[TARGET, "../targets/production.yaml", "bigquery"],
    ),
]
Locked = Annotated[
    bool | None,
    Field(
        description=(
            "Whether a structure that its lock does not know is refused, as is right in production. "
            "Absent: DATASET_ASSETS_LOCKED."
        ),
        examples=[True],
    ),
]
UpstreamAssets = Annotated[
    Mapping[str, str],
    Field(
        description=(
            "Tables that assets of this project make: the table's name, and the key of its asset. "
            "A table that is not named is an asset of its own, `<resolver>/<table>`."
        ),
        examples=[{"orders": "raw/orders"}],
    ),
]


class _Component(dg.Component, dg.Model, dg.Resolvable):
    """The attributes that both components share: where datasets are read and published."""

    target: Target = None
    locked: Locked = None
    upstream_assets: UpstreamAssets = Field(default_factory=dict)

    @abstractmethod
    def catalog(self, folder: Path) -> Catalog:
        """Return the catalog of the component's datasets. `folder` is the folder of the component."""

    @abstractmethod
    def definitions(self, graph: Graph, location: CodeLocationSettings) -> dg.Definitions:
        """Return the definitions of the component's part of the graph."""

    @override
    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the definitions. The files are read each time the code location loads."""
        location = self.location(context)
        graph = self.graph(context, location)
        exit_if_validating(graph, lambda: _graphs(context))
        return self.definitions(graph, location)

    def graph(self, context: dg.ComponentLoadContext, location: CodeLocationSettings) -> Graph:
        """Return the asset graph as of now, which decides which Periods are complete."""
        return location.graph(self.catalog(context.path), datetime.now(UTC))

    def location(self, context: dg.ComponentLoadContext) -> CodeLocationSettings:
        """Return the settings of the component, whose part of the code location is named after its folder."""
        folder = context.path
        settings = Settings.from_env(project=find_project(folder))
        given = {"target": _target_of(folder, self.target), "locked": self.locked}
        chosen = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
        return replace(
            CodeLocationSettings.from_settings(chosen),
            part=word("__".join(folder.relative_to(context.defs_module_path).parts)),
            upstream_assets={
                table: dg.AssetKey.from_user_string(key) for table, key in self.upstream_assets.items()
            },
        )


@dg.scaffold_with(DatasetsScaffolder)
class DatasetsComponent(_Component):
    """A folder of datasets: each file of its `datasets/` is an asset, each of its `projects/` a job."""

    path: Annotated[
        str,
        Field(
            description="The folder that has `datasets/`, `users.yaml` and, where there are any, `projects/` "
            "and `periods.yaml`; from this folder on",
            examples=[".", "../../definitions"],
        ),
    ] = "."

    @override
    def catalog(self, folder: Path) -> Catalog:
        """Return the catalog of all files in the folder."""
        return load_catalog((folder / self.path).resolve())

    @override
    def definitions(self, graph: Graph, location: CodeLocationSettings) -> dg.Definitions:
        """Return everything that a code location has, except the executor, which the project chooses."""
        return graph_definitions(graph, location)


@dg.scaffold_with(DatasetScaffolder)
class DatasetComponent(_Component):
    """One dataset over tables of this project. It has the name of its folder.

    Its asset is defined and, if it refreshes by itself, a sensor for that. The assets of the project report
    their tables themselves.
    """

    dataset: Annotated[
        Mapping[str, Any],
        Field(description="What stands under `dataset:` in a dataset's file"),
    ]

    @classmethod
    @override
    def get_model_cls(cls) -> type[BaseModel] | None:
        """Return the model whose JSON Schema `dg check yaml` and editors use: with that of a dataset."""
        return _with_dataset_schema(cls.model())

    @override
    def catalog(self, folder: Path) -> Catalog:
        """Return the catalog of this dataset, read from its file because attributes have no positions."""
        return single_catalog(folder / "defs.yaml", folder.name, _read)

    @override
    def definitions(self, graph: Graph, location: CodeLocationSettings) -> dg.Definitions:
        """Return the asset of the dataset, its resource and its sensor."""
        refreshed = any(each.dataset and each.dataset.refresh for each in graph.catalog.entries.values())
        return dg.Definitions(
            assets=list(dataset_assets(graph)),
            sensors=[refresh_sensor(graph, name=location.unique_name(SENSOR))] if refreshed else [],
            resources={graph.binding.key: location.resource},
        )


def _graphs(context: dg.ComponentLoadContext) -> Iterator[Graph]:
    """Yield the graphs of all dataset components in the project."""
    tree = context.component_tree
    for loc, decl in tree.find_root_decl().iterate_loc_component_decl_pairs():
        if issubclass(decl.component_type, _Component):
            component = tree.load_structural_component_at_loc(loc)
            if isinstance(component, _Component):
                own = context.for_component_loc(loc)
                yield component.graph(own, component.location(own))


def _target_of(folder: Path, target: str | None) -> str | None:
    """Return the path or the name of the target; None for the target of the environment."""
    if target is None:
        return str(folder / TARGET) if (folder / TARGET).exists() else None
    return str(folder / target) if target.endswith((".yaml", ".yml")) else target


def _read(path: Path) -> Document:
    return read_file(path).part(_ATTRIBUTES, ROOT)


class _WithDatasetSchema(BaseModel):
    """A model with a field for a Dataset, whose JSON Schema includes the schema of a Dataset."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        schema, dataset = super().model_json_schema(*args, **kwargs), json_schema()
        schema["properties"][ROOT] = {
            **dataset["properties"][ROOT],
            "description": schema["properties"][ROOT]["description"],
            "examples": [yaml.safe_load(EXAMPLE)],
        }
        # Dagster's YAML reader reads the key `on` as true, which no schema can name. Ours reads it as text.
        dataset["$defs"]["Refresh"]["additionalProperties"] = True
        return schema | {"$defs": schema.get("$defs", {}) | dataset["$defs"]}


@cache
def _with_dataset_schema(model: type[BaseModel]) -> type[BaseModel]:
    return create_model(model.__name__, __base__=(_WithDatasetSchema, model), __doc__=model.__doc__)
