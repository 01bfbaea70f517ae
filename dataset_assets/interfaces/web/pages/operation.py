"""The page of an operation: how far it is, and its result or what went wrong."""

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.preview import Preview
from dataset_assets.interfaces.web.dagster_runs import RunProgress
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Operation
from dataset_assets.interfaces.web.pages.charts import split_shares
from dataset_assets.interfaces.web.pages.dataset_view import ColumnView, column_view
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.state import State

router = APIRouter()

TITLES = {"analyze": "Analysis", "preview": "Preview", "materialize": "Run"}
"""Kind of an operation → the title of its page."""


@router.get("/operations/{id}")
def operation_page(request: Request, state: State, _who: Reader, id: str) -> HTMLResponse:  # noqa: A002
    """Show an operation. The page loads itself again until the operation has ended."""
    operation = state.operations.get(id)
    entry = state.catalog.named(operation.subject)
    result = operation.result
    shown: dict[str, Any] = {"analysis": None, "preview": None, "run": None, "json": ""}
    if isinstance(result, Analysis):
        shown["analysis"] = result
    elif isinstance(result, Preview):
        shown["preview"] = result
    elif isinstance(result, RunProgress):
        shown["run"] = result
    elif result is not None:
        shown["json"] = _json(operation)
    analysis = result if isinstance(result, Analysis) else None
    return page(
        request,
        "operation.html",
        operation=operation,
        title=TITLES.get(operation.kind, operation.kind.capitalize()),
        stem=entry.stem if entry else "",
        name=entry.dataset.name if entry and entry.dataset else operation.subject,
        split=split_shares({each: size.rows for each, size in analysis.splits.items()}) if analysis else (),
        columns=[
            column_view(each, column) for each, column in analysis.column_stats.items() if each != "split"
        ]
        if analysis
        else (),
        **shown,
    )


def _columns(analysis: Analysis) -> list[ColumnView]:
    return [column_view(name, each) for name, each in analysis.column_stats.items() if name != "split"]


def _json(operation: Operation) -> str:
    return json.dumps(operation.model_dump(mode="json")["result"], indent=2, ensure_ascii=False)
