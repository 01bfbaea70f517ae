"""The Dagster code location: every dataset of this folder is an asset, every project a job."""

from datetime import UTC, datetime

import dagster as dg

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.code_location import CodeLocationSettings, location
from dataset_assets.assets.executor import executor
from resources.target import settings


@dg.definitions
def defs() -> dg.Definitions:
    """Reads the files anew each time a code location loads; nothing happens at import."""
    return build(settings(), datetime.now(UTC))


def build(settings: Settings, now: datetime) -> dg.Definitions:
    """The definitions of one folder over one target. `now` decides which Periods are complete."""
    found = location(settings.definitions, CodeLocationSettings.from_settings(settings), now)
    return dg.Definitions.merge(found, dg.Definitions(executor=executor))
