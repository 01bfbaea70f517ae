"""The page that analyzes a dataset: the sizes after each step, what filters keep, leaks and checks."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.cost import estimate_cost
from dataset_assets.discovery.runs import Reports
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import problem_of
from dataset_assets.interfaces.web.state import State
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.text.wording import size_text

router = APIRouter()


@router.get("/datasets/{stem}/analyze")
def analyze_page(
    request: Request, state: State, _who: Reader, stem: str, partition: str = ""
) -> HTMLResponse:
    """Show what an analysis does, of which Period, and where queries are billed what it costs."""
    entry = state.catalog.entry(stem)
    dataset = state.catalog.checked(entry)
    cost, faults, bills = None, (), False
    try:
        bills = state.target.engine.bills_bytes
        if bills:
            at = choose_as_of(state.catalog, entry, None, partition or None, datetime.now(UTC))
            cost = estimate_cost(state.catalog, state.target, entry, at)
    except DatasetAssetsError as error:
        faults = error.faults
    return page(
        request, "analyze.html", stem=entry.stem, dataset=dataset, partition=partition, cost=cost,
        bills=bills, faults=faults,
    )  # fmt: skip


@router.post("/datasets/{stem}/analyze")
def start_analysis(
    request: Request, state: State, _who: Reader, stem: str, partition: Annotated[str, Form()] = ""
) -> Response:
    """Begin to analyze a dataset, and lead to the page of that operation."""
    catalog = state.fresh_catalog
    entry = catalog.entry(stem)
    dataset = catalog.checked(entry)
    try:
        at = choose_as_of(catalog, entry, None, partition or None, datetime.now(UTC))
    except DatasetAssetsError as error:
        return page(
            request, "analyze.html", problem_of(error).status, stem=entry.stem, dataset=dataset,
            partition=partition, cost=None, bills=False, faults=error.faults,
        )  # fmt: skip

    def work(say: Say) -> BaseModel:
        say(f"analyzing {entry.stem} {replace(at, reason='')}")
        reports = Reports(step=say, cost=lambda size: say(f"the queries read {size_text(size)}"))
        return analyze(catalog, state.target, entry, at, reports)

    operation = state.operations.start("analyze", entry.stem, work)
    return RedirectResponse(f"/operations/{operation.id}", 303)
