"""Run the application with uvicorn until Ctrl-C or SIGTERM."""

import uvicorn

from dataset_assets.interfaces.web.app import create_app
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.workspace import Workspace


def run(settings: ServerSettings, workspace: Workspace) -> None:
    """Serve until the process is told to stop."""
    config = uvicorn.Config(
        create_app(settings, workspace),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run()
