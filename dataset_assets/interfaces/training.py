"""Name published datasets in the tracking of training runs: `mlflow_dataset` for MLflow.

import mlflow
from dataset_assets.interfaces.training import mlflow_dataset

with mlflow.start_run() as run:
    mlflow.log_input(mlflow_dataset("grocery_recommender", partition="2017-12"), context="training")
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_assets.interfaces.optional_packages import optional_module
from dataset_assets.interfaces.reading import open_rows, read_arrow
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.warehouse import Publication
from dataset_assets.text.digest import digest

_SOURCE_TYPE = "dataset_assets"
_MAX_DIGEST = 36
"""Characters of a digest that MLflow stores."""


def mlflow_dataset(
    name: str,
    *,
    partition: str | None = None,
    version: int | None = None,
    target: str | None = None,
    definitions: Path | None = None,
) -> Any:
    """Return a published dataset as an `mlflow.data.Dataset` for `mlflow.log_input`. No row is read.

    `name`, `partition` and `version` are those of `read_arrow`. The source has the URI of the table, the
    dataset, its Periods with their digests, the number of rows, the version of the definition and that of
    the table. Raises UnsupportedError if MLflow is not installed, and whatever `read_arrow` raises.
    """
    mlflow = "MLflow", "`mlflow` or `mlflow-skinny`"
    meta_dataset = optional_module("mlflow.data.meta_dataset", *mlflow)
    dataset_source = optional_module("mlflow.data.dataset_source", *mlflow)
    workspace = Workspace.of(target, definitions)
    with open_rows(workspace, RowSelection(name, partition, version)) as rows:
        publications = rows.publications
    facts = _facts(publications, workspace.target.warehouse.location(publications[0].dataset))
    source = _source_class(dataset_source.DatasetSource)(facts)
    return meta_dataset.MetaDataset(source, name=facts["dataset"], digest=_digest_of(publications))


def _facts(publications: Sequence[Publication], uri: str) -> dict[str, Any]:
    records = [each.record for each in publications]
    return {
        "uri": uri,
        "dataset": publications[0].dataset,
        "dataset_id": records[-1].get("dataset_id"),
        "version_number": records[-1]["version"],
        "table_version": max(each.version for each in publications),
        "rows": sum(each["counts"]["rows"] for each in records),
        "digests": {each.period or "all": each.record["digest"] for each in publications},
    }


def _source_class(base: Any) -> Any:
    """Return the class of our sources, a subclass of MLflow's DatasetSource."""

    class PublishedSource(base):
        """The table of a published dataset, at one version."""

        def __init__(self, facts: Mapping[str, Any]) -> None:
            self._facts = dict(facts)

        @staticmethod
        def _get_source_type() -> str:
            return _SOURCE_TYPE

        @staticmethod
        def _can_resolve(_: Any) -> bool:
            return False

        @classmethod
        def _resolve(cls, raw_source: Any) -> Any:
            raise NotImplementedError(f"{raw_source} is no published dataset")

        def load(self, **options: Any) -> Any:
            """Return the rows as `read_arrow` does, which has the same `options`."""
            periods = list(self._facts["digests"])
            partition = periods[0] if len(periods) == 1 and periods != ["all"] else None
            version = self._facts["table_version"]
            return read_arrow(self._facts["dataset"], partition=partition, version=version, **options)

        def to_dict(self) -> dict[str, Any]:
            """Return what MLflow stores."""
            return dict(self._facts)

        @classmethod
        def from_dict(cls, source_dict: Mapping[str, Any]) -> Any:
            """Return the source that MLflow stored."""
            return cls(source_dict)

    return PublishedSource


def _digest_of(publications: Sequence[Publication]) -> str:
    """Return the digest of one publication, or one digest over those of several."""
    digests = [each.record["digest"] for each in publications]
    return (digests[0] if len(digests) == 1 else digest(digests))[:_MAX_DIGEST]
