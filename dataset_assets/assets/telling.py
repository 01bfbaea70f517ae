"""What was published without a Dagster run, told to a Dagster instance that shows it then."""

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
)
from dagster._core.errors import DagsterError

from dataset_assets.assets.keys import dataset_key
from dataset_assets.assets.metadata import materialization_metadata
from dataset_assets.errors import ContractError, Fault
from dataset_assets.materialize import Materialization
from dataset_assets.periods.period import Period


class Telling:
    """The instance of DAGSTER_HOME. Raises ContractError where it is none."""

    def __init__(self) -> None:
        try:
            self._instance = dg.DagsterInstance.get()
        except DagsterError as error:
            mend = "set it to the folder of a dagster.yaml, or unset it"
            raise ContractError(Fault(f"DAGSTER_HOME is no Dagster instance: {error}", mend=mend)) from None

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
        self._instance.report_runless_asset_event(event)
