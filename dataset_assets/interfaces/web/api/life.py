"""The API of a dataset's life: activate, disable, archive, restore, clone and rename (Domain)."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from pydantic import Field

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.api.datasets import current_tag
from dataset_assets.interfaces.web.api.documentation import LOCATION, problems, tagged
from dataset_assets.interfaces.web.api.idempotency import IdempotencyKey
from dataset_assets.interfaces.web.api.long_work import once, success
from dataset_assets.interfaces.web.api.parameters import DatasetId, DryRun
from dataset_assets.interfaces.web.entity_tags import OptionalBasedOn, entity_tag
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Editor
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.changes import file_text
from dataset_assets.lifecycle.clone import ClonedDataset
from dataset_assets.lifecycle.clone import clone_dataset as clone_file
from dataset_assets.lifecycle.rename import RenamedDataset
from dataset_assets.lifecycle.rename import rename_dataset as rename_file
from dataset_assets.lifecycle.status import Action, StatusChange, change_status
from dataset_assets.model import Model
from dataset_assets.ports.target import Target

router = APIRouter(prefix="/datasets/{dataset_id}", tags=["datasets"])
CHANGED = {**problems(404, 409, 412), **tagged()}


class NewName(Model):
    """The stem of a new file."""

    dataset: str = Field(description="The name of the file, without `.yaml`.", examples=["sales_spring"])


class Copy(NewName):
    """The stem of a copy, and its name for people."""

    name: str | None = Field(None, description="By default the name of the original with `(copy)`.")


@router.post("/activate/", responses=CHANGED)
def activate_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Editor,
    based_on: OptionalBasedOn,
    response: Response,
    dry_run: DryRun = False,
) -> Success[StatusChange]:
    """Make a draft or disabled dataset active: for new Projects, and refreshed as its file says."""
    return _changed(state, response, dataset_id, Action.ACTIVATE, based_on, dry_run=dry_run)


@router.post("/disable/", responses=CHANGED)
def disable_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Editor,
    based_on: OptionalBasedOn,
    response: Response,
    dry_run: DryRun = False,
) -> Success[StatusChange]:
    """Keep a dataset from new Projects; those that use it go on."""
    return _changed(state, response, dataset_id, Action.DISABLE, based_on, dry_run=dry_run)


@router.post("/archive/", responses=CHANGED)
def archive_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Editor,
    based_on: OptionalBasedOn,
    response: Response,
    dry_run: DryRun = False,
) -> Success[StatusChange]:
    """Hide a dataset from lists, and refresh it no longer. What is published stays."""
    return _changed(state, response, dataset_id, Action.ARCHIVE, based_on, dry_run=dry_run)


@router.post("/restore/", responses=CHANGED)
def restore_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Editor,
    based_on: OptionalBasedOn,
    response: Response,
    dry_run: DryRun = False,
) -> Success[StatusChange]:
    """Make an archived dataset active again."""
    return _changed(state, response, dataset_id, Action.RESTORE, based_on, dry_run=dry_run)


def _changed(
    state: ServerState, response: Response, name: str, action: Action, based_on: str | None, *, dry_run: bool
) -> Success[StatusChange]:
    done = change_status(
        state.fresh_catalog, name, action, based_on=based_on, dry_run=dry_run, locked=state.locked
    )
    response.headers["ETag"] = current_tag(state, done.dataset)
    return Success(data=done)


@router.post(
    "/clone/",
    status_code=201,
    response_model=Success[ClonedDataset],
    responses={**problems(404, 409, 412, 413, 415), **tagged(201, "The copy is written.", **LOCATION)},
)
def clone_dataset(
    dataset_id: DatasetId,
    body: Copy,
    state: State,
    who: Editor,
    request: Request,
    based_on: OptionalBasedOn,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Copy a dataset's file, comments included, as a draft with an id of its own and version 1."""

    def work() -> Response:
        done = clone_file(
            state.fresh_catalog,
            dataset_id,
            body.dataset,
            body.name,
            now=datetime.now(UTC),
            based_on=based_on,
            dry_run=dry_run,
            locked=state.locked,
        )
        tag = entity_tag(done.text) if dry_run else current_tag(state, done.dataset)
        return success(done, 201, {"ETag": tag, "Location": f"/api/datasets/{done.dataset}/"})

    return once(state.answers, idempotency_key, who, request, body, work)


@router.post(
    "/rename/", responses={**problems(404, 409, 412, 413, 415), **tagged(200, "The file has the name.")}
)
def rename_dataset(
    dataset_id: DatasetId,
    body: NewName,
    state: State,
    _who: Editor,
    based_on: OptionalBasedOn,
    response: Response,
    dry_run: DryRun = False,
) -> Success[RenamedDataset]:
    """Rename a dataset's file and lock, and edit the Projects that name it. Its id stays."""
    catalog = state.fresh_catalog
    text = file_text(catalog.entry(dataset_id))
    done = rename_file(
        catalog,
        dataset_id,
        body.dataset,
        target=_target_if_any(state),
        based_on=based_on,
        dry_run=dry_run,
        locked=state.locked,
    )
    response.headers["ETag"] = entity_tag(text)
    return Success(data=done)


def _target_if_any(state: ServerState) -> Target | None:
    """Return the target; None if it cannot be opened: files can be changed without it."""
    try:
        return state.target
    except DatasetAssetsError:
        return None
