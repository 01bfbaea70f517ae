"""Fixtures: a published project whose names are hostile, its server on a loopback port, and a client."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import httpx
import pytest
import uvicorn

from dataset_assets.interfaces.web.app import create_app
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.workspace import Workspace
from tests.web.pages.gallery import Gallery, open_gallery
from tests.web.pages.reading_pages import ReadPage

Show = Callable[..., ReadPage]
"""Opens a page, whose status has to be as expected: 200 by default."""


@contextmanager
def serving(
    workspace: Workspace, dagster: str = "", audit_log: Path | None = None
) -> Generator[httpx.Client]:
    """Serve a project from a thread, and yield a client of its server."""
    app = create_app(ServerSettings(dagster=dagster, audit_log=audit_log), workspace)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    end = monotonic() + 30
    while not server.started:
        assert monotonic() < end
        sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return open_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def client(gallery: Gallery) -> Generator[httpx.Client]:
    with serving(gallery.workspace) as opened:
        yield opened


@pytest.fixture(scope="module")
def show(client: httpx.Client) -> Show:
    def open_page(path: str, status: int = 200) -> ReadPage:
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status, answer.text[:2000]
        return ReadPage(str(answer.url), answer.text)

    return open_page
