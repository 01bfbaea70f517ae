"""The BigQuery engine: queries run where the tables are, and every byte that they read is billed."""

# ruff: noqa: PLC0415 - Google's libraries load when a session opens

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Engine, JobContext
from dataset_assets.sql.dialect import BIGQUERY

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession


@dataclass(eq=False)
class BigQueryEngine(Engine):
    """Opens sessions that can read whatever the credentials may read.

    `scratch` is the (project, dataset) for rows that are transferred to BigQuery, None if none may be.
    `home` is the (project, dataset) whose location the jobs run in, if it is not `scratch`.
    """

    settings: BigQueryEngineSettings
    connection: Connection
    scratch: tuple[str, str] | None = None
    home: tuple[str, str] | None = None
    dialect = BIGQUERY
    bills_bytes = True

    @contextmanager
    @override
    def connect(self, job: JobContext | None = None) -> Generator["BigQuerySession", None, None]:
        from dataset_assets.adapters.bigquery.jobs import Jobs
        from dataset_assets.adapters.bigquery.session import BigQuerySession

        job = job or JobContext("")
        limit = self.settings.limit(job.dataset)
        session = BigQuerySession(self, Jobs(self.connection, job, limit, self.home or self.scratch))
        try:
            yield session
        finally:
            session.close()

    @override
    def examine(self) -> Iterator[AccessFinding]:
        from dataset_assets.adapters.bigquery.access import engine_findings

        return engine_findings(self.connection)
