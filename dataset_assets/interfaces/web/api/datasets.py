"""The API of datasets: list, create, get, change and delete (Domain)."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from dataset_assets.contract.model import Status
from dataset_assets.interfaces.web.api.documentation import ETAG, LOCATION, problems, tagged
from dataset_assets.interfaces.web.api.idempotency import IdempotencyKey
from dataset_assets.interfaces.web.api.long_work import once, success
from dataset_assets.interfaces.web.api.pagination import Page, RequestedPage
from dataset_assets.interfaces.web.api.parameters import DatasetId, DryRun, ModelId
from dataset_assets.interfaces.web.api.resource import DatasetResource, dataset_resource
from dataset_assets.interfaces.web.dataset_index import ListQuery
from dataset_assets.interfaces.web.entity_tags import BasedOn, entity_tag, unchanged
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Editor, Reader
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.changes import file_text
from dataset_assets.lifecycle.create import CreatedDataset
from dataset_assets.lifecycle.delete import DeletedDataset, recorded_uses
from dataset_assets.lifecycle.delete import delete_dataset as delete_files
from dataset_assets.lifecycle.edit import EditedDataset, edit_values
from dataset_assets.lifecycle.listing import ListedDataset
from dataset_assets.lifecycle.new_definition import NewDefinition, create_from_definition
from dataset_assets.lifecycle.replace import replace_definition, replace_text_of
from dataset_assets.model import Model

router = APIRouter(tags=["datasets"])


class DatasetPage(Model):
    """Datasets by stem. `next` is the cursor of the next page; `remarks` say why figures are missing."""

    datasets: tuple[ListedDataset, ...]
    remarks: tuple[str, ...] = ()
    next: str | None = None


class Definition(Model):
    """A definition: its data, without the key `dataset`, or the text of the whole file."""

    definition: dict[str, Any] | None = Field(None, description="The data of the file below `dataset:`.")
    text: str | None = Field(None, description="The text of the file.", max_length=1_000_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.definition is None) == (self.text is None):
            raise ValueError("send either `definition` or `text`")
        return self


class NewDataset(Definition):
    """A new dataset: the stem of its file, and its definition."""

    dataset: str = Field(description="The name of the file, without `.yaml`.", examples=["grocery_sales"])


class Edits(Model):
    """Edits of single fields. A path is dotted: `filters.product_filter.value`."""

    set: dict[str, Any] = Field({}, description="Path → value.", examples=[{"description": "What was sold"}])
    unset: list[str] = Field([], description="Paths to remove.", examples=[["refresh"]])


@router.get("/models/{model_id}/datasets/", response_model=Success[DatasetPage], responses=problems())
def list_datasets_of_model(
    model_id: ModelId,
    state: State,
    _who: Reader,
    page: RequestedPage,
    status: Annotated[Status | None, Query(description="Only datasets with this status.")] = None,
) -> Response:
    """List the datasets of a model; archived ones only if their status is asked for."""
    return _page(state, ListQuery(status=status, ml_model=model_id), page)


@router.get("/datasets/", response_model=Success[DatasetPage], responses=problems())
def list_datasets(
    state: State,
    _who: Reader,
    page: RequestedPage,
    q: Annotated[str, Query(description="Words that names, owner, model or tables contain.")] = "",
    status: Annotated[Status | None, Query(description="Only datasets with this status.")] = None,
    archived: Annotated[bool, Query(description="Archived datasets as well.")] = False,
) -> Response:
    """List the datasets of all models."""
    return _page(state, ListQuery(q, status, None, archived), page)


def _page(state: ServerState, query: ListQuery, page: Page) -> Response:
    catalog = state.catalog

    def render() -> bytes:
        part = page.of(state.index.matching(catalog, query), lambda each: (each.dataset,))
        shown, remarks = state.index.described(part.items)
        found = DatasetPage(datasets=tuple(shown), remarks=remarks, next=part.next)
        return Success(data=found).model_dump_json().encode()

    key = (query, page.limit, page.after and tuple(page.after))
    return Response(state.recent.get(key, catalog, render), media_type="application/json")


@router.post(
    "/models/{model_id}/datasets/",
    status_code=201,
    response_model=Success[CreatedDataset],
    responses={**problems(409, 413, 415), **tagged(201, "The file is written.", **LOCATION)},
)
def create_dataset(
    model_id: ModelId,
    body: NewDataset,
    state: State,
    who: Editor,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Create a dataset of the model. Nothing is written if the definition breaks a rule."""
    new = NewDefinition(body.dataset, model_id, body.definition, body.text or "")

    def work() -> Response:
        done = create_from_definition(
            state.fresh_catalog, new, now=datetime.now(UTC), dry_run=dry_run, locked=state.locked
        )
        state.fresh_catalog.named(done.dataset)  # what follows sees it
        headers = {"ETag": entity_tag(done.text), "Location": f"/api/datasets/{done.dataset}/"}
        return success(done, 201, headers)

    return once(state.answers, idempotency_key, who, request, body, work)


@router.get(
    "/datasets/{dataset_id}/",
    response_model=Success[DatasetResource],
    responses={
        **problems(404),
        **tagged(200, "The dataset."),
        304: {"description": "It is as the ETag says.", "headers": ETAG},
    },
)
def get_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    if_none_match: Annotated[str | None, Header(description="An ETag that you have.")] = None,
) -> Response:
    """Return a dataset: its definition, and the figures of its last publication."""
    catalog = state.fresh_catalog
    entry = catalog.entry(dataset_id)
    body = Success(data=dataset_resource(state, catalog, entry)).model_dump(mode="json")
    tag = entity_tag(file_text(entry), json.dumps(body))
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(body, headers={"ETag": tag})


@router.put(
    "/datasets/{dataset_id}/",
    responses={**problems(404, 409, 412, 413, 415, 428), **tagged(200, "The file has the definition.")},
)
def put_dataset(
    dataset_id: DatasetId,
    body: Definition,
    based_on: BasedOn,
    state: State,
    _who: Editor,
    response: Response,
    dry_run: DryRun = False,
) -> Success[EditedDataset]:
    """Replace the definition of a dataset. Comments of what stays the same stay.

    The system fields (id, version, created_at, updated_at) and the status are not changed by it: leave them
    out, or send them as they are.
    """
    catalog = state.fresh_catalog
    options: Any = {"based_on": based_on, "dry_run": dry_run, "locked": state.locked}
    if body.definition is not None:
        done = replace_definition(catalog, dataset_id, body.definition, **options)
    else:
        done = replace_text_of(catalog, dataset_id, body.text or "", **options)
    response.headers["ETag"] = current_tag(state, done.dataset)
    return Success(data=done)


@router.patch(
    "/datasets/{dataset_id}/",
    responses={**problems(404, 409, 412, 413, 415, 428), **tagged(200, "The fields are changed.")},
)
def patch_dataset(
    dataset_id: DatasetId,
    body: Edits,
    based_on: BasedOn,
    state: State,
    _who: Editor,
    response: Response,
    dry_run: DryRun = False,
) -> Success[EditedDataset]:
    """Set and remove single fields. Comments and layout stay."""
    done = edit_values(
        state.fresh_catalog,
        dataset_id,
        body.set,
        body.unset,
        based_on=based_on,
        dry_run=dry_run,
        locked=state.locked,
    )
    response.headers["ETag"] = current_tag(state, done.dataset)
    return Success(data=done)


@router.delete("/datasets/{dataset_id}/", responses=problems(404, 409, 412, 428))
def delete_dataset(
    dataset_id: DatasetId, based_on: BasedOn, state: State, _who: Editor, dry_run: DryRun = False
) -> Success[DeletedDataset]:
    """Delete the file and the lock of a dataset that nothing uses. What is published stays."""
    target = state.target
    done = delete_files(
        state.fresh_catalog,
        dataset_id,
        recorded_uses(target),
        target=target,
        based_on=based_on,
        dry_run=dry_run,
        locked=state.locked,
    )
    state.fresh_catalog.named(dataset_id)  # what follows sees that it is gone
    return Success(data=done)


def current_tag(state: ServerState, stem: str) -> str:
    """Return the entity tag of a dataset's file as it is now."""
    return entity_tag(file_text(state.fresh_catalog.entry(stem)))
