"""Running jobs so that each runs once, whatever becomes of the answers (DESIGN section 7, promise 2).

A job's id is settled before it is sent. What is sent again, because no answer came, carries the same id:
BigQuery then says 409, and the job that is there is taken for it.
"""

import hashlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from google.api_core import exceptions as api
from google.cloud import bigquery

from dataset_assets.ports import Errand
from resources.bigquery.clients import ONCE, TIMEOUT
from resources.bigquery.connection import Connection
from resources.bigquery.errors import NotSeenYet, is_transient_result, told
from resources.bigquery.names import label

ATTEMPTS = 5
"""How often a job that ended in an error which passes by itself is sent anew, under another id."""
_POLLS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between looks at a job, the last one from then on."""


@dataclass(eq=False)
class Jobs:
    """The jobs of one errand. `limit`: the bytes that one query may be billed for."""

    connection: Connection
    errand: Errand
    limit: int
    usage: Counter[str] = field(default_factory=Counter)
    _steps: Counter[str] = field(default_factory=Counter)

    @property
    def client(self) -> bigquery.Client:
        """The connection's."""
        return self.connection.client

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """By which people find the jobs, and what they cost."""
        errand = self.errand
        known = {
            "dataset": errand.dataset,
            "version": errand.version,
            "period": errand.period,
            "run": errand.run_id,
        }
        return {name: label(value) for name, value in known.items() if value}

    def read(self, text: str) -> bigquery.QueryJob:
        """Runs a query that changes nothing; done and without an error when it comes back."""
        return self._run(
            lambda job_id: self._send(text, job_id, "read"), lambda _: f"read-{uuid.uuid4().hex}"
        )

    def write(self, text: str, step: str) -> bigquery.QueryJob:
        """Runs statements that change something, once for this errand, step and text.

        Ids are derived, not drawn: a process that comes after one that died finds its job again.
        """
        name = self._name(step, text)
        return self._run(lambda job_id: self._send(text, job_id, step), lambda attempt: f"{name}-{attempt}")

    def load(self, file: Any, table: str, config: bigquery.LoadJobConfig, step: str) -> bigquery.LoadJob:
        """Loads a Parquet file into a table; free of charge. `file` can be read from its beginning again."""
        config.labels = self.labels
        name = self._name(step, table)

        def send(job_id: str) -> bigquery.LoadJob:
            return self.client.load_table_from_file(
                file, table, rewind=True, num_retries=0, job_id=job_id, job_config=config, timeout=TIMEOUT
            )

        return self._run(send, lambda attempt: f"{name}-{attempt}")

    def dry_run(self, text: str) -> bigquery.QueryJob:
        """What the query would read, and the columns of its answer, free of charge."""
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, labels=dict(self.labels))
        return self.connection.ask(
            lambda: self.client.query(text, job_config=config, retry=ONCE, job_retry=None, timeout=TIMEOUT)
        )

    def _send(self, text: str, job_id: str, step: str) -> bigquery.QueryJob:
        config = bigquery.QueryJobConfig(
            labels={**self.labels, "step": label(step)}, maximum_bytes_billed=self.limit
        )
        return self.client.query(
            text, job_config=config, job_id=job_id, retry=ONCE, job_retry=None, timeout=TIMEOUT
        )

    def _name(self, step: str, text: str) -> str:
        """`sales-2026-01-v3-stage-` and a digest of all that the job is."""
        errand = self.errand
        self._steps[f"{step}\0{text}"] += 1
        told_by = [vars(errand), step, text, self._steps[f"{step}\0{text}"]]
        digest = hashlib.sha256(json.dumps(told_by, sort_keys=True).encode()).hexdigest()[:24]
        parts = (errand.dataset, errand.period, f"v{errand.version}" if errand.version else "", step, digest)
        return "-".join(label(part) for part in parts if part)

    def _run(self, send: Callable[[str], Any], name: Callable[[int], str]) -> Any:
        """Sends a job, waits for it, and sends it anew where it failed for a reason that passes by itself."""
        for attempt in range(1, ATTEMPTS + 1):
            job = self._wait(self._begun(send, name(attempt)))
            failure = job.error_result
            if not failure:
                self._count(job)
                return job
            if attempt == ATTEMPTS or not is_transient_result(failure):
                break
            time.sleep(min(0.1 * 2**attempt, self.connection.patience))
        raise told(failure.get("reason", ""), failure.get("message", "")) or job.exception(timeout=TIMEOUT)

    def _begun(self, send: Callable[[str], Any], job_id: str) -> Any:
        def begin() -> Any:
            try:
                return send(job_id)
            except api.Conflict:
                return self._there(job_id)

        return self.connection.ask(begin)

    def _there(self, job_id: str) -> Any:
        """The job that was begun before. One that is not to be seen yet is sent again."""
        try:
            return self.client.get_job(job_id, retry=ONCE, timeout=TIMEOUT)
        except api.NotFound:
            raise NotSeenYet(job_id) from None

    def _wait(self, job: Any) -> Any:
        """Until it is done. What stops the caller stops the job: nothing goes on that nobody waits for."""
        polls = iter(_POLLS)
        try:
            while job.state != "DONE":
                time.sleep(next(polls, _POLLS[-1]))
                self.connection.ask(lambda: job.reload(retry=ONCE, timeout=TIMEOUT))
        except BaseException:
            self._cancel(job)
            raise
        return job

    def _cancel(self, job: Any) -> None:
        with suppress(Exception):  # the reason to stop is what has to be told
            self.client.cancel_job(job.job_id, location=job.location or None, retry=ONCE, timeout=10.0)

    def _count(self, job: Any) -> None:
        self.usage["jobs"] += 1
        self.usage["bytes_processed"] += getattr(job, "total_bytes_processed", None) or 0
        self.usage["bytes_billed"] += getattr(job, "total_bytes_billed", None) or 0
