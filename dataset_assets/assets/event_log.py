"""Write publications that a command made outside of a Dagster run to the event log of a Dagster instance."""

from pathlib import Path

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
)
from dagster._core.errors import DagsterError
from dagster._core.instance.ref import InstanceRef

from dataset_assets.assets.asset_keys import published_key
from dataset_assets.assets.checks import check_results
from dataset_assets.assets.metadata import materialization_metadata
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.checks.results import CheckResult
from dataset_assets.errors import ContractError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.publishing.materialize import Materialization

STORAGE = ".dagster_storage"
"""Folder in which the dagster.yaml of a project stores runs and events."""


class DagsterEventWriter:
    """Writes events to the instance of DAGSTER_HOME, or to the instance of the dagster.yaml in `folder`.

    Relative paths in a dagster.yaml begin at the working directory, which has to be `folder`. Raises
    ContractError if the instance cannot be opened.
    """

    def __init__(self, catalog: Catalog, folder: Path | None = None) -> None:
        self._catalog = catalog
        self._check_results: dict[str, dict[str | None, tuple[CheckResult, ...]]] = {}
        self._instance = open_instance(folder)

    def write_materialization(self, result: Materialization, period: Period | None, uri: str) -> None:
        """Write one materialization of the asset of a dataset or output, as a Dagster run records it."""
        event = dg.AssetMaterialization(
            asset_key=published_key(self._catalog, result.dataset),
            partition=period.key if period else None,
            metadata=materialization_metadata(result, uri),
            tags=version_tags(result.digest, result.version.sha256),
        )
        self._instance.report_runless_asset_event(event)
        self.add_check_results(result.dataset, period, result.checks)

    def add_check_results(self, stem: str, period: Period | None, checks: tuple[CheckResult, ...]) -> None:
        """Collect the check results of a publication, published or refused, for `write_checks`."""
        self._check_results.setdefault(stem, {})[period.id if period else None] = checks

    def write_checks(self) -> None:
        """Write the collected results: one event for each check of a dataset, whatever its Periods."""
        for stem, results in self._check_results.items():
            key = published_key(self._catalog, stem)
            for result in check_results(key, results):
                self._instance.report_runless_asset_event(self._evaluation(key, result))
        self._check_results.clear()

    def _evaluation(self, key: dg.AssetKey, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
        records = self._instance.fetch_materializations(key, limit=1).records
        last = records[0] if records else None
        return dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=str(result.check_name),
            passed=result.passed,
            metadata=result.metadata,
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                storage_id=last.storage_id, run_id=last.run_id, timestamp=last.timestamp
            )
            if last
            else None,
            severity=result.severity,
            description=result.description,
            blocking=result.severity is dg.AssetCheckSeverity.ERROR,
        )


def version_tags(digest: str, structure: str) -> dict[str, str]:
    """Return the tags by which Dagster knows the version of rows, and of the structure that they have."""
    return {
        DATA_VERSION_TAG: digest,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        CODE_VERSION_TAG: structure[:12],
    }


def open_instance(folder: Path | None = None) -> dg.DagsterInstance:
    """Return the instance of DAGSTER_HOME, or the instance of the dagster.yaml in `folder`.

    Raises ContractError if it cannot be opened.
    """
    try:
        return _project_instance(folder) if folder else dg.DagsterInstance.get()
    except DagsterError as error:
        what = f"{folder}/dagster.yaml" if folder else "DAGSTER_HOME"
        hint = "fix it" if folder else "set it to the folder of a dagster.yaml, or unset it"
        raise ContractError(Fault(f"{what} is no Dagster instance: {error}", hint=hint)) from None


def _project_instance(folder: Path) -> dg.DagsterInstance:
    """Return the instance that `dagster dev` opens in this folder if DAGSTER_HOME is not set."""
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder / STORAGE), config_dir=str(folder)))
