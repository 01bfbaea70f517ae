"""A published project, and servers of it in each mode."""

from collections.abc import Generator
from pathlib import Path

import pytest

from dataset_assets.interfaces.web.access.tokens import add_token, new_token, token_line
from tests.interfaces.running import run_ok
from tests.web.access.running_server import Running, serving
from tests.web.access.shop import Shop, write_shop

TOKENS = {name: new_token() for name in ("rita", "ed", "pat", "shop", "gone")}
"""The token of each person; `shop` is a team, and `gone` is in no users.yaml."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The project, with its dataset locked and published."""
    made = write_shop(tmp_path_factory.mktemp("shop"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATASET_ASSETS_DEFINITIONS", str(made.folder / "definitions"))
        patch.setenv("DATASET_ASSETS_TARGET", str(made.folder / "local.yaml"))
        patch.chdir(made.folder)
        run_ok("materialize", "people")
    return made


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    for name, token in TOKENS.items():
        add_token(path, token_line(name, token))
    return path


@pytest.fixture(scope="module")
def local(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A server without authentication."""
    with serving(shop.workspace, audit_log=tmp_path_factory.mktemp("audit") / "audit.jsonl") as running:
        yield running


@pytest.fixture(scope="module")
def tokens(shop: Shop, token_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A server in the mode token."""
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    with serving(shop.workspace, auth={"mode": "token", "tokens": token_file}, audit_log=audit) as running:
        yield running


@pytest.fixture(scope="module")
def proxied(shop: Shop) -> Generator[Running]:
    """A server in the mode proxy that believes this machine."""
    auth = {"mode": "proxy", "trusted": ["127.0.0.1"]}
    with serving(shop.workspace, auth=auth, public_url="https://data.example.com") as running:
        yield running


@pytest.fixture(scope="module")
def distant(shop: Shop) -> Generator[Running]:
    """A server in the mode proxy whose proxy is another machine than the one that asks."""
    with serving(shop.workspace, auth={"mode": "proxy", "trusted": ["10.1.2.3/32"]}) as running:
        yield running


@pytest.fixture
def unchanged(shop: Shop) -> Generator[None]:
    """Fail a test after which a file of the definitions is another."""
    before = shop.state()
    yield
    assert shop.state() == before


def session_of(server: Running, name: str) -> str:
    """Log a person in, and return the cookie."""
    answer = server.send("POST", "/login", data={"token": TOKENS[name]})
    server.client.cookies.clear()
    return answer.headers["set-cookie"].split(";")[0]
