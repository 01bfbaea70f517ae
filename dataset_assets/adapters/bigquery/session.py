"""A BigQuery session: it runs the queries of one run as BigQuery jobs and transfers rows in bulk."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery
from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.bigquery.clients import NO_RETRY, TIMEOUT
from dataset_assets.adapters.bigquery.computed_once import combined, reading
from dataset_assets.adapters.bigquery.jobs import Jobs
from dataset_assets.adapters.bigquery.tables import Tables
from dataset_assets.adapters.bigquery.transfer import BulkTransfer
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import BudgetError, Fault, UnsupportedError
from dataset_assets.ports.engine import Session, TransferCallback
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.text.wording import size_text

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.engine import BigQueryEngine

PAGE_ROWS = 10_000
"""Rows of a result that one request returns."""


class BigQuerySession(Session):
    """Runs each query of one run as a job. An exception in the caller cancels the job."""

    def __init__(self, engine: "BigQueryEngine", jobs: Jobs) -> None:
        self.jobs = jobs
        self.known_tables: set[exp.Table] = set()
        """Tables that are never dropped and were found to exist."""
        self._engine = engine
        self._transfer = BulkTransfer(jobs, engine.scratch)

    @override
    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        return self.fetch_rows(self.jobs.read(self.render(query)))

    @override
    def arrow(self, query: exp.Query) -> Any:
        return self.batches(query).read_all()

    @override
    def batches(self, query: exp.Query) -> Any:
        return self._transfer.read(query, self.render(query))

    @override
    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        if self._engine.scratch is None:
            raise UnsupportedError(Fault("this BigQuery is only read from"))
        return self._transfer.load(name, columns, batches, moved)

    @override
    def store(self, name: str, query: exp.Query) -> exp.Expr:
        return self._transfer.store(name, query)

    @override
    def computed_once(self, query: exp.Query, names: Collection[str]) -> exp.Query:
        if self._engine.scratch is None:
            return query
        return reading(query, names, self.store("counted", combined(query, names)))

    @override
    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        if isinstance(source, exp.Table) and source.db:
            schema = list(self.tables.get(source).schema)
        else:
            schema = self.jobs.dry_run(self.render(exp.select("*").from_(source.copy()))).schema or []
        return tuple(map(physical_column, schema))

    @override
    def estimate(self, query: exp.Query) -> int:
        estimated = self.jobs.dry_run(self.render(query)).total_bytes_processed or 0
        if estimated > self.jobs.limit:
            over = size_text(estimated - self.jobs.limit)
            message = f"the query would read {size_text(estimated)}, {over} over the limit"
            hint = "select less, or raise `maximum_bytes_billed`, or the dataset's own in `budgets`"
            raise BudgetError(Fault(f"{message} of {size_text(self.jobs.limit)}", hint=hint))
        self.jobs.usage["bytes_estimated"] += estimated
        return estimated

    @property
    @override
    def budget(self) -> int:
        return self.jobs.limit

    @property
    @override
    def usage(self) -> Mapping[str, int]:
        """Return `jobs`, `bytes_estimated`, `bytes_processed` and `bytes_billed` so far."""
        return dict(self.jobs.usage)

    def write(self, statements: Sequence[exp.Expr], step: str) -> bigquery.QueryJob:
        """Run statements that change something as one job, exactly once (see `Jobs.write`)."""
        return self.jobs.write(";\n".join(map(self.render, statements)), step)

    def fetch_rows(self, job: bigquery.QueryJob) -> list[dict[str, Any]]:
        """Return the rows of a finished job; for several statements, the rows of the last one."""

        def fetch() -> list[dict[str, Any]]:
            # Without a page size the first request returns no rows at all.
            result = job.result(page_size=PAGE_ROWS, retry=NO_RETRY, job_retry=None, timeout=TIMEOUT)
            names = [field.name for field in result.schema]
            # `row.items()` would copy each value deeply.
            return [{name: row[name] for name in names} for row in result]

        return self._engine.connection.retry(fetch)

    @property
    def tables(self) -> Tables:
        """Return the client for the metadata of tables."""
        return Tables(self._engine.connection)

    def render(self, statement: exp.Expr) -> str:
        """Render a statement as the GoogleSQL text that is sent."""
        return self._engine.dialect.render(statement)

    def close(self) -> None:
        """Drop the tables that hold transferred rows."""
        self._transfer.close()
