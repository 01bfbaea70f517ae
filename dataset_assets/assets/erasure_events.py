"""Report an erasure to Dagster: an observation of the asset of each dataset and output, without any value."""

from pathlib import Path

import dagster as dg

from dataset_assets.assets.asset_keys import published_key
from dataset_assets.assets.event_log import open_instance
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erasure_report import Certificate, ErasedDataset


def write_erasure(catalog: Catalog, done: Certificate, folder: Path | None = None) -> None:
    """Write an observation for each dataset and output, to the instance that `open_instance` opens.

    Raises ContractError if the instance cannot be opened.
    """
    with open_instance(folder) as instance:
        for each in done.datasets:
            instance.report_runless_asset_event(
                erasure_observation(published_key(catalog, each.dataset), done, each)
            )


def erasure_observation(key: dg.AssetKey, done: Certificate, erased: ErasedDataset) -> dg.AssetObservation:
    """Return the observation of an erasure: which, when, by whom, how many rows and publications."""
    return dg.AssetObservation(
        asset_key=key,
        description=f"erased {erased.rows:,} rows",
        metadata={
            "erasure": done.id,
            "begun_at": dg.MetadataValue.timestamp(done.begun_at),
            "erased_by": done.by or "",
            "rows": erased.rows,
            "publications": len(erased.publications),
        },
    )
