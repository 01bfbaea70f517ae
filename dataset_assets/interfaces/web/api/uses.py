"""The API of uses and pins: which training run read which publication, and what is kept for good."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from dataset_assets.interfaces.use_reports import record_and_report
from dataset_assets.interfaces.web.api.documentation import problems
from dataset_assets.interfaces.web.api.pagination import RequestedPage
from dataset_assets.interfaces.web.api.parameters import DatasetId, Partition
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Publisher, Reader
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.uses import PinList, PublicationChoice, RecordedUses, list_uses, pin, unpin
from dataset_assets.model import Instant, Model
from dataset_assets.ports.uses import Pin, PinRequest, Use
from dataset_assets.system_errors import system_errors_as_faults

router = APIRouter(prefix="/datasets/{dataset_id}", tags=["uses"])


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("is not a number")
    return value


TableVersion = Annotated[int, BeforeValidator(_number)]
"""A whole number of JSON: `7` or `7.0`, and neither `"7"` nor `true`."""


class ChosenPublications(Model):
    """Publications: of one Period or of all, in a version of the table or as they are now."""

    partition: str | None = Field(None, description="A Period; by default all.", examples=["2017-12"])
    version: TableVersion | None = Field(None, ge=0, description="The table's version; by default the last.")


class NewUse(ChosenPublications):
    """A training run that used publications."""

    training_run: str = Field(description="The id of the training run.", examples=["run-2026-11-30"])


class NewPin(ChosenPublications):
    """Publications that have to stay readable."""

    reason: str = Field("by hand", description="Why.", min_length=1, max_length=500)


class UsePage(Model):
    """The uses of a dataset, the newest first, and its pins. `next` is the cursor of the next page."""

    dataset: str
    last_used_at: Instant | None
    uses: tuple[Use, ...]
    pins: tuple[Pin, ...]
    next: str | None = None


class PinPage(Model):
    """The pins of a dataset by table version. `next` is the cursor of the next page."""

    dataset: str
    pins: tuple[Pin, ...]
    next: str | None = None


@router.get("/uses/", responses=problems(404))
def list_uses_of_dataset(
    dataset_id: DatasetId, state: State, _who: Reader, page: RequestedPage
) -> Success[UsePage]:
    """List the training runs that used a dataset."""
    with system_errors_as_faults():
        found = list_uses(state.target, _stem(state, dataset_id))
    part = page.of(found.uses, _use_key, newest_first=True)
    shown = {name: getattr(found, name) for name in ("dataset", "last_used_at", "pins")}
    return Success(data=UsePage(**shown, uses=part.items, next=part.next))


def _use_key(use: Use) -> tuple[str, str, str, int]:
    return use.used_at.isoformat(), use.training_run, use.period or "", use.table_version


@router.post("/uses/", responses=problems(404, 413, 415))
def record_use(dataset_id: DatasetId, body: NewUse, state: State, who: Publisher) -> Success[RecordedUses]:
    """Record that a training run used publications, once for each, and pin them."""
    choice = _choice(state, dataset_id, body.partition, body.version)
    done = record_and_report(state.workspace, choice, body.training_run, who.name)
    state.index.forget(choice.dataset)
    return Success(data=done)


@router.get("/pins/", responses=problems(404))
def list_pins(dataset_id: DatasetId, state: State, _who: Reader, page: RequestedPage) -> Success[PinPage]:
    """List the publications of a dataset that no retention removes."""
    with system_errors_as_faults():
        found = list_uses(state.target, _stem(state, dataset_id))
    part = page.of(found.pins, lambda each: (each.table_version, each.period or ""))
    return Success(data=PinPage(dataset=found.dataset, pins=part.items, next=part.next))


@router.post("/pins/", responses=problems(404, 413, 415))
def pin_publications(
    dataset_id: DatasetId, state: State, who: Publisher, body: NewPin | None = None
) -> Success[PinList]:
    """Keep publications readable, whatever the target's retention is."""
    chosen = body or NewPin()
    choice = _choice(state, dataset_id, chosen.partition, chosen.version)
    with system_errors_as_faults():
        return Success(data=pin(state.target, choice, PinRequest(chosen.reason, datetime.now(UTC), who.name)))


@router.delete("/pins/", responses=problems(404))
def unpin_publications(
    dataset_id: DatasetId,
    state: State,
    who: Publisher,
    partition: Partition = None,
    version: Annotated[
        int | None, Query(ge=0, description="The table's version; by default the last.")
    ] = None,
    every: Annotated[bool, Query(alias="all", description="The pins of every version.")] = False,
) -> Success[PinList]:
    """Remove pins. The target's retention then applies again."""
    choice = _choice(state, dataset_id, partition, version)
    with system_errors_as_faults():
        done = unpin(state.target, choice, PinRequest("", datetime.now(UTC), who.name), every_version=every)
    return Success(data=done)


def _stem(state: ServerState, name: str) -> str:
    return state.catalog.entry(name).stem


def _choice(state: ServerState, name: str, partition: str | None, version: int | None) -> PublicationChoice:
    periods = None if partition is None else (partition,)
    return PublicationChoice(_stem(state, name), periods, version)
