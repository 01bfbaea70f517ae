"""A project with published datasets, and the server over it: in this process, or listening at a port."""

import shutil
import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.exceptions import StarletteDeprecationWarning

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry
from dataset_assets.interfaces.web.app import create_app
from dataset_assets.interfaces.web.settings import ServerSettings
from dataset_assets.interfaces.workspace import Workspace
from tests.interfaces.conftest import PROFILES, SALES, TARGET, USERS, write_tables
from tests.interfaces.running import run_ok
from tests.lifecycle.conftest import NOW

with warnings.catch_warnings():  # it prefers a client that is published under a new name
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

ADDRESS = "http://127.0.0.1:3001"
PRODUCTS = """\
# What is sold.
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177
  name: Products
  owner: user-ann
  ml_model: recommender
  natural_key_columns: [household_id]   # the key
  main_table:
    name: households
    columns:
      - {name: household_id, type: integer, nullable: false}   # of the household
      - {name: town, type: string}
"""


@dataclass(frozen=True)
class Project:
    """A project in a folder, with two published datasets and one that is not."""

    folder: Path

    @property
    def definitions(self) -> Path:
        return self.folder / "definitions"

    def file(self, stem: str) -> Path:
        return self.definitions / "datasets" / f"{stem}.yaml"


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name the project of a folder."""
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(folder / "definitions"))
    monkeypatch.setenv("DATASET_ASSETS_TARGET", str(folder / "local.yaml"))
    monkeypatch.delenv("DATASET_ASSETS_LOCKED", raising=False)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project that the library has published; tests work with copies of it."""
    folder = tmp_path_factory.mktemp("project")
    root = folder / "definitions"
    (root / "datasets").mkdir(parents=True)
    (root / "users.yaml").write_text(USERS)
    sales = SALES.replace("  owner: user-ann\n", "  owner: user-ann\n  ml_model: recommender\n", 1)
    sales = sales.replace("months: 2}", "months: 2}   # the season")
    for stem, text in (("profiles", PROFILES), ("sales", sales), ("products", PRODUCTS)):
        (root / "datasets" / f"{stem}.yaml").write_text(text)
    (folder / "local.yaml").write_text(TARGET)
    write_tables(folder / "data" / "retail")
    for stem in ("products", "profiles", "sales"):
        lock_entry(load_catalog(root).entries[stem], NOW)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(folder, monkeypatch)
        run_ok("materialize", "profiles")
        run_ok("materialize", "sales", "--partition", "2017-02", "--partition", "2017-03")
    return folder


@pytest.fixture
def project(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(published, folder)
    use(folder, monkeypatch)
    return Project(folder)


@pytest.fixture
def client(project: Project) -> Generator[TestClient]:  # noqa: ARG001 - the environment names it
    """Return a client of the server, in this process."""
    with open_client() as opened:
        yield opened


@contextmanager
def open_client() -> Generator[TestClient]:
    """Open a client of a server over the project of the environment."""
    app = create_app(ServerSettings(), Workspace.of())
    with TestClient(app, base_url=ADDRESS, client=("127.0.0.1", 50_000)) as opened:
        yield opened


@pytest.fixture
def serve(project: Project) -> Generator[Callable[[], str]]:  # noqa: ARG001 - the environment names it
    """Return a function that starts a server at a free port and returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start() -> str:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = ServerSettings(port=port)
        config = uvicorn.Config(create_app(settings, Workspace.of()), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, thread))
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)
