"""Datasets in any Dagster project, from its `defs.yaml` files.

What is wrong with a dataset never keeps the project from loading: its asset fails with the faults, and
`dg check defs` tells them. What is wrong with the other attributes Dagster tells itself, and does not load.
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

from dataset_assets.adapters.targets.environment import Settings, find_project
from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.asset_keys import word
from dataset_assets.assets.code_location import CodeLocationSettings, definitions, tell_when_validated
from dataset_assets.assets.factory import datasets
from dataset_assets.assets.scaffolding import EXAMPLE, DatasetScaffolder, DatasetsScaffolder
from dataset_assets.catalog.catalog import Catalog, load_catalog, single_catalog
from dataset_assets.catalog.json_schema import json_schema
from dataset_assets.catalog.rules import ROOT
from dataset_assets.yaml.reader import Document, read_file

TARGET = "target.yaml"
"""The target that a component takes when it names none, where its folder has it."""

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
    """What both components have: where datasets are read and published."""

    target: Target = None
    locked: Locked = None
    upstream_assets: UpstreamAssets = Field(default_factory=dict)

    @abstractmethod
    def catalog(self, folder: Path) -> Catalog:
        """The datasets. `folder` is the component's own."""

    @abstractmethod
    def definitions(self, graph: Graph, around: CodeLocationSettings) -> dg.Definitions:
        """What of the graph becomes definitions."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Reads the files anew each time the code location loads."""
        around = self.around(context)
        graph = self.graph(context, around)
        tell_when_validated(graph, lambda: _graphs(context))
        return self.definitions(graph, around)

    def graph(self, context: dg.ComponentLoadContext, around: CodeLocationSettings) -> Graph:
        """As of now, which decides which Periods are complete."""
        return around.graph(self.catalog(context.path), datetime.now(UTC))

    def around(self, context: dg.ComponentLoadContext) -> CodeLocationSettings:
        """Its sensors and its resource are called after the component's folder."""
        folder = context.path
        settings = Settings.from_env(project=find_project(folder))
        given = {"target": _place(folder, self.target), "locked": self.locked}
        chosen = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
        return replace(
            CodeLocationSettings.from_settings(chosen),
            part=word("__".join(folder.relative_to(context.defs_module_path).parts)),
            made_here={
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

    def catalog(self, folder: Path) -> Catalog:
        """All files of the folder."""
        return load_catalog((folder / self.path).resolve())

    def definitions(self, graph: Graph, around: CodeLocationSettings) -> dg.Definitions:
        """Everything, as in a code location of its own; how runs are executed is left to the project."""
        return definitions(graph, around)


@dg.scaffold_with(DatasetScaffolder)
class DatasetComponent(_Component):
    """One dataset over tables of this project. It is called what its folder is called.

    Nothing but the asset comes of it: Dagster's own automation sensor acts on its `refresh`, and assets of
    the project report their tables themselves.
    """

    dataset: Annotated[
        Mapping[str, Any],
        Field(description="What stands under `dataset:` in a dataset's file"),
    ]

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """What `dg check yaml` and editors go by. Dagster lets any mapping be a dataset: the rest is ours."""
        return _of_dataset(cls.model())

    def catalog(self, folder: Path) -> Catalog:
        """Read from the file, not taken from the attributes, which know no positions."""
        return single_catalog(folder / "defs.yaml", folder.name, _read)

    def definitions(self, graph: Graph, around: CodeLocationSettings) -> dg.Definitions:
        """The dataset's asset."""
        return dg.Definitions(assets=list(datasets(graph)), resources={graph.binding.key: around.resource})


def _graphs(context: dg.ComponentLoadContext) -> Iterator[Graph]:
    """Those of all components of this kind in the project."""
    tree = context.component_tree
    for loc, decl in tree.find_root_decl().iterate_loc_component_decl_pairs():
        if issubclass(decl.component_type, _Component):
            component = tree.load_structural_component_at_loc(loc)
            if isinstance(component, _Component):
                own = context.for_component_loc(loc)
                yield component.graph(own, component.around(own))


def _place(folder: Path, target: str | None) -> str | None:
    """The path or the name of a target; None for the environment's."""
    if target is None:
        return str(folder / TARGET) if (folder / TARGET).exists() else None
    return str(folder / target) if target.endswith((".yaml", ".yml")) else target


def _read(path: Path) -> Document:
    return read_file(path).part(_ATTRIBUTES, ROOT)


class _OfDataset(BaseModel):
    """A model that has a Dataset among its fields, and says in its schema what that is."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        schema, dataset = super().model_json_schema(*args, **kwargs), json_schema()
        schema["properties"][ROOT] = {
            **dataset["properties"][ROOT],
            "description": schema["properties"][ROOT]["description"],
            "examples": [yaml.safe_load(EXAMPLE)],
        }
        # Dagster reads the key `on` as true, which no schema can name. We read it as it is written.
        dataset["$defs"]["Refresh"]["additionalProperties"] = True
        return schema | {"$defs": schema.get("$defs", {}) | dataset["$defs"]}


@cache
def _of_dataset(model: type[BaseModel]) -> type[BaseModel]:
    return create_model(model.__name__, __base__=(_OfDataset, model), __doc__=model.__doc__)
