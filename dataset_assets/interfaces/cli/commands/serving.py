"""The command that serves the API and the pages.

It imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import OptionalTarget


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 3001,
    dagster: Annotated[
        str, typer.Option("--dagster", metavar="URL", help="Dagster's pages, which start runs.")
    ] = "",
    target: OptionalTarget = None,
) -> None:
    """Serve the API and the pages, until Ctrl-C."""
    from dataset_assets.interfaces.web.server import run
    from dataset_assets.interfaces.web.settings import ServerSettings
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    settings = ServerSettings(host=host, port=port, dagster=dagster or workspace.settings.webserver)
    run(settings, workspace)
