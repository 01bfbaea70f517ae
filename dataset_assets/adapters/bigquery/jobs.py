"""Running jobs so that each runs once, whatever becomes of the answers (BR-202).

A job's id is settled before it is sent. What is sent again, because no answer came, carries the same id:
BigQuery then says 409, and the job that is there is taken for it.
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
from functools import cached_property
from itertools import count
from typing import Any

from google.api_core import exceptions as api
from google.cloud import bigquery

from dataset_assets.adapters.bigquery.clients import CLEANING, ONCE, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.adapters.bigquery.errors import NotSeenYet, failed, is_transient_result
from dataset_assets.adapters.bigquery.names import label
from dataset_assets.ports.engine import JobContext

_POLLS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between looks at a job, the last one from then on."""
_LONGEST_PAUSE = 30.0
"""Seconds before a job that failed is sent anew."""


@dataclass(eq=False)
class Jobs:
    """The jobs of one run. `limit`: the bytes that one query may be billed for.

    `home`: the (project, dataset) where they run, unless the connection's settings name a location.
    """

    connection: Connection
    job: JobContext
    limit: int
    home: tuple[str, str] | None = None
    usage: Counter[str] = field(default_factory=Counter)
    _steps: Counter[str] = field(default_factory=Counter)

    @property
    def client(self) -> bigquery.Client:
        """The connection's."""
        return self.connection.client

    @cached_property
    def location(self) -> str | None:
        """Told with each job: without it one outside of US and EU is not found again."""
        return self.connection.location_of(*self.home) if self.home else self.connection.settings.location

    def labels(self, step: str) -> Mapping[str, str]:
        """By which people find the jobs, and what they cost."""
        job = self.job
        known = {
            "dataset": job.dataset,
            "version": job.version,
            "period": job.period,
            "run": job.run_id,
            "step": step,
        }
        return {name: label(value) for name, value in known.items() if value}

    def read(self, text: str) -> bigquery.QueryJob:
        """Runs a query that changes nothing; done and without an error when it comes back."""
        return self._run(
            lambda job_id: self._send(text, job_id, "read"), lambda _: f"read-{uuid.uuid4().hex}"
        )

    def write(self, text: str, step: str) -> bigquery.QueryJob:
        """Runs statements that change something, once for this run, step and text.

        Ids are derived, not drawn: a process that comes after one that died finds its job again. The same
        text a second time in one session is another job.
        """
        name = self._name(step, text)
        return self._run(lambda job_id: self._send(text, job_id, step), lambda attempt: f"{name}-{attempt}")

    def load(self, file: Any, table: str, config: bigquery.LoadJobConfig, step: str) -> bigquery.LoadJob:
        """Loads a Parquet file into a table; free of charge. `file` can be read from its beginning again."""
        config.labels = dict(self.labels(step))
        name = self._name(step, table)

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
        """What the query would read, and the columns of its answer, free of charge."""
        labels = dict(self.labels("estimate"))
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, labels=labels)
        return self.connection.ask(lambda: self._query(text, config))

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
            retry=ONCE,
            job_retry=None,
            timeout=TIMEOUT,
        )

    def _name(self, step: str, text: str) -> str:
        """`sales-2026-01-v3-stage-` and a digest of all that the job is."""
        job = self.job
        self._steps[f"{step}\0{text}"] += 1
        identity_columns = [vars(job), step, text, self._steps[f"{step}\0{text}"]]
        digest = hashlib.sha256(json.dumps(identity_columns, sort_keys=True).encode()).hexdigest()[:24]
        parts = (job.dataset, job.period, f"v{job.version}" if job.version else "", step, digest)
        return "-".join(label(part) for part in parts if part)

    def _run(self, send: Callable[[str], Any], name: Callable[[int], str]) -> Any:
        """Runs a job, and runs it anew, under another id, where it failed for what passes by itself.

        A job that failed has changed nothing: not even a transaction's first statements.
        """
        attempts, pauses = count(1), _pauses(self.connection.patience)
        while True:
            job = self._done(send, name(next(attempts)))
            if job is None:
                continue
            failure = job.error_result
            if not failure:
                self._count(job)
                return job
            pause = next(pauses, None) if is_transient_result(failure) else None
            if pause is None:
                raise failed(job.job_id, failure)
            time.sleep(pause)

    def _done(self, send: Callable[[str], Any], job_id: str) -> Any:
        """The job, done. What stops the caller stops the job: nothing goes on that nobody waits for.

        None for one that was stopped in this way before, by a process whose work this one takes up.
        """
        polls = iter(_POLLS)
        _ = self.client  # without credentials there is nothing to cancel
        try:
            job, found = self._begun(send, job_id)
            while job.state != "DONE":
                time.sleep(next(polls, _POLLS[-1]))
                self.connection.ask(lambda: self._look(job))
        except BaseException:
            self._cancel(job_id)
            raise
        was_stopped = found and (job.error_result or {}).get("reason") == "stopped"
        return None if was_stopped else job

    def _begun(self, send: Callable[[str], Any], job_id: str) -> tuple[Any, bool]:
        """The job, and whether it was there already."""

        def begin() -> tuple[Any, bool]:
            try:
                return send(job_id), False
            except api.Conflict:
                return self._there(job_id), True

        return self.connection.ask(begin)

    def _there(self, job_id: str) -> Any:
        """The job that was begun before. One that is not to be seen yet is sent again."""
        try:
            return self.client.get_job(job_id, location=self.location, retry=ONCE, timeout=TIMEOUT)
        except api.NotFound:
            raise NotSeenYet(job_id) from None

    def _look(self, job: Any) -> None:
        try:
            job.reload(retry=ONCE, timeout=TIMEOUT)
        except api.NotFound:
            raise NotSeenYet(job.job_id) from None

    def _cancel(self, job_id: str) -> None:
        with suppress(Exception):  # the reason to stop is what has to be told
            self.connection.ask(
                lambda: self.client.cancel_job(job_id, location=self.location, retry=ONCE, timeout=CLEANING),
                CLEANING,
            )

    def _count(self, job: Any) -> None:
        self.usage["jobs"] += 1
        self.usage["bytes_processed"] += getattr(job, "total_bytes_processed", None) or 0
        self.usage["bytes_billed"] += getattr(job, "total_bytes_billed", None) or 0


def _pauses(patience: float) -> Iterator[float]:
    """Seconds, longer and longer, of no even length: runs that were in each other's way part.

    They end `patience` seconds after the first.
    """
    until, longest = time.monotonic() + patience, 0.2
    while time.monotonic() < until:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - not to be a secret
        longest = min(2 * longest, _LONGEST_PAUSE)
