"""The API of operations, and of the check of all files."""

from typing import Annotated

from fastapi import APIRouter, Path

from dataset_assets.catalog.validation import validate_folder
from dataset_assets.interfaces.answers.faults import CheckAnswer
from dataset_assets.interfaces.web.api.documentation import problems
from dataset_assets.interfaces.web.api.pagination import RequestedPage
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Operation
from dataset_assets.interfaces.web.state import State
from dataset_assets.model import Model

OperationId = Annotated[str, Path(description="The id of an operation, as 202 and the list have it.")]

router = APIRouter(tags=["operations"])


class OperationPage(Model):
    """Operations, the newest first, without their results. `next` is the cursor of the next page."""

    operations: tuple[Operation, ...]
    next: str | None = None


@router.get("/operations/", responses=problems())
def list_operations(state: State, _who: Reader, page: RequestedPage) -> Success[OperationPage]:
    """List the operations that this server remembers."""
    part = page.of(state.operations.all(), lambda each: (each.id,), newest_first=True)
    shown = tuple(each.model_copy(update={"result": None}) for each in part.items)
    return Success(data=OperationPage(operations=shown, next=part.next))


@router.get("/operations/{operation_id}/", responses=problems(404))
def get_operation(operation_id: OperationId, state: State, _who: Reader) -> Success[Operation]:
    """Return an operation as it is now: its progress, and its result or its problem once it ended."""
    return Success(data=state.operations.get(operation_id))


@router.get("/check/", responses=problems())
def check_files(state: State, _who: Reader) -> Success[CheckAnswer]:
    """Check all files of the project and the target, and return every fault."""
    report = validate_folder(state.workspace.root, state.workspace.resolvers)
    return Success(data=CheckAnswer.of(report.files, report.faults))
