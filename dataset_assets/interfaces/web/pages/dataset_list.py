"""The page that lists the datasets, with search and filter (Domain, Dataset List View)."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dataset_assets.contract.model import Status
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.state import State
from dataset_assets.lifecycle.listing import list_datasets

router = APIRouter()


@router.get("/")
def list_page(
    request: Request, state: State, _who: Reader, q: str = "", status: str = "", model: str = ""
) -> HTMLResponse:
    """Show the datasets that the search and the filters leave."""
    chosen = Status(status) if status in set(Status) else None
    found = list_datasets(state.catalog, lambda: state.target, status=chosen, ml_model=model or None)
    words = q.lower().split()
    shown = [
        each
        for each in found.datasets
        if all(word in f"{each.dataset} {each.name}".lower() for word in words)
    ]
    models = sorted(
        {e.dataset.ml_model for e in state.catalog.entries.values() if e.dataset and e.dataset.ml_model}
    )
    return page(
        request, "list.html", datasets=shown, remarks=found.remarks, q=q, status=status, model=model,
        statuses=list(Status), models=models,
    )  # fmt: skip
