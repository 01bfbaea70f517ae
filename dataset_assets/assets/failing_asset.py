"""Create an asset that fails with faults, for what cannot be used."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_keys import STATUS_TAG, word
from dataset_assets.assets.descriptions import broken_description
from dataset_assets.errors import Fault


def failing_asset(
    key: dg.AssetKey, faults: tuple[Fault, ...], metadata: Mapping[str, Any]
) -> dg.AssetsDefinition:
    """Return an asset whose runs fail with the faults as their message."""
    text = "\n".join(str(fault) for fault in faults)

    def compute() -> None:
        raise dg.Failure(text, allow_retries=False)

    spec = dg.AssetSpec(
        key,
        description=broken_description(faults),
        metadata={"faults": dg.MetadataValue.text(text), **metadata},
        group_name="broken",
        tags={STATUS_TAG: "broken"},
    )
    return dg.multi_asset(name=word("__".join(key.path)), specs=[spec])(compute)
