"""One materialization event for each Period of a run that covers several.

Dagster ends such a run by reporting all its partitions at once, with one data version: a Period whose rows
did not change would look changed to everything downstream, and Periods that were published before another
failed would not be reported at all. So each Period is reported when it is published, with its own digest.
Dagster has no public way to do this. What is used of its inside is all in this file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.execution.plan.execute_step import _get_output_asset_events

_ALREADY_REPORTED = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""On an output: its events were reported by the op itself."""


def period_recorded(
    context: dg.AssetExecutionContext, partition: str, metadata: Mapping[str, Any], digest: str
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """The event of one partition, tagged with its data version and with those of what it was made from."""
    output_def = context.op_execution_context.op_def.output_defs[0]
    context.set_data_version(context.asset_key, dg.DataVersion(digest))
    yield from _get_output_asset_events(
        context.asset_key,
        [partition],
        dg.Output(None, metadata=metadata),
        output_def,
        {},
        context.op_execution_context.get_step_execution_context(),
        AssetExecutionType.MATERIALIZATION,
    )


def all_recorded(context: dg.AssetExecutionContext) -> dg.Output[None]:
    """What lets the steps downstream begin, without another event for every partition."""
    name = context.assets_def.get_output_name_for_asset_key(context.asset_key)
    return dg.Output(None, output_name=name, metadata=_ALREADY_REPORTED)
