"""The page with the query of a dataset in one of the dialects."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.discovery.selection_sql import selection_sql
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import problem_of
from dataset_assets.interfaces.web.state import State
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.sql.dialect import DIALECTS

router = APIRouter()


@router.get("/datasets/{stem}/sql")
def sql_page(
    request: Request,
    state: State,
    _who: Reader,
    stem: str,
    dialect: str = "",
    partition: str = "",
    as_of: str = "",
    split: str = "",
) -> HTMLResponse:
    """Show the query that selects a dataset's rows, of a Period or as of an instant."""
    catalog = state.catalog
    entry = catalog.entry(stem)
    dataset = catalog.checked(entry)
    text, at, faults, status = "", None, (), 200
    try:
        target = state.target
        dialect = dialect or target.engine.dialect.name
        at = choose_as_of(catalog, entry, as_of or None, partition or None, datetime.now(UTC))
        text = selection_sql(catalog, target, entry, at, dialect, split or None)
    except DatasetAssetsError as error:
        faults = error.faults
        status = problem_of(error).status if partition or as_of or split else 200
    return page(
        request, "sql.html", status, stem=entry.stem, dataset=dataset, dialect=dialect,
        dialects=list(DIALECTS), by_period=schedule_of(catalog, entry) is not None, partition=partition,
        as_of=as_of, split=split, at=at, sql=text, faults=faults,
    )  # fmt: skip
