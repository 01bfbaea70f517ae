"""The page that lists the datasets, with search and filter (Domain, Dataset List View)."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Status
from dataset_assets.interfaces.web.dataset_index import ListQuery
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.model import Model

router = APIRouter()

LENGTH = 50
"""The number of datasets on one page."""


class ListForm(Model, extra="ignore"):
    """The fields of the page's form, and the stem after which the page begins."""

    q: str = ""
    status: str = ""
    model: str = ""
    after: str = ""

    @property
    def query(self) -> ListQuery:
        """Which datasets the page has; a status that there is not is as none."""
        status = Status(self.status) if self.status in set(Status) else None
        return ListQuery(self.q, status, self.model or None)

    def more(self, after: str) -> str:
        """Return the address of the page that begins after a stem."""
        return f"/?{urlencode({**self.model_dump(exclude_defaults=True), 'after': after})}"


@router.get("/")
def list_page(
    request: Request, state: State, _who: Reader, form: Annotated[ListForm, Query()]
) -> HTMLResponse:
    """Show the datasets that the search and the filters leave."""
    catalog = state.catalog
    key = (request.state.identity, getattr(request.state, "session", ""), form)
    return HTMLResponse(state.recent.get(key, catalog, lambda: _rendered(request, state, catalog, form)))


def _rendered(request: Request, state: ServerState, catalog: Catalog, form: ListForm) -> bytes:
    found = state.index.matching(catalog, form.query)
    rest = [each for each in found if each.dataset > form.after]
    shown, remarks = state.index.described(rest[:LENGTH])
    rendered = page(
        request,
        "list.html",
        datasets=shown,
        total=len(found),
        remarks=remarks,
        more=form.more(shown[-1].dataset) if rest[LENGTH:] else "",
        form=form,
        statuses=list(Status),
        models=state.index.models(catalog),
    )
    return bytes(rendered.body)
