"""Failed runs, told to the owners of what they did not publish: Dagster's run-failure hook."""

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
"""Seconds between two looks, at least."""

_TOLD = "dataset_assets/"
"""On a run that was told of, before the sensor's name. A run may be marked as failed more than once."""
_ABOUT = "Tells of each dataset that a run failed to publish, and whose it is: in the log, and to the webhook"


def alerts(
    catalog: Catalog,
    sinks: Sequence[AlertSink],
    webserver: str = "",
    *,
    name: str = SENSOR,
    only_datasets: bool = False,
) -> dg.SensorDefinition:
    """The sensor. `webserver` is the address of the web pages, for links to runs.

    `only_datasets`: what else fails in the code location is told by others.
    """
    alarm = Alarm(catalog, tuple(sinks), webserver.rstrip("/"), only_datasets)

    @dg.run_failure_sensor(
        name=name,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )
    def failed(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        return alarm.tell(context)

    return failed


@dataclass(frozen=True)
class Alarm:
    """Makes alerts of a failed run, and sends them."""

    catalog: Catalog
    sinks: tuple[AlertSink, ...]
    webserver: str
    only_datasets: bool = False

    def tell(self, context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        """Once of each run; of one that Dagster will try again, when its last try failed.

        Raises the last DatasetAssetsError of a sink, after the alerts went to all sinks.
        """
        run = context.instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
        told = _TOLD + context.sensor_name
        if run.tags.get(WILL_RETRY_TAG) == "true":
            return dg.SkipReason(f"{run.run_id} will be tried again")
        if run.tags.get(told) == run.run_id:  # one that repeats another has its tags
            return dg.SkipReason(f"{run.run_id} has been told of")
        undelivered = self._send(tuple(self.of(context)))
        context.instance.add_run_tags(run.run_id, {told: run.run_id})
        if undelivered:
            raise undelivered
        return None

    def _send(self, found: Sequence[Alert]) -> DatasetAssetsError | None:
        undelivered = None
        for sink in self.sinks if found else ():
            try:
                sink.send(found)
            except DatasetAssetsError as error:
                undelivered = error
        return undelivered

    def of(self, context: dg.RunFailureSensorContext) -> Iterator[Alert]:
        """One for each dataset whose step failed; of a run that broke down, for each that it still owed."""
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
        """Stem → what went wrong; `""` for a failure that belongs to no dataset."""
        stems = {word(f"datasets__{stem}"): stem for stem in self.catalog.entries}
        steps = {
            stems.get(event.node_name or "", ""): _fault(event) for event in context.get_step_failure_events()
        }
        if steps:
            return steps
        fault = context.failure_event.message or "the run failed"
        return dict.fromkeys(self._owed(context), fault) or {"": fault}

    def _owed(self, context: dg.RunFailureSensorContext) -> Iterator[str]:
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
        """Also of a file with faults, where it can be told."""
        data = entry.document.data if entry.document else None
        section = data.get(ROOT) if isinstance(data, Mapping) else None
        written = section.get("owner") if isinstance(section, Mapping) else None
        name = entry.dataset.owner if entry.dataset else written
        user = self.catalog.users.find(name) if isinstance(name, str) else None
        return user.address if user else ""


def _name(entry: Entry) -> str:
    return entry.dataset.name if entry.dataset else entry.stem


def _fault(event: dg.DagsterEvent) -> str:
    """The text that the run shows: a person's own mistake is told in plain words (BR-203)."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause  # the outer ones only say that there is an inner one
    return (error.message.strip() if error else event.message) or "the step failed"


def _periods(tags: Mapping[str, str]) -> tuple[str, ...]:
    ends = (tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG))
    found = [each for each in ends if each] or [tags.get(PARTITION_NAME_TAG)]
    return tuple(dict.fromkeys(each for each in found if each))


def _failed_at(context: dg.RunFailureSensorContext) -> float:
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    return (record.end_time if record else None) or datetime.now(UTC).timestamp()


def _assets(context: dg.RunFailureSensorContext, kind: dg.DagsterEventType) -> set[dg.AssetKey]:
    records = context.instance.get_records_for_run(context.dagster_run.run_id, of_type=kind).records
    events = (record.event_log_entry.dagster_event for record in records)
    return {event.asset_key for event in events if event and event.asset_key}
