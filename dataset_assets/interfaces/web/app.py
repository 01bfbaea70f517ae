"""The ASGI application of the server: the API under `/api/`, and the pages."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI

from dataset_assets.interfaces.web import failures
from dataset_assets.interfaces.web.access.audit_log import AuditLog
from dataset_assets.interfaces.web.access.audit_middleware import AuditMiddleware
from dataset_assets.interfaces.web.access.middleware import AccessMiddleware
from dataset_assets.interfaces.web.access.origin import Origins
from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.api import (
    analysis,
    datasets,
    life,
    materialize,
    publications,
    running,
    tables,
    uses,
)
from dataset_assets.interfaces.web.api.documentation import openapi
from dataset_assets.interfaces.web.api.negotiation import negotiated
from dataset_assets.interfaces.web.changing_requests import ChangingRequests
from dataset_assets.interfaces.web.pages import dataset_list, dataset_routes, session
from dataset_assets.interfaces.web.pages.changing import routes as changing_routes
from dataset_assets.interfaces.web.pages.wizard import routes as wizard_routes
from dataset_assets.interfaces.web.pages.wizard.measuring import WizardMemory
from dataset_assets.interfaces.web.security_headers import SecurityHeaders
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.interfaces.web.static_files import DigestedFiles
from dataset_assets.interfaces.workspace import Workspace

API: Sequence[APIRouter] = (
    datasets.router,
    life.router,
    tables.router,
    analysis.router,
    publications.router,
    uses.router,
    materialize.router,
    running.router,
)
"""The routers of the API, in the order of its documentation."""
PAGES: Sequence[APIRouter] = (
    dataset_list.router,
    wizard_routes.router,
    changing_routes.router,
    dataset_routes.router,
    session.router,
)
"""The routers of the pages."""


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
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.server, app.state.wizard = state, WizardMemory()
    app.openapi = lambda: openapi(app)
    failures.install(app)
    for router in API:
        app.include_router(router, prefix="/api", dependencies=[Depends(negotiated)])
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    app.mount("/static", DigestedFiles(), name="static")
    _protect(app, state)
    return app


def _protect(app: FastAPI, state: ServerState) -> None:
    """Add what every request passes, the last first: headers, the audit log, and who may come in."""
    settings = state.settings
    app.state.origins = Origins(settings.allowed_hosts, settings.public_url)
    app.add_middleware(ChangingRequests, state=state)
    app.state.mode = settings.auth.create(People(state.workspace.settings.definitions / "users.yaml"))
    app.add_middleware(AccessMiddleware, mode=app.state.mode, origins=app.state.origins)
    if settings.audit_log:
        app.add_middleware(AuditMiddleware, log=AuditLog(settings.audit_log), state=state)
    app.add_middleware(SecurityHeaders)
