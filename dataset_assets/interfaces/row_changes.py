"""Label and delete published rows in Python, and roll back to earlier ones.

from dataset_assets.interfaces.row_changes import label_rows

label_rows("grocery_recommender", where="revenue > 100", set={"reviewed": "ada"}, partition="2017-12")
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from dataset_assets.interfaces.use_reports import current_user, published_name, report_to_dagster
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle import change_rows
from dataset_assets.lifecycle.row_change_report import ChangeReport, ChangeRequest, OnPublished
from dataset_assets.lifecycle.row_changes import ApplyOperation, RowChange, delete_operation, label_operation
from dataset_assets.system_errors import system_errors_as_faults


def label_rows(
    name: str,
    *,
    where: str,
    set: Mapping[str, str] | None = None,  # noqa: A002 - the specification's word
    remove: Sequence[str] = (),
    partition: str | None = None,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> ChangeReport:
    """Set labels of the rows for which `where` is true, and remove labels by their keys (BR-016).

    Without `partition` the rows of all Periods are meant. Each Period with a row that changes is published
    anew; nothing is with `dry_run`. Raises DatasetAssetsError as `lifecycle.change_rows.change_rows` does.
    """
    change = ApplyOperation(label_operation(where, set or {}, remove))
    return _change(Workspace.of(target, definitions), name, change, partition, dry_run=dry_run)


def delete_rows(
    name: str,
    *,
    where: str,
    partition: str | None = None,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> ChangeReport:
    """Mark the rows for which `where` is true as deleted: readers skip them (BR-019). See `label_rows`."""
    change = ApplyOperation(delete_operation(where))
    return _change(Workspace.of(target, definitions), name, change, partition, dry_run=dry_run)


def roll_back(
    name: str,
    *,
    to: int,
    partition: str | None = None,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> ChangeReport:
    """Publish the rows again that the table had in version `to`. See `label_rows`."""
    workspace = Workspace.of(target, definitions)
    request = _request(workspace, name, partition, dry_run=dry_run)
    with _reported(workspace) as note:
        return change_rows.rollback(workspace.target, workspace.catalog_if_any, request, to, note)


def _change(
    workspace: Workspace, name: str, change: RowChange, partition: str | None, *, dry_run: bool
) -> ChangeReport:
    request = _request(workspace, name, partition, dry_run=dry_run)
    with _reported(workspace) as note:
        return change_rows.change_rows(workspace.target, workspace.catalog_if_any, request, change, note)


@contextmanager
def _reported(workspace: Workspace) -> Generator[OnPublished]:
    """Report what is published to the Dagster instance of the project, even if a later Period fails."""
    published = []

    def write(folder: Path | None) -> None:
        from dataset_assets.assets.row_change_events import write_changes  # noqa: PLC0415 - loads Dagster

        write_changes(workspace.catalog_if_any, published, folder)

    try:
        with system_errors_as_faults():
            yield lambda *told: published.append(told)
    finally:
        if published:
            report_to_dagster(workspace, write)


def _request(workspace: Workspace, name: str, partition: str | None, *, dry_run: bool) -> ChangeRequest:
    return ChangeRequest(
        dataset=published_name(workspace, name),
        run_id=str(uuid4()),
        now=datetime.now(UTC),
        by=current_user(),
        partition=partition,
        dry_run=dry_run,
    )
