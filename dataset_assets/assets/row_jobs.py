"""The Dagster jobs that change published rows; the launchpad asks for what the commands ask for.

To add a job, write one class: its fields are the form, and `change` does the work.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field
from typing_extensions import override

from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.row_change_events import change_materialization
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.lifecycle.change_rows import change_rows, rollback
from dataset_assets.lifecycle.row_change_report import (
    ChangedPeriod,
    ChangeReport,
    ChangeRequest,
    OnPublished,
)
from dataset_assets.lifecycle.row_changes import ApplyOperation, delete_operation, label_operation
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record


class RowsConfig(dg.Config):
    """The form of a job: what every job of this module asks for. `job_name` and `about` describe the job."""

    job_name: ClassVar[str]
    about: ClassVar[str]

    dataset: str = Field(description="The dataset: its file's stem, or its id.")
    partition: str | None = Field(default=None, description="A Period such as 2017-12; by default all.")
    dry_run: bool = Field(default=False, description="Change nothing; the log says what would be changed.")

    @abstractmethod
    def change(
        self, target: Target, catalog: Catalog, request: ChangeRequest, on_published: OnPublished
    ) -> ChangeReport:
        """Change the rows."""

    def request(self, catalog: Catalog, run_id: str) -> ChangeRequest:
        """Return the request of a run."""
        entry = catalog.named(self.dataset)
        return ChangeRequest(
            dataset=entry.stem if entry else self.dataset,
            run_id=run_id,
            now=datetime.now(UTC),
            by=f"Dagster run {run_id}",
            partition=self.partition,
            dry_run=self.dry_run,
        )


class LabelConfig(RowsConfig):
    """The form of the job `rows_label`."""

    job_name: ClassVar[str] = "rows_label"
    about: ClassVar[str] = "Sets and removes labels of published rows"

    where: str = Field(description="The rows that are meant: docs/where.md.")
    set: dict[str, str] = Field(default={}, description="Labels to set, key to value.")
    remove: list[str] = Field(default=[], description="Keys of labels to remove.")

    @override
    def change(
        self, target: Target, catalog: Catalog, request: ChangeRequest, on_published: OnPublished
    ) -> ChangeReport:
        operation = label_operation(self.where, self.set, self.remove)
        return change_rows(target, catalog, request, ApplyOperation(operation), on_published)


class DeleteConfig(RowsConfig):
    """The form of the job `rows_delete`."""

    job_name: ClassVar[str] = "rows_delete"
    about: ClassVar[str] = "Deletes published rows: they stay in the table, and readers skip them"

    where: str = Field(description="The rows that are meant: docs/where.md.")

    @override
    def change(
        self, target: Target, catalog: Catalog, request: ChangeRequest, on_published: OnPublished
    ) -> ChangeReport:
        operation = delete_operation(self.where)
        return change_rows(target, catalog, request, ApplyOperation(operation), on_published)


class RollbackConfig(RowsConfig):
    """The form of the job `rows_rollback`."""

    job_name: ClassVar[str] = "rows_rollback"
    about: ClassVar[str] = "Publishes the rows again that a dataset had in an earlier version of its table"

    to: int = Field(description="The version of the table, as `show --history` lists it.", ge=0)

    @override
    def change(
        self, target: Target, catalog: Catalog, request: ChangeRequest, on_published: OnPublished
    ) -> ChangeReport:
        return rollback(target, catalog, request, self.to, on_published)


FORMS: tuple[type[RowsConfig], ...] = (LabelConfig, DeleteConfig, RollbackConfig)


def row_jobs(graph: Graph, unique_name: Callable[[str], str]) -> Iterator[dg.JobDefinition]:
    """Yield a job for each form. `unique_name` makes a name unique in the code location."""
    for form in FORMS:
        yield _job(graph, form, unique_name(form.job_name))


def _job(graph: Graph, form: type[RowsConfig], name: str) -> dg.JobDefinition:
    key = graph.binding.key

    def change(context: dg.OpExecutionContext, config: Any) -> None:
        def on_published(changed: ChangedPeriod, record: Record) -> None:
            context.log_event(change_materialization(graph.catalog, changed, record))

        try:
            target = getattr(context.resources, key).load(graph.catalog.calendars)
            request = config.request(graph.catalog, context.run_id)
            report = config.change(target, graph.catalog, request, on_published)
        except DatasetAssetsError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        _log(context, report)

    change.__annotations__["config"] = form
    op = dg.op(name=f"{name}_op", required_resource_keys={key}, description=form.about)(change)
    return dg.GraphDefinition(name=name, node_defs=[op], description=form.about).to_job()


def _log(context: dg.OpExecutionContext, report: ChangeReport) -> None:
    """Write a line to the log for each Period, and the remarks."""
    would = "would be " if report.dry_run else ""
    for each in report.periods:
        period = each.period or "all rows"
        context.log.info("%s: %s of %s rows %stouched", period, each.touched, each.rows, would)
    for remark in report.remarks:
        context.log.warning(remark)
