"""The Dagster code location: every file in `datasets/` is an asset, every file in `projects/` a job."""

from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.code_location import code_location
from resources.target import settings


@dg.definitions
def defs() -> dg.Definitions:
    """Read the files anew each time the code location loads."""
    return code_location(settings(), datetime.now(UTC))
