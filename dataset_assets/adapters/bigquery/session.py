"""A session of BigQuery: what a run asks becomes jobs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import ONCE, TIMEOUT
from dataset_assets.adapters.bigquery.jobs import Jobs
from dataset_assets.adapters.bigquery.tables import Tables
from dataset_assets.adapters.bigquery.transfer import Transfer
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import BudgetError, Fault, UnsupportedError
from dataset_assets.ports.engine import Session, TransferCallback
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.text.wording import size_text

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.engine import BigQueryEngine

PAGE = 10_000
"""Rows of an answer that come with one request."""


class BigQuerySession(Session):
    """Jobs of one run. A query is a job; what stops the caller cancels it."""

    def __init__(self, engine: "BigQueryEngine", jobs: Jobs) -> None:
        self.jobs = jobs
        self._engine = engine
        self._transfer = Transfer(jobs, engine.scratch)

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        """Times come back as aware datetimes in UTC, decimals as Decimal."""
        return self.answer(self.jobs.read(self.text(query)))

    def arrow(self, query: exp.Query) -> Any:
        """As the port says."""
        return self.batches(query).read_all()

    def batches(self, query: exp.Query) -> Any:
        """As the port says, by the Storage Read API."""
        return self._transfer.sent(query, self.text(query))

    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        """As the port says: loaded into a table that is removed at the end of the session."""
        if self._engine.scratch is None:
            raise UnsupportedError(Fault("this BigQuery is only read from"))
        return self._transfer.received(name, columns, batches, moved)

    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        """From metadata: of a table its own, of anything else what a dry run says."""
        if isinstance(source, exp.Table) and source.db:
            schema = list(self.tables.get(source).schema)
        else:
            schema = self.jobs.dry_run(self.text(exp.select("*").from_(source.copy()))).schema or []
        return tuple(map(physical_column, schema))

    def estimate(self, query: exp.Query) -> int:
        """As the port says, by a dry run."""
        found = self.jobs.dry_run(self.text(query)).total_bytes_processed or 0
        if found > self.jobs.limit:
            over = size_text(found - self.jobs.limit)
            message = f"the query would read {size_text(found)}, {over} over the limit"
            hint = "select less, or raise `maximum_bytes_billed`, or the dataset's own in `budgets`"
            raise BudgetError(Fault(f"{message} of {size_text(self.jobs.limit)}", hint=hint))
        self.jobs.usage["bytes_estimated"] += found
        return found

    @property
    def budget(self) -> int:
        """As the port says: the dataset's own in the target's `budgets`, else `maximum_bytes_billed`."""
        return self.jobs.limit

    @property
    def usage(self) -> Mapping[str, int]:
        """`jobs`, `bytes_estimated`, `bytes_processed`, `bytes_billed`."""
        return dict(self.jobs.usage)

    def write(self, statements: Sequence[exp.Expr], step: str) -> bigquery.QueryJob:
        """Runs statements that change something, as one job and once (`Jobs.write`)."""
        return self.jobs.write(";\n".join(map(self.text, statements)), step)

    def answer(self, job: bigquery.QueryJob) -> list[dict[str, Any]]:
        """The rows of a job that is done; of several statements, those of the last."""

        def rows() -> list[dict[str, Any]]:
            # Without the size of a page the first request asks for none of the rows.
            found = job.result(page_size=PAGE, retry=ONCE, job_retry=None, timeout=TIMEOUT)
            return [dict(row.items()) for row in found]

        return self._engine.connection.ask(rows)

    @property
    def tables(self) -> Tables:
        """Their metadata."""
        return Tables(self._engine.connection)

    def text(self, statement: exp.Expr) -> str:
        """A statement as it is sent."""
        return self._engine.dialect.render(statement)

    def close(self) -> None:
        """Removes what was moved."""
        self._transfer.close()
