"""The Dagster code location: every dataset of the definitions folder is an asset, every project a job."""

from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.executing import executor
from dataset_assets.assets.location import Surroundings, location
from dataset_assets.assets.resource import TargetResource
from dataset_assets.periods.calendar import Calendars
from dataset_assets.target import Target
from resources.alerting import sinks
from resources.settings import Settings


class ConfiguredTarget(TargetResource):
    """A target by its name in `resources/targets/`, or by the path of its file."""

    def load(self, calendars: Calendars) -> Target:
        """Reads the file; engines open when they are used."""
        from resources.target import load_target  # noqa: PLC0415 - engines are imported where they are used

        return load_target(self.name, calendars)


@dg.definitions
def defs() -> dg.Definitions:
    """Reads the files anew each time a code location loads; nothing happens at import."""
    return build(Settings.from_env(), datetime.now(UTC))


def build(settings: Settings, now: datetime) -> dg.Definitions:
    """The definitions of one folder over one target. `now` decides which Periods are complete."""
    found = location(settings.definitions, _surroundings(settings), now)
    return dg.Definitions.merge(found, dg.Definitions(executor=executor))


def surroundings(target: str | None = None, *, locked: bool | None = None) -> Surroundings:
    """Those of the environment, but for what is given. Raises ContractError for a variable that is wrong."""
    settings = Settings.from_env()
    given = {"target": target, "locked": locked}
    return _surroundings(settings.model_copy(update={k: v for k, v in given.items() if v is not None}))


def _surroundings(settings: Settings) -> Surroundings:
    resource = ConfiguredTarget(name=settings.target, locked=settings.locked)
    return Surroundings(resource, sinks(settings.alert_webhook), settings.webserver)
