"""The ASGI application of the server: the API under `/api/`, and the pages."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles

from dataset_assets.interfaces.web import problems
from dataset_assets.interfaces.web.access import AccessMiddleware
from dataset_assets.interfaces.web.api import analysis, datasets, life, publications, running, tables, uses
from dataset_assets.interfaces.web.api.documentation import openapi
from dataset_assets.interfaces.web.api.negotiation import negotiated
from dataset_assets.interfaces.web.pages import dataset_list
from dataset_assets.interfaces.web.pages.changing import edit as edit_pages
from dataset_assets.interfaces.web.pages.changing import life as life_pages
from dataset_assets.interfaces.web.pages.wizard import routes as wizard_routes
from dataset_assets.interfaces.web.pages.wizard.measuring import WizardMemory
from dataset_assets.interfaces.web.security_headers import SecurityHeaders
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.interfaces.workspace import Workspace

API: Sequence[APIRouter] = (
    datasets.router,
    life.router,
    tables.router,
    analysis.router,
    publications.router,
    uses.router,
    running.router,
)
"""The routers of the API, in the order of its documentation."""
PAGES: Sequence[APIRouter] = (dataset_list.router, wizard_routes.router, edit_pages.router, life_pages.router)
"""The routers of the pages."""
STATIC = Path(__file__).with_name("static")


def create_app(settings: ServerSettings, workspace: Workspace) -> FastAPI:
    """Return the application. It reads the catalog and the target when the first request needs them."""
    state = ServerState(settings, workspace)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        yield
        state.close()

    app = FastAPI(
        title="dataset-assets",
        version=version("dataset-assets"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.server, app.state.wizard = state, WizardMemory()
    app.openapi = lambda: openapi(app)
    problems.install(app)
    for router in API:
        app.include_router(router, prefix="/api", dependencies=[Depends(negotiated)])
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(AccessMiddleware, state=state)
    app.add_middleware(SecurityHeaders)
    return app
