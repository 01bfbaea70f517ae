"""Each mode lets in whom it should, with the role of users.yaml, and refuses to start where it is open."""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dataset_assets.catalog.users import Role, Users
from dataset_assets.errors import ContractError
from dataset_assets.interfaces.web.access.local import is_loopback
from dataset_assets.interfaces.web.access.tokens import parse_tokens, token_hash
from dataset_assets.interfaces.web.settings import server_settings
from tests.interfaces.running import run, run_ok
from tests.web.access.assertions import AUDIENCE, new_key, public_pem, signed
from tests.web.access.conftest import TOKENS
from tests.web.access.running_server import Running, serving
from tests.web.access.shop import Shop

KEY = new_key()
ASSERTION = "X-Goog-IAP-JWT-Assertion"


@pytest.fixture(scope="module")
def keys() -> Generator[tuple[str, list[str]]]:
    """The address of the keys, and the list of requests for them."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"one": public_pem(KEY)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys", asked
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def iap(shop: Shop, keys: tuple[str, list[str]]) -> Generator[Running]:
    with serving(shop.workspace, auth={"mode": "iap", "audience": AUDIENCE, "keys": keys[0]}) as running:
        yield running


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "data.example.com", "::ffff:10.0.0.1"])
def test_without_authentication_no_other_machine_is_served(shop: Shop, host: str) -> None:
    with pytest.raises(ContractError, match="this machine alone"):
        server_settings(host=host).auth.check(host, shop.workspace.root)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_authentication_this_machine_is_served(shop: Shop, host: str) -> None:
    server_settings(host=host).auth.check(host, shop.workspace.root)
    assert is_loopback(host)


def test_this_machine_may_do_everything(local: Running) -> None:
    answer = local.get("/")
    assert answer.status_code == 200
    assert 'href="/new"' in answer.text


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"mode": "token"}, "needs a file of tokens"),
        ({"mode": "proxy"}, "needs the addresses of the proxies"),
        ({"mode": "iap"}, "needs the audience"),
        ({"mode": "iap", "audience": "a", "keys": "http://keys.example.com/"}, "by https alone"),
    ],
)
def test_a_mode_without_its_settings_does_not_start(shop: Shop, auth: dict, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        server_settings(auth=auth).auth.check("0.0.0.0", shop.workspace.root)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy"])
def test_a_proxy_is_named_by_its_addresses(network: str) -> None:
    with pytest.raises(ContractError):
        server_settings(auth={"mode": "proxy", "trusted": [network]})


def test_tokens_do_not_stand_among_the_definitions(shop: Shop, token_file: Path) -> None:
    copy = shop.folder / "definitions" / "tokens"
    copy.write_text(token_file.read_text())
    try:
        with pytest.raises(ContractError, match="in the definitions folder"):
            server_settings(auth={"mode": "token", "tokens": copy}).auth.check("::", shop.workspace.root)
    finally:
        copy.unlink()


def test_a_file_of_tokens_with_other_lines_is_refused_without_showing_them(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as refused:
        parse_tokens(tmp_path, f"# people\nrita: {token_hash('x')}\nda_secret\n")
    assert "da_secret" not in str(refused.value)


@pytest.mark.parametrize(("name", "sees_new"), [("rita", False), ("ed", True), ("pat", True)])
def test_a_token_is_its_users(tokens: Running, name: str, sees_new: bool) -> None:
    answer = tokens.get("/", Authorization=f"Bearer {TOKENS[name]}")
    assert answer.status_code == 200
    assert f"as</span> {name}" in answer.text
    assert ('href="/new"' in answer.text) == sees_new


@pytest.mark.parametrize("name", ["shop", "gone"])
def test_teams_and_strangers_do_not_come_in(tokens: Running, name: str) -> None:
    answer = tokens.get("/api/openapi.json", Authorization=f"Bearer {TOKENS[name]}")
    assert answer.status_code == 403
    assert "users.yaml" in answer.json()["detail"]


def test_a_browser_logs_in_and_out(tokens: Running) -> None:
    asked = tokens.get("/?q=people")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2F%3Fq%3Dpeople")
    assert tokens.get(asked.headers["location"]).status_code == 200
    form = {"token": TOKENS["rita"], "next": "/?q=people"}
    entered = tokens.send("POST", "/login", {"Origin": f"http://127.0.0.1:{tokens.port}"}, data=form)
    assert (entered.status_code, entered.headers["location"]) == (303, "/?q=people")
    cookie = entered.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    session = cookie.split(";")[0]
    tokens.client.cookies.clear()
    assert "Log out" in tokens.get("/", Cookie=session).text
    left = tokens.send("POST", "/logout", {"Cookie": session, "Origin": f"http://127.0.0.1:{tokens.port}"})
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert tokens.get("/", Cookie=session).status_code == 303
    tokens.client.cookies.clear()


def test_the_proxy_names_the_person(proxied: Running) -> None:
    host = {"Host": "data.example.com"}
    answer = proxied.get("/", X_Forwarded_Email="ED@example.com", **host)
    assert "as</span> ed" in answer.text
    assert proxied.get("/", X_Forwarded_Email="nobody@example.com", **host).status_code == 403
    assert proxied.get("/", **host).status_code == 401
    assert proxied.get("/healthz").status_code == 200


def test_an_address_of_two_people_is_nobodys(proxied: Running) -> None:
    assert proxied.get("/", X_Forwarded_Email="twin@example.com").status_code == 403


def test_googles_proxy_names_the_person(iap: Running, keys: tuple[str, list[str]]) -> None:
    for _ in range(3):
        assert "as</span> ed" in iap.get("/", **{ASSERTION: signed(KEY)}).text
    assert keys[1] == ["/keys"]


def test_roles_are_taken_away_at_once(shop: Shop, proxied: Running) -> None:
    file = shop.folder / "definitions" / "users.yaml"
    text = file.read_text()
    assert 'href="/new"' in proxied.get("/", X_Forwarded_Email="ed@example.com").text
    try:
        file.write_text(text.replace(", role: editor", ""))
        assert 'href="/new"' not in proxied.get("/", X_Forwarded_Email="ed@example.com").text
    finally:
        file.write_text(text)


def test_roles_are_in_order_and_optional() -> None:
    users = Users.model_validate({"a": {"email": "a@example.com"}, "t": {"team": "t"}})
    assert users.root["a"].role == Role.READER
    assert Role.PUBLISHER.includes(Role.EDITOR)
    assert not Role.READER.includes(Role.EDITOR)
    for wrong in ({"team": "t", "role": "editor"}, {"email": "a@example.com", "role": "admin"}):
        with pytest.raises(ValueError, match=r"role|Input should be"):
            Users.model_validate({"a": wrong})


def test_the_command_makes_a_token_once(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(shop.folder / "definitions"))
    file = tmp_path / "tokens"
    answers = [run_ok("token", "ed", "--file", str(file)) for _ in range(2)]
    secrets = [answer.out.split("token: ")[1].split()[0] for answer in answers]
    assert parse_tokens(file, file.read_text()) == tuple(("ed", token_hash(each)) for each in secrets)
    assert file.stat().st_mode & 0o077 == 0
    assert not any(each in file.read_text() for each in secrets)
    assert run("token", "nobody").code == 1
