"""Create one materialization event for each Period that a Dagster run over several Periods publishes.

Dagster ends such a run by reporting all its partitions at once, with one data version. A Period whose rows
did not change would look changed to everything downstream, and Periods that were published before another
failed would not be reported at all. So each Period is reported when it is published, with its own digest.
Dagster has no public interface for this: the private functions that it needs are used in this module alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.execution.plan.execute_step import _get_output_asset_events

_ALREADY_REPORTED = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Output metadata that keeps Dagster from creating events for the output."""


def partition_events(
    context: dg.AssetExecutionContext, partition: str, metadata: Mapping[str, Any], digest: str
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Yield the event of one partition, with its data version and the data versions of its inputs as tags."""
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


def output_without_events(context: dg.AssetExecutionContext) -> dg.Output[None]:
    """Return the output that lets downstream steps begin, without a second event for every partition."""
    name = context.assets_def.get_output_name_for_asset_key(context.asset_key)
    return dg.Output(None, output_name=name, metadata=_ALREADY_REPORTED)
