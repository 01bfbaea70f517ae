"""The Dagster jobs that change published rows; the launchpad asks for what the commands ask for.

To add a job, write one class: its fields are the form, and `change` does the work.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_IS_USER_PROVIDED_TAG, DATA_VERSION_TAG
from pydantic import Field, ValidationError
from typing_extensions import override

from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.partitions import partition_key
from dataset_assets.contract.scope import Datasets
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.target import Target
from dataset_assets.publishing.row_changes import Operate
from dataset_assets.publishing.row_operations import OperationReport, OperationRequest, change_rows, rollback
from dataset_assets.rows.operations import DeleteRows, LabelRows


class RowsConfig(dg.Config):
    """The form of a job: what every job of this module asks for. `job_name` and `about` describe the job."""

    job_name: ClassVar[str]
    about: ClassVar[str]

    dataset: str = Field(description="The dataset: its file's stem.")
    partition: str | None = Field(default=None, description="A Period such as 2017-12; by default all.")
    dry_run: bool = Field(default=False, description="Change nothing; the log says what would be changed.")

    def request(self, run_id: str) -> OperationRequest:
        """Return the request of a run."""
        periods = None if self.partition is None else (self.partition,)
        return OperationRequest(
            self.dataset, run_id, datetime.now(UTC), f"Dagster run {run_id}", periods, self.dry_run
        )

    @abstractmethod
    def change(self, target: Target, request: OperationRequest, datasets: Datasets) -> OperationReport:
        """Change the rows."""


class LabelConfig(RowsConfig):
    """The form of the job `rows_label`."""

    job_name: ClassVar[str] = "rows_label"
    about: ClassVar[str] = "Sets and removes labels of published rows"

    where: str = Field(description="The rows that are meant: docs/where.md.")
    set: dict[str, str] = Field(default={}, description="Labels to set, key to value.")
    remove: list[str] = Field(default=[], description="Keys of labels to remove.")

    @override
    def change(self, target: Target, request: OperationRequest, datasets: Datasets) -> OperationReport:
        operation = LabelRows(where=self.where, set=self.set, remove=tuple(self.remove))
        return change_rows(target, request, Operate(operation, datasets), datasets)


class DeleteConfig(RowsConfig):
    """The form of the job `rows_delete`."""

    job_name: ClassVar[str] = "rows_delete"
    about: ClassVar[str] = "Deletes published rows: they stay in the table, and no reader sees them"

    where: str = Field(description="The rows that are meant: docs/where.md.")

    @override
    def change(self, target: Target, request: OperationRequest, datasets: Datasets) -> OperationReport:
        operation = DeleteRows(where=self.where)
        return change_rows(target, request, Operate(operation, datasets), datasets)


class RollbackConfig(RowsConfig):
    """The form of the job `rows_rollback`."""

    job_name: ClassVar[str] = "rows_rollback"
    about: ClassVar[str] = "Publishes the rows again that a dataset had in an earlier version of its table"

    to: int = Field(description="The version of the table, as `show --history` lists it.", ge=0)

    @override
    def change(self, target: Target, request: OperationRequest, datasets: Datasets) -> OperationReport:
        return rollback(target, request, self.to, datasets)


FORMS: tuple[type[RowsConfig], ...] = (LabelConfig, DeleteConfig, RollbackConfig)


def row_jobs(graph: Graph, unique_name: Callable[[str], str]) -> Iterator[dg.JobDefinition]:
    """Yield a job for each form. `unique_name` makes a name unique in the code location."""
    for form in FORMS:
        yield _job(graph, form, unique_name(form.job_name))


def _job(graph: Graph, form: type[RowsConfig], name: str) -> dg.JobDefinition:
    key = graph.binding.key

    def change(context: dg.OpExecutionContext, config: Any) -> None:
        target = getattr(context.resources, key).load(graph.catalog.calendars)
        try:
            report = config.change(target, config.request(context.run_id), graph.catalog.find)
        except (DatasetAssetsError, ValidationError) as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        _tell(graph, context, report)

    change.__annotations__["config"] = form
    op = dg.op(name=f"{name}_op", required_resource_keys={key}, description=form.about)(change)
    return dg.GraphDefinition(name=name, node_defs=[op], description=form.about).to_job()


def _tell(graph: Graph, context: dg.OpExecutionContext, report: OperationReport) -> None:
    """Write a materialization for each Period that was published, and a line to the log for each Period."""
    would = "would be " if report.dry_run else ""
    for each in report.periods:
        period = each.period or "all rows"
        context.log.info("%s: %s of %s rows %stouched", period, each.touched, each.rows, would)
        if each.digest is not None:
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=dataset_key(report.dataset),
                    partition=partition_key(graph.catalog, report.dataset, each.period),
                    description=f"{report.operation}: {each.touched:,} rows",
                    metadata={
                        "operation": report.operation,
                        "touched": each.touched,
                        "table_version": each.table_version,
                    },
                    tags={DATA_VERSION_TAG: each.digest, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"},
                )
            )
