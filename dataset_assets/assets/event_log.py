"""What was published without a Dagster run, told to a Dagster instance that shows it then."""

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

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.checks import check_results
from dataset_assets.assets.metadata import materialization_metadata
from dataset_assets.assets.source_sightings import Sighting
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.checks.audit import CheckResult
from dataset_assets.errors import ContractError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization

STORAGE = ".dagster_storage"
"""Where the project's own dagster.yaml keeps runs and events."""


class DagsterEventWriter:
    """Writes events to the instance of DAGSTER_HOME, or to that of the dagster.yaml in `folder`.

    Relative paths of a dagster.yaml begin at the working directory, which has to be `folder`. Raises
    ContractError where there is no usable instance.
    """

    def __init__(self, catalog: Catalog, target: Target, folder: Path | None = None) -> None:
        self._findings: dict[str, dict[str | None, tuple[CheckResult, ...]]] = {}
        try:
            self._instance = _own(folder) if folder else dg.DagsterInstance.get()
        except DagsterError as error:
            what = f"{folder}/dagster.yaml" if folder else "DAGSTER_HOME"
            hint = "fix it" if folder else "set it to the folder of a dagster.yaml, or unset it"
            raise ContractError(Fault(f"{what} is no Dagster instance: {error}", hint=hint)) from None
        self._sighting = Sighting(self._instance, catalog, target)

    def before(self, stem: str) -> None:
        """Tells what the sources of a dataset are like that is going to be published."""
        self._sighting.observe(stem)

    def __call__(self, result: Materialization, period: Period | None, uri: str) -> None:
        """One event of its asset, as a run of Dagster records it."""
        event = dg.AssetMaterialization(
            asset_key=dataset_key(result.dataset),
            partition=period.key if period else None,
            metadata=materialization_metadata(result, uri),
            tags={
                DATA_VERSION_TAG: result.digest,
                DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
                CODE_VERSION_TAG: result.version.sha256[:12],
            },
        )
        if self._told(event) not in (None, result.digest):
            self._sighting.doubt(result.dataset)
        self._instance.report_runless_asset_event(event)
        self.found(result.dataset, period, result.checks)

    def _told(self, event: dg.AssetMaterialization) -> str | None:
        """The digest that was told of this publication before; None where nothing was."""
        only = [event.partition] if event.partition else None
        wanted = dg.AssetRecordsFilter(event.asset_key, asset_partitions=only)
        records = self._instance.fetch_materializations(wanted, limit=1).records
        tags = records[0].event_log_entry.tags if records else None
        return (tags or {}).get(DATA_VERSION_TAG)

    def found(self, stem: str, period: Period | None, checks: tuple[CheckResult, ...]) -> None:
        """What checks found, also of a publication that was refused; `report_checks` writes it."""
        self._findings.setdefault(stem, {})[period.id if period else None] = checks

    def report_checks(self) -> None:
        """Write the results of all checks: one for each check of a dataset, as a run over Periods does."""
        for stem, findings in self._findings.items():
            key = dataset_key(stem)
            for result in check_results(key, findings):
                self._instance.report_runless_asset_event(self._evaluation(key, result))
        self._findings.clear()

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


def _own(folder: Path) -> dg.DagsterInstance:
    """The same files that `dagster dev` opens in this folder where DAGSTER_HOME is not set."""
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder / STORAGE), config_dir=str(folder)))
