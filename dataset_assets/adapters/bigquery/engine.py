"""BigQuery: queries run where the tables are, and every byte that they read is billed."""

# ruff: noqa: PLC0415 - Google's libraries load when a session opens

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Engine, JobContext
from dataset_assets.sql.dialect import BIGQUERY

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession


@dataclass(eq=False)
class BigQueryEngine(Engine):
    """Opens sessions that reach what the credentials reach.

    `scratch` is the (project, dataset) for rows that are moved here, None where none are; `home` the one
    where its jobs run, where that is another.
    """

    settings: BigQueryEngineSettings
    connection: Connection
    scratch: tuple[str, str] | None = None
    home: tuple[str, str] | None = None
    dialect = BIGQUERY
    bills_bytes = True

    @contextmanager
    def connect(self, job: JobContext | None = None) -> Generator["BigQuerySession", None, None]:
        """A session. What it was moved is removed at its end, and by BigQuery itself if it is killed."""
        from dataset_assets.adapters.bigquery.jobs import Jobs
        from dataset_assets.adapters.bigquery.session import BigQuerySession

        job = job or JobContext("")
        limit = self.settings.limit(job.dataset)
        session = BigQuerySession(self, Jobs(self.connection, job, limit, self.home or self.scratch))
        try:
            yield session
        finally:
            session.close()

    def examine(self) -> Iterator[AccessFinding]:
        """As the port says: credentials, and whether jobs may run."""
        from dataset_assets.adapters.bigquery.access import engine_findings

        return engine_findings(self.connection)
