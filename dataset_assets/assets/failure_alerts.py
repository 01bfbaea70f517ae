"""The Dagster sensor `alerts`, which reports failed runs to the owners of the unpublished datasets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)

from dataset_assets.assets.asset_keys import dataset_key, word
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.alerts import Alert, AlertSink

SENSOR = "alerts"
INTERVAL = 30
"""Seconds between two ticks, at least."""

_REPORTED_TAG = "dataset_assets/"
"""Prefix of the tag of a reported run, before the sensor's name. A run can fail more than once."""
_ABOUT = "Tells of each dataset that a run failed to publish, and whose it is: in the log, and to the webhook"


def failure_sensor(
    catalog: Catalog,
    sinks: Sequence[AlertSink],
    webserver: str = "",
    *,
    name: str = SENSOR,
    only_datasets: bool = False,
) -> dg.SensorDefinition:
    """Return the sensor. `webserver` is the address of Dagster's pages, for links to runs.

    With `only_datasets`, failures that belong to no dataset of the catalog are not reported.
    """
    alerts = FailureAlerts(catalog, tuple(sinks), webserver.rstrip("/"), only_datasets)

    @dg.run_failure_sensor(
        name=name,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )
    def failed(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        return alerts.send(context)

    return failed


@dataclass(frozen=True)
class FailureAlerts:
    """Creates the alerts of a failed run and sends them to all sinks."""

    catalog: Catalog
    sinks: tuple[AlertSink, ...]
    webserver: str
    only_datasets: bool = False

    def send(self, context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        """Send the alerts of a run once, after the last attempt of a run that Dagster retries.

        Raises the last DatasetAssetsError of a sink, after the alerts went to all sinks.
        """
        run = context.instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
        tag = _REPORTED_TAG + context.sensor_name
        if run.tags.get(WILL_RETRY_TAG) == "true":
            return dg.SkipReason(f"{run.run_id} will be tried again")
        if run.tags.get(tag) == run.run_id:  # a re-executed run has the tags of the first
            return dg.SkipReason(f"{run.run_id} has been reported")
        undelivered = self._deliver(tuple(self.of(context)))
        context.instance.add_run_tags(run.run_id, {tag: run.run_id})
        if undelivered:
            raise undelivered
        return None

    def _deliver(self, alerts: Sequence[Alert]) -> DatasetAssetsError | None:
        undelivered = None
        for sink in self.sinks if alerts else ():
            try:
                sink.send(alerts)
            except DatasetAssetsError as error:
                undelivered = error
        return undelivered

    def of(self, context: dg.RunFailureSensorContext) -> Iterator[Alert]:
        """Yield one alert for each dataset whose step failed, or that a crashed run has not published."""
        run = context.dagster_run
        failed_at = datetime.fromtimestamp(_failed_at(context), UTC)
        for stem, fault in self._failed(context).items():
            entry = self.catalog.entries.get(stem)
            if entry is None and self.only_datasets:
                continue
            yield Alert(
                dataset=stem,
                name=_name(entry) if entry else "",
                owner=self._owner(entry) if entry else "",
                periods=_periods(run.tags),
                job=run.job_name,
                run_id=run.run_id,
                run_url=f"{self.webserver}/runs/{run.run_id}" if self.webserver else "",
                failed_at=failed_at,
                fault=fault,
            )

    def _failed(self, context: dg.RunFailureSensorContext) -> Mapping[str, str]:
        """Return the fault of each failed dataset by stem; the stem is empty for a failure of no dataset."""
        stems = {word(f"datasets__{stem}"): stem for stem in self.catalog.entries}
        steps = {
            stems.get(event.node_name or "", ""): _fault(event) for event in context.get_step_failure_events()
        }
        if steps:
            return steps
        fault = context.failure_event.message or "the run failed"
        return dict.fromkeys(self._unpublished(context), fault) or {"": fault}

    def _unpublished(self, context: dg.RunFailureSensorContext) -> Iterator[str]:
        planned, done = (
            _assets(context, kind)
            for kind in (
                dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                dg.DagsterEventType.ASSET_MATERIALIZATION,
            )
        )
        for stem in self.catalog.entries:
            if dataset_key(stem) in planned - done:
                yield stem

    def _owner(self, entry: Entry) -> str:
        """Return the address of the owner, also of an invalid file if the owner can be read; else empty."""
        data = entry.document.data if entry.document else None
        section = data.get(ROOT) if isinstance(data, Mapping) else None
        written = section.get("owner") if isinstance(section, Mapping) else None
        name = entry.dataset.owner if entry.dataset else written
        user = self.catalog.users.find(name) if isinstance(name, str) else None
        return user.address if user else ""


def _name(entry: Entry) -> str:
    return entry.dataset.name if entry.dataset else entry.stem


def _fault(event: dg.DagsterEvent) -> str:
    """Return the message that the run shows, without a traceback for faults of users (BR-203)."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause  # outer errors only mention the inner one
    return (error.message.strip() if error else event.message) or "the step failed"


def _periods(tags: Mapping[str, str]) -> tuple[str, ...]:
    ends = (tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG))
    keys = [each for each in ends if each] or [tags.get(PARTITION_NAME_TAG)]
    return tuple(dict.fromkeys(key for key in keys if key))


def _failed_at(context: dg.RunFailureSensorContext) -> float:
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    return (record.end_time if record else None) or datetime.now(UTC).timestamp()


def _assets(context: dg.RunFailureSensorContext, kind: dg.DagsterEventType) -> set[dg.AssetKey]:
    records = context.instance.get_records_for_run(context.dagster_run.run_id, of_type=kind).records
    events = (record.event_log_entry.dagster_event for record in records)
    return {event.asset_key for event in events if event and event.asset_key}
