"""Label and delete published rows in Python, and roll back to earlier ones.

from dataset_assets.interfaces.row_changes import label_rows

label_rows("grocery_recommender", where="revenue > 100", set={"reviewed": "ada"}, partition="2017-12")
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.use_reports import current_user, published_name
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing import row_operations
from dataset_assets.publishing.row_changes import Operate
from dataset_assets.publishing.row_operations import OperationReport, OperationRequest
from dataset_assets.rows.operations import DeleteRows, LabelRows, RowOperation
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
) -> OperationReport:
    """Set labels of the rows for which `where` is true, and remove labels by their keys (BR-016).

    Without `partition` the rows of all Periods are meant. Each Period with a row that changes is published
    anew; nothing is with `dry_run`. Raises DatasetAssetsError as `change_rows` does.
    """
    operation = label_operation(where, set or {}, remove)
    return operate(Workspace.of(target, definitions), name, operation, partition, dry_run=dry_run)


def delete_rows(
    name: str,
    *,
    where: str,
    partition: str | None = None,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> OperationReport:
    """Mark the rows for which `where` is true as deleted: no reader sees them (BR-019). See `label_rows`."""
    workspace = Workspace.of(target, definitions)
    return operate(workspace, name, DeleteRows(where=where), partition, dry_run=dry_run)


def roll_back(
    name: str,
    *,
    to: int,
    partition: str | None = None,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> OperationReport:
    """Publish the rows again that the table had in version `to`. See `label_rows`."""
    workspace = Workspace.of(target, definitions)
    request = _request(workspace, name, partition, dry_run=dry_run)
    with system_errors_as_faults():
        return row_operations.rollback(workspace.target, request, to, workspace.catalog_if_any.find)


def label_operation(where: str, set_: Mapping[str, str], remove: Sequence[str]) -> LabelRows:
    """Return the operation that sets and removes labels. Raises DatasetAssetsError if it does nothing."""
    try:
        return LabelRows(where=where, set=dict(set_), remove=tuple(remove))
    except ValidationError as error:
        found = (each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise DatasetAssetsError(*(Fault(f"the operation {each}") for each in found)) from None


def operate(
    workspace: Workspace, name: str, operation: RowOperation, partition: str | None, *, dry_run: bool
) -> OperationReport:
    """Apply an operation to the rows of one Period or of all."""
    request, datasets = _request(workspace, name, partition, dry_run=dry_run), workspace.catalog_if_any.find
    with system_errors_as_faults():
        change = Operate(operation, datasets)
        return row_operations.change_rows(workspace.target, request, change, datasets)


def _request(workspace: Workspace, name: str, partition: str | None, *, dry_run: bool) -> OperationRequest:
    return OperationRequest(
        dataset=published_name(workspace, name),
        run_id=str(uuid4()),
        now=datetime.now(UTC),
        by=current_user(),
        periods=None if partition is None else (partition,),
        dry_run=dry_run,
    )
