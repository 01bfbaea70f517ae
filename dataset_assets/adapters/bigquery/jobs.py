"""Run BigQuery jobs so that each runs exactly once, even if responses are lost (BR-202).

The id of a job is chosen before the job is sent. A request that is retried carries the same id; if BigQuery
then responds 409, the existing job is used.
"""

import hashlib
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from google.api_core import exceptions as api
from google.cloud import bigquery

from dataset_assets.adapters.bigquery.clients import CLEANUP_SECONDS, NO_RETRY, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.adapters.bigquery.errors import JobNotVisible, is_transient_result, job_error
from dataset_assets.adapters.bigquery.names import label
from dataset_assets.cached_property import cached_property
from dataset_assets.ports.engine import JobContext

_POLL_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between two polls of a running job; the last value repeats."""
_MAX_PAUSE = 30.0
"""The most seconds before a failed job is retried."""


@dataclass(eq=False)
class Jobs:
    """Runs the jobs of one run. `limit` is the number of bytes that one query may be billed for.

    The jobs run in the location of `home`, a (project, dataset), unless the connection's settings name one.
    """

    connection: Connection
    job: JobContext
    limit: int
    home: tuple[str, str] | None = None
    usage: Counter[str] = field(default_factory=Counter)
    _steps: Counter[str] = field(default_factory=Counter)

    @property
    def client(self) -> bigquery.Client:
        """Return the connection's client for jobs and metadata."""
        return self.connection.client

    @cached_property
    def location(self) -> str | None:
        """Return the location of the jobs, without which BigQuery finds only jobs in US and EU by id."""
        return self.connection.location_of(*self.home) if self.home else self.connection.settings.location

    def labels(self, step: str) -> Mapping[str, str]:
        """Return the labels of a job, by which people find jobs and their costs."""
        job = self.job
        values = {
            "dataset": job.dataset,
            "version": job.version,
            "period": job.period,
            "run": job.run_id,
            "step": step,
        }
        return {name: label(value) for name, value in values.items() if value}

    def read(self, text: str) -> bigquery.QueryJob:
        """Run a query that changes nothing, wait for it and return the job. Raises its error if it failed."""
        return self._run(
            lambda job_id: self._send(text, job_id, "read"), lambda _: f"read-{uuid.uuid4().hex}"
        )

    def write(self, text: str, step: str) -> bigquery.QueryJob:
        """Run statements that change something exactly once for this run, step and text.

        Ids are derived, not random, so that a process that continues after a crash finds the job of the
        crashed one. The same text a second time in one session is another job.
        """
        name = self._job_name(step, text)
        return self._run(lambda job_id: self._send(text, job_id, step), lambda attempt: f"{name}-{attempt}")

    def load(self, file: Any, table: str, config: bigquery.LoadJobConfig, step: str) -> bigquery.LoadJob:
        """Load a seekable Parquet file into a table, free of charge."""
        config.labels = dict(self.labels(step))
        name = self._job_name(step, table)

        def send(job_id: str) -> bigquery.LoadJob:
            return self.client.load_table_from_file(
                file,
                table,
                rewind=True,
                num_retries=0,
                job_id=job_id,
                location=self.location,
                job_config=config,
                timeout=TIMEOUT,
            )

        return self._run(send, lambda attempt: f"{name}-{attempt}")

    def dry_run(self, text: str) -> bigquery.QueryJob:
        """Return a job with the bytes that the query would read and its result's schema, free of charge."""
        labels = dict(self.labels("estimate"))
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, labels=labels)
        return self.connection.retry(lambda: self._query(text, config))

    def _send(self, text: str, job_id: str, step: str) -> bigquery.QueryJob:
        labels = dict(self.labels(step))
        return self._query(
            text, bigquery.QueryJobConfig(labels=labels, maximum_bytes_billed=self.limit), job_id
        )

    def _query(
        self, text: str, config: bigquery.QueryJobConfig, job_id: str | None = None
    ) -> bigquery.QueryJob:
        return self.client.query(
            text,
            job_config=config,
            job_id=job_id,
            location=self.location,
            retry=NO_RETRY,
            job_retry=None,
            timeout=TIMEOUT,
        )

    def _job_name(self, step: str, text: str) -> str:
        """Return `sales-2026-01-v3-stage-` and a digest of the context, the step and the text."""
        job = self.job
        self._steps[f"{step}\0{text}"] += 1
        identity = [vars(job), step, text, self._steps[f"{step}\0{text}"]]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]
        parts = (job.dataset, job.period, f"v{job.version}" if job.version else "", step, digest)
        return "-".join(label(part) for part in parts if part)

    def _run(self, send: Callable[[str], Any], name: Callable[[int], str]) -> Any:
        """Run a job, and retry it under another id after a transient failure.

        A failed job has changed nothing, because its transaction was rolled back.
        """
        attempts, pauses = count(1), _retry_pauses(self.connection.retry_seconds)
        while True:
            job = self._wait(send, name(next(attempts)))
            if job is None:
                continue
            failure = job.error_result
            if not failure:
                self._add_usage(job)
                return job
            pause = next(pauses, None) if is_transient_result(failure) else None
            if pause is None:
                raise job_error(job.job_id, failure)
            time.sleep(pause)

    def _wait(self, send: Callable[[str], Any], job_id: str) -> Any:
        """Send a job and wait until it is done. An exception, such as an interrupt, cancels the job.

        None if the job exists already and was cancelled in this way by an earlier process of the same run.
        """
        polls = iter(_POLL_SECONDS)
        _ = self.client  # without credentials there is nothing to cancel
        try:
            job, existed = self._start(send, job_id)
            while job.state != "DONE":
                time.sleep(next(polls, _POLL_SECONDS[-1]))
                self.connection.retry(lambda: self._reload(job))
        except BaseException:
            self._cancel(job_id)
            raise
        was_stopped = existed and (job.error_result or {}).get("reason") == "stopped"
        return None if was_stopped else job

    def _start(self, send: Callable[[str], Any], job_id: str) -> tuple[Any, bool]:
        """Send a job. Return it, and whether it existed already."""

        def start() -> tuple[Any, bool]:
            try:
                return send(job_id), False
            except api.Conflict:
                return self._existing_job(job_id), True

        return self.connection.retry(start)

    def _existing_job(self, job_id: str) -> Any:
        """Return the job that an earlier request started. Raises JobNotVisible, a transient state."""
        try:
            return self.client.get_job(job_id, location=self.location, retry=NO_RETRY, timeout=TIMEOUT)
        except api.NotFound:
            raise JobNotVisible(job_id) from None

    def _reload(self, job: Any) -> None:
        try:
            job.reload(retry=NO_RETRY, timeout=TIMEOUT)
        except api.NotFound:
            raise JobNotVisible(job.job_id) from None

    def _cancel(self, job_id: str) -> None:
        with suppress(Exception):  # the error that caused the cancellation is the one to report
            self.connection.retry(
                lambda: self.client.cancel_job(
                    job_id, location=self.location, retry=NO_RETRY, timeout=CLEANUP_SECONDS
                ),
                CLEANUP_SECONDS,
            )

    def _add_usage(self, job: Any) -> None:
        self.usage["jobs"] += 1
        self.usage["bytes_processed"] += getattr(job, "total_bytes_processed", None) or 0
        self.usage["bytes_billed"] += getattr(job, "total_bytes_billed", None) or 0


def _retry_pauses(seconds: float) -> Iterator[float]:
    """Yield growing pauses in seconds with random jitter, so that runs that conflicted do not meet again.

    They end `seconds` seconds after the first.
    """
    until, longest = time.monotonic() + seconds, 0.2
    while time.monotonic() < until:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        longest = min(2 * longest, _MAX_PAUSE)
