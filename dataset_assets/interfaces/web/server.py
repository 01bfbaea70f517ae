"""Run the application with uvicorn until Ctrl-C or SIGTERM."""

import uvicorn

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.web.access.audit_log import AuditLog
from dataset_assets.interfaces.web.app import create_app
from dataset_assets.interfaces.web.connections import KEEP_ALIVE_SECONDS, MOST_CONNECTIONS, TimedProtocol
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.system_errors import system_fault

STOP_SECONDS = 10
"""For how long requests that are being answered can go on once the process is asked to stop."""


def run(settings: ServerSettings, workspace: Workspace) -> None:
    """Serve until the process has to stop. Raises ContractError if the settings leave the server open."""
    check(settings, workspace)
    uvicorn.Server(configuration(settings, workspace)).run()


def check(settings: ServerSettings, workspace: Workspace) -> None:
    """Raise ContractError if a server with these settings must not start."""
    settings.auth.check(settings.host, workspace.root)
    if settings.audit_log:
        try:
            AuditLog(settings.audit_log).check()
        except OSError as error:
            hint = "set --audit-log to a file that can be written"
            raise ContractError(system_fault(error), Fault("there is no audit log", hint=hint)) from None


def configuration(settings: ServerSettings, workspace: Workspace) -> uvicorn.Config:
    """Return uvicorn's configuration: it believes no header about the client, and limits its clients."""
    return uvicorn.Config(
        create_app(settings, workspace),
        host=settings.host,
        port=settings.port,
        http=TimedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
