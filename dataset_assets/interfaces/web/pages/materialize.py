"""The pages that publish a dataset through Dagster, and follow the run."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.model import Status
from dataset_assets.discovery.cost import Cost, estimate_cost
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.web.access.audit_middleware import note
from dataset_assets.interfaces.web.identity import Publisher, Reader
from dataset_assets.interfaces.web.materializing import RunRequest, dagster_client, start_run
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import problem_of
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.publishing.as_of_choice import default_as_of
from dataset_assets.staleness.plan import Plan, plan_dataset
from dataset_assets.staleness.reasons import StalePublication

router = APIRouter()

_MOST_LISTED = 60
"""Due Periods that are listed; further ones are chosen by their range."""


@router.get("/datasets/{stem}/materialize")
def materialize_page(request: Request, state: State, _who: Publisher, stem: str) -> HTMLResponse:
    """Show which Periods are due and why, and let a person choose what to publish."""
    entry = state.catalog.entry(stem)
    state.catalog.checked(entry)
    return _form(request, state, entry)


@router.post("/datasets/{stem}/materialize")
def start_materialization(
    request: Request,
    state: State,
    who: Publisher,
    stem: str,
    period: Annotated[tuple[str, ...], Form()] = (),
    first: Annotated[str, Form()] = "",
    last: Annotated[str, Form()] = "",
    anyway: Annotated[bool, Form()] = False,
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Start the run and lead to its page; show the form again with what is wrong if it cannot be started."""
    entry = state.fresh_catalog.entry(stem)
    chosen = RunRequest(period, first.strip() or None, last.strip() or None, anyway, key)
    try:
        launched = start_run(state, entry, chosen, who.name)
    except DatasetAssetsError as error:
        return _form(request, state, entry, error, chosen)
    note(request, run=launched.run_id or launched.backfill_id)
    if launched.run_id:
        return RedirectResponse(f"/datasets/{entry.stem}/runs/{launched.run_id}", 303)
    return RedirectResponse(f"/datasets/{entry.stem}/backfills/{launched.backfill_id}", 303)


@router.get("/datasets/{stem}/runs/{run_id}")
def run_page(request: Request, state: State, _who: Reader, stem: str, run_id: str) -> HTMLResponse:
    """Show how far a run is. The page loads itself again until the run has ended."""
    entry = state.catalog.entry(stem)
    run, faults, status = None, (), 200
    try:
        run = dagster_client(state).run(run_id, entry.stem)
    except DatasetAssetsError as error:
        faults, status = error.faults, problem_of(error).status
    return page(request, "run.html", status, **_names(entry), run_id=run_id, run=run, faults=faults)


@router.post("/datasets/{stem}/runs/{run_id}/cancel")
def cancel_run(request: Request, state: State, _who: Publisher, stem: str, run_id: str) -> Response:
    """Ask a run to stop, and lead back to its page."""
    entry = state.catalog.entry(stem)
    try:
        dagster_client(state).cancel(run_id)
    except DatasetAssetsError as error:
        return page(
            request, "run.html", problem_of(error).status, **_names(entry), run_id=run_id, run=None,
            faults=error.faults,
        )  # fmt: skip
    return RedirectResponse(f"/datasets/{entry.stem}/runs/{run_id}", 303)


@router.get("/datasets/{stem}/backfills/{backfill_id}")
def backfill_page(request: Request, state: State, _who: Reader, stem: str, backfill_id: str) -> HTMLResponse:
    """Show the runs of a backfill."""
    entry = state.catalog.entry(stem)
    backfill, faults, status = None, (), 200
    try:
        backfill = dagster_client(state).backfill(backfill_id)
    except DatasetAssetsError as error:
        faults, status = error.faults, problem_of(error).status
    return page(request, "backfill.html", status, **_names(entry), backfill=backfill, faults=faults)


def _form(
    request: Request,
    state: ServerState,
    entry: Entry,
    error: DatasetAssetsError | None = None,
    chosen: RunRequest | None = None,
) -> HTMLResponse:
    dataset = state.catalog.checked(entry)
    plan, faults, remarks = _plan(state, entry)
    listed = plan.due[:_MOST_LISTED] if plan else ()
    cost, cost_faults = _cost(state, entry, listed)
    return page(
        request,
        "materialize.html",
        problem_of(error).status if error else 200,
        stem=entry.stem,
        dataset=dataset,
        by_period=dataset.partitions is not None,
        plan=plan,
        listed=listed,
        plan_faults=faults,
        remarks=remarks,
        faults=error.faults if error else (),
        cost=cost,
        cost_faults=cost_faults,
        chosen=chosen or RunRequest(),
        asks_anyway=dataset.status in (Status.DRAFT, Status.ARCHIVED),
        schedule=schedule_of(state.catalog, entry),
    )


def _plan(state: ServerState, entry: Entry) -> tuple[Plan | None, tuple[Fault, ...], tuple[str, ...]]:
    """Return the plan, else why there is none, and remarks on nested datasets that are published first."""
    try:
        *nested, plan = plan_dataset(state.catalog, state.target, entry)
    except DatasetAssetsError as error:
        return None, error.faults, ()
    remarks = tuple(
        f"`{each.entry.stem}`, which it reads, has to be published first" for each in nested if each.due
    )
    return plan, (), remarks


def _cost(
    state: ServerState, entry: Entry, due: tuple[StalePublication, ...]
) -> tuple[Cost | None, tuple[Fault, ...]]:
    """Return what the newest due publication costs by a dry run; None where reading is not billed."""
    possible = [each for each in due if not each.obstacles]
    if not (possible and state.target.engine.bills_bytes):
        return None, ()
    try:
        at = default_as_of(possible[-1].period, datetime.now(UTC))
        return estimate_cost(state.catalog, state.target, entry, at), ()
    except DatasetAssetsError as error:
        return None, error.faults


def _names(entry: Entry) -> dict[str, Any]:
    return {"stem": entry.stem, "name": entry.dataset.name if entry.dataset else entry.stem}
