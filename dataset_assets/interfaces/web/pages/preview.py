"""The page with the first rows of a dataset: of those that are published, or that a run would publish."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from dataset_assets.catalog.catalog import Entry
from dataset_assets.discovery.preview import DEFAULT_ROWS, preview
from dataset_assets.discovery.runs import Reports
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import problem_of
from dataset_assets.interfaces.web.published_preview import published_preview
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.text.wording import size_text

router = APIRouter()

PUBLISHED, FILE = "published", "file"


@router.get("/datasets/{stem}/preview")
def preview_page(
    request: Request,
    state: State,
    _who: Reader,
    stem: str,
    partition: str = "",
    split: str = "",
    where: str = "",
) -> HTMLResponse:
    """Show the first published rows; where reading is billed, only once that is asked for."""
    entry = state.catalog.entry(stem)
    found, faults, status, bills = None, (), 200, False
    try:
        bills = state.target.engine.bills_bytes
        if not bills:
            workspace = state.workspace.over(state.catalog)
            chosen = partition or None, split or None, where.strip() or None
            found = published_preview(workspace, entry.stem, DEFAULT_ROWS, *chosen)
    except DatasetAssetsError as error:
        faults = error.faults
        status = problem_of(error).status if partition or split or where else 200
    return page(
        request, "preview.html", status, **_shared(entry), partition=partition, split=split, where=where,
        preview=found, faults=faults, bills=bills,
    )  # fmt: skip


@router.post("/datasets/{stem}/preview")
def start_preview(
    state: State,
    _who: Reader,
    stem: str,
    of: Annotated[str, Form()] = FILE,
    partition: Annotated[str, Form()] = "",
    split: Annotated[str, Form()] = "",
    where: Annotated[str, Form()] = "",
) -> Response:
    """Begin to select the first rows, and lead to the page of that operation."""
    entry = state.fresh_catalog.entry(stem)
    work = (
        _published(state, entry, partition or None, split or None, where.strip() or None)
        if of == PUBLISHED
        else _selected(state, entry, partition, split)
    )
    operation = state.operations.start("preview", entry.stem, work)
    return RedirectResponse(f"/operations/{operation.id}", 303)


def _published(
    state: ServerState, entry: Entry, partition: str | None, split: str | None, where: str | None
) -> Any:
    workspace = state.workspace.over(state.catalog)

    def work(say: Say) -> BaseModel:
        say("reading the published rows")
        return published_preview(workspace, entry.stem, DEFAULT_ROWS, partition, split, where)

    return work


def _selected(state: ServerState, entry: Entry, partition: str, split: str) -> Any:
    catalog = state.catalog
    at = choose_as_of(catalog, entry, None, partition or None, datetime.now(UTC))

    def work(say: Say) -> BaseModel:
        reports = Reports(step=say, cost=lambda size: say(f"the query reads {size_text(size)}"))
        say(f"selecting the rows {replace(at, reason='')}")
        return preview(catalog, state.target, entry, at, DEFAULT_ROWS, split or None, reports)

    return work


def _shared(entry: Entry) -> dict[str, Any]:
    config = entry.dataset.split_config if entry.dataset else None
    return {
        "stem": entry.stem,
        "name": entry.dataset.name if entry.dataset else entry.stem,
        "ok": entry.ok,
        "by_period": bool(entry.dataset and entry.dataset.partitions),
        "splits": ("train", "eval", "test")[: len(config.values)] if config else (),
    }
