"""How far a run or a backfill in Dagster is: its steps, publications, checks and failures."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from dataset_assets.model import Instant, Model

_ROW_COUNTS = frozenset({"dagster/row_count", "dagster/partition_row_count"})
_LOGGED = frozenset({"INFO", "WARNING", "ERROR", "CRITICAL"})
_CLASS = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Failure): ")
"""The class name with which Dagster begins the text of an exception."""


class RunStatus(StrEnum):
    """The status of a run, in the words of the pages."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether a run with this status goes no further."""
        return self in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELED)


STATUSES: Mapping[str, RunStatus] = {
    "QUEUED": RunStatus.QUEUED,
    "NOT_STARTED": RunStatus.QUEUED,
    "MANAGED": RunStatus.QUEUED,
    "STARTING": RunStatus.STARTING,
    "STARTED": RunStatus.RUNNING,
    "SUSPENDED": RunStatus.RUNNING,
    "SUCCESS": RunStatus.SUCCEEDED,
    "FAILURE": RunStatus.FAILED,
    "CANCELING": RunStatus.CANCELING,
    "CANCELED": RunStatus.CANCELED,
}
"""Dagster's status of a run → the status here."""


BACKFILL_STATUSES: Mapping[str, RunStatus] = {
    "REQUESTED": RunStatus.RUNNING,
    "COMPLETED": RunStatus.SUCCEEDED,
    "COMPLETED_SUCCESS": RunStatus.SUCCEEDED,
    "COMPLETED_FAILED": RunStatus.FAILED,
    "FAILED": RunStatus.FAILED,
    "FAILING": RunStatus.RUNNING,
    "CANCELING": RunStatus.CANCELING,
    "CANCELED": RunStatus.CANCELED,
}
"""Dagster's status of a backfill → the status here."""


class RunStep(Model):
    """A sentence that the library wrote into the log of the run."""

    at: Instant
    text: str
    warning: bool = False


class RunPublication(Model):
    """A publication of the run: its partition key, None if unpartitioned, and its number of rows if known."""

    partition: str | None
    row_count: int | None


class RunCheck(Model):
    """The result of one check; a `blocking` one that fails stops the publication."""

    name: str
    passed: bool
    blocking: bool
    message: str


class RunProgress(Model):
    """A run of a dataset's asset: its status and everything that its events say.

    `url` is the page of the run in Dagster. `partitions` are the keys of one partition, or of the first and
    the last one. `failures` are the library's sentences, or those of Dagster if the library said nothing.
    """

    run_id: str
    url: str
    datasets: tuple[str, ...]
    status: RunStatus
    created_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    can_cancel: bool
    partitions: tuple[str, ...] = ()
    steps: tuple[RunStep, ...] = ()
    publications: tuple[RunPublication, ...] = ()
    checks: tuple[RunCheck, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def row_count(self) -> int | None:
        """The rows of all publications of the run; None if none is known."""
        known = [each.row_count for each in self.publications if each.row_count is not None]
        return sum(known) if known else None


class Asset(Model):
    """The asset of a dataset: the repository that has it, its job, and its partition keys in order."""

    path: tuple[str, ...]
    location: str
    repository: str
    job: str
    partitioned: bool
    partition_keys: tuple[str, ...]


class Launched(Model):
    """What was started: a run, or a backfill that starts runs. `url` is its page in Dagster."""

    url: str
    run_id: str | None = None
    backfill_id: str | None = None


class BackfillProgress(Model):
    """A backfill: whether it ended, its runs with their statuses, and why it failed if it did."""

    backfill_id: str
    url: str
    status: RunStatus
    runs: tuple[tuple[str, RunStatus], ...]
    failure: str = ""


def run_progress(
    run: Mapping[str, Any], events: Iterable[Mapping[str, Any]], url: str, dataset: str | None = None
) -> RunProgress:
    """Return the progress of a run from Dagster's answers; with `dataset`, only what it publishes of that."""
    every = list(events)
    tags = {each["key"]: each["value"] for each in run["tags"]}
    ends = (tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    partitions = (tags.get("dagster/partition"), *ends)
    return RunProgress(
        run_id=run["runId"],
        url=url,
        datasets=tuple(each["path"][-1] for each in run["assetSelection"] or ()),
        status=STATUSES.get(run["status"], RunStatus.RUNNING),
        created_at=_instant(run["creationTime"]),
        started_at=_instant(run["startTime"]),
        ended_at=_instant(run["endTime"]),
        can_cancel=run["canTerminate"],
        partitions=tuple(dict.fromkeys(each for each in partitions if each)),
        steps=tuple(_step(each) for each in every if _is_step(each)),
        publications=tuple(
            _publication(each)
            for each in every
            if each["__typename"] == "MaterializationEvent" and _is_of(each["assetKey"], dataset)
        ),
        checks=tuple(
            _check(each["evaluation"])
            for each in every
            if each["__typename"] == "AssetCheckEvaluationEvent"
            and _is_of(each["evaluation"]["assetKey"], dataset)
        ),
        failures=tuple(_failures(every)),
    )


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _is_of(key: Mapping[str, Any], dataset: str | None) -> bool:
    return dataset is None or key["path"][-1] == dataset


def _is_step(event: Mapping[str, Any]) -> bool:
    return event["__typename"] == "LogMessageEvent" and event["level"] in _LOGGED


def _step(event: Mapping[str, Any]) -> RunStep:
    at = datetime.fromtimestamp(float(event["timestamp"]) / 1000, UTC)
    return RunStep(at=at, text=event["message"], warning=event["level"] != "INFO")


def _publication(event: Mapping[str, Any]) -> RunPublication:
    rows = [each.get("intValue") for each in event["metadataEntries"] if each["label"] in _ROW_COUNTS]
    return RunPublication(partition=event["partition"], row_count=rows[0] if rows else None)


def _check(evaluation: Mapping[str, Any]) -> RunCheck:
    return RunCheck(
        name=evaluation["checkName"],
        passed=evaluation["success"],
        blocking=evaluation["severity"] == "ERROR",
        message=evaluation["description"] or "",
    )


def _failures(events: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Return the sentences of the failed steps; without any, those of the run itself."""
    by_kind: dict[str, list[str]] = {"ExecutionStepFailureEvent": [], "RunFailureEvent": []}
    for event in events:
        if event["__typename"] in by_kind:
            by_kind[event["__typename"]] += _sentences(event)
    steps, runs = by_kind.values()
    return dict.fromkeys(steps or runs)


def _sentences(event: Mapping[str, Any]) -> list[str]:
    """Return the description of a dagster.Failure, one line a sentence, else the text of the exception."""
    described = (event.get("failureMetadata") or {}).get("description")
    if described:
        return [line for line in described.splitlines() if line.strip()]
    error = event.get("error") or {}
    causes = [each["message"] for each in error.get("causes", ())]
    text = (causes or [error.get("message") or event["message"]])[-1]
    return [_CLASS.sub("", text).strip()]
