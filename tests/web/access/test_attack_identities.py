"""Attacks by another identity: headers, assertions, tokens, cookies. None may succeed or change a file."""

import hashlib
import json
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from tests.web.access.assertions import AUDIENCE, ISSUER, encoded, new_key, public_pem, signed, unsigned
from tests.web.access.conftest import TOKENS, session_of
from tests.web.access.running_server import Running, serving
from tests.web.access.shop import Shop

pytestmark = pytest.mark.usefixtures("unchanged")
ARCHIVE = "/datasets/people/archive"
KEY = new_key()


@pytest.fixture(scope="module")
def iap(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(json.dumps({"one": public_pem(KEY)}))
    with serving(shop.workspace, auth={"mode": "iap", "audience": AUDIENCE, "keys": str(keys)}) as running:
        yield running


@pytest.mark.parametrize(
    "spoofed",
    [
        {"X-Forwarded-Email": "pat@example.com"},
        {"X-Forwarded-User": "pat"},
        {"X-Remote-User": "pat"},
        {"X-Goog-Authenticated-User-Email": "accounts.google.com:pat@example.com"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Goog-IAP-JWT-Assertion": signed(KEY)},
        {"Authorization": "Basic cGF0OnBhdA=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer pat"},
        {"Forwarded": "for=127.0.0.1;host=localhost"},
    ],
)
def test_spoofed_headers_are_no_token(tokens: Running, spoofed: Mapping[str, str]) -> None:
    assert tokens.send("GET", "/api/openapi.json", spoofed).status_code == 401


def test_spoofed_headers_give_this_machine_no_other_name(local: Running) -> None:
    assert "as</span> local" in local.get("/", X_Forwarded_Email="ed@example.com").text


def test_the_proxys_header_from_elsewhere(distant: Running) -> None:
    for headers in (
        {},
        {"X-Forwarded-For": "10.1.2.3"},
        {"X-Real-IP": "10.1.2.3"},
        {"Forwarded": "for=10.1.2.3"},
    ):
        answer = distant.send("GET", "/", {"X-Forwarded-Email": "pat@example.com", **headers})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "value",
    [
        "pat@example.com,ed@example.com",
        "pat@example.com ed@example.com",
        "",
        "pat@example.com\tx",
        "\xe9@example.com",
        "*",
        "shop",
        "a" * 5000,
    ],
)
def test_the_proxys_header_with_another_value(proxied: Running, value: str) -> None:
    assert proxied.request("GET /", f"X-Forwarded-Email: {value}")[0] in {400, 403}


def test_the_proxys_header_twice_or_in_other_letters(proxied: Running) -> None:
    one = "X-Forwarded-Email: ed@example.com"
    assert proxied.request("GET /", one, "x-forwarded-email: pat@example.com")[0] == 400
    assert proxied.request("GET /", "X_Forwarded_Email: pat@example.com")[0] in {400, 401}


def forged_assertions() -> dict[str, str]:
    now, other = int(time.time()), new_key()
    good = signed(KEY)
    text, body, signature = good.split(".")
    symmetric = hashlib.sha256(public_pem(KEY).encode()).digest()
    return {
        "no signature": f"{unsigned({'alg': 'none'})}.",
        "the signature cut off": f"{text}.{body}.",
        "another key": signed(other),
        "an unknown key id": signed(KEY, {"kid": "two"}),
        "no key id": signed(KEY, {"kid": None}),
        "a key of its own": signed(
            other, {"jwk": {"kty": "EC"}, "jku": "https://evil.example/", "kid": "../one"}
        ),
        "the public key as a secret": f"{unsigned({'alg': 'HS256'})}.{encoded(symmetric)}",
        "another algorithm": signed(KEY, {"alg": "RS256"}),
        "another audience": signed(KEY, aud="/projects/1/global/backendServices/3"),
        "audiences": signed(KEY, aud=[AUDIENCE]),
        "another issuer": signed(KEY, iss="https://accounts.google.com"),
        "expired": signed(KEY, iat=now - 900, exp=now - 300),
        "from tomorrow": signed(KEY, iat=now + 86400, exp=now + 90000),
        "no expiry": signed(KEY, exp=None),
        "no e-mail address": signed(KEY, email=None),
        "another body": f"{text}.{unsigned(email='pat@example.com').split('.')[1]}.{signature}",
        "no token": "x.y.z",
        "nested": f"{text}.{encoded(b'[' * 9000)}.{signature}",
    }


@pytest.mark.parametrize("name", forged_assertions())
def test_forged_assertions(iap: Running, name: str) -> None:
    assert iap.send("GET", "/", {"X-Goog-IAP-JWT-Assertion": forged_assertions()[name]}).status_code == 401


def test_spoofed_headers_are_no_assertion(iap: Running) -> None:
    for name in ("X-Forwarded-Email", "X-Goog-Authenticated-User-Email"):
        assert iap.send("GET", "/", {name: "pat@example.com"}).status_code == 401
    good = f"X-Goog-IAP-JWT-Assertion: {signed(KEY)}"
    assert iap.request("GET /", good, good)[0] == 400
    assert ISSUER.startswith("https://")
    odd = {"X-Goog-IAP-JWT-Assertion": signed(KEY, email="\u212aed@example.com")}
    assert iap.send("GET", "/", odd).status_code == 403


# Tokens and sessions


def test_guessing_tokens_is_slowed_and_locks_nobody_out(shop: Shop, token_file: Any) -> None:
    with serving(shop.workspace, auth={"mode": "token", "tokens": token_file}) as server:
        began = time.monotonic()
        statuses = [server.get("/", Authorization=f"Bearer da_{n}").status_code for n in range(23)]
        assert statuses[-3:] == [429] * 3
        assert set(statuses[:-3]) == {401}
        assert time.monotonic() - began > 10
        assert server.get("/", Authorization=f"Bearer {TOKENS['ed']}").status_code == 200


def test_the_hash_of_a_token_is_no_token(tokens: Running, token_file: Any) -> None:
    for line in token_file.read_text().splitlines():
        value = line.split(": ")[1]
        assert tokens.get("/api/openapi.json", Authorization=f"Bearer {value}").status_code in {401, 429}


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, token_file: Any) -> None:
    """Every line is compared, whichever matches, by the one function that takes as long for each text."""
    import hmac  # noqa: PLC0415 - the function that is counted

    from dataset_assets.interfaces.web.access import tokens as module  # noqa: PLC0415

    compared: list[str] = []
    real: Callable[..., bool] = hmac.compare_digest
    monkeypatch.setattr(module.hmac, "compare_digest", lambda a, b: compared.append(a) or real(a, b))
    file = module.TokenFile(token_file)
    for token in (TOKENS["rita"], TOKENS["gone"], "wrong"):
        compared.clear()
        file.user_of(module.token_hash(token))
        assert len(compared) == len(TOKENS)


def test_forged_cookies(tokens: Running) -> None:
    cookie = session_of(tokens, "rita")
    name, value = cookie.split("=", 1)
    body, signature = value.split(".")
    forged = [
        "",
        ".",
        "x",
        f"{body}.",
        f"{body}.{'0' * 64}",
        f"{body}x.{signature}",
        f"{body}.{signature[:-1]}",
        encoded(json.dumps(["x", hashlib.sha256(TOKENS["pat"].encode()).hexdigest(), 9999999999]).encode())
        + f".{signature}",
        f"{body}.{signature}.{signature}",
        "\xff.\xff",
    ]
    for each in forged:
        status, _ = tokens.request("GET /api/openapi.json", f"Cookie: {name}={each}")
        assert status == 401, each
    assert tokens.send("GET", "/", {"Cookie": cookie}).status_code == 200


def test_a_cookie_after_logout_and_of_another_server(tokens: Running, shop: Shop, token_file: Any) -> None:
    cookie, origin = session_of(tokens, "pat"), {"Origin": f"http://127.0.0.1:{tokens.port}"}
    assert tokens.send("POST", "/logout", {"Cookie": cookie, **origin}).status_code == 303
    for method, path in (("GET", "/api/openapi.json"), ("POST", ARCHIVE), ("POST", "/logout")):
        assert tokens.send(method, path, {"Cookie": cookie, **origin}).status_code == 401
    mine = session_of(tokens, "pat")
    with serving(shop.workspace, auth={"mode": "token", "tokens": token_file}) as other:
        assert other.send("GET", "/api/openapi.json", {"Cookie": mine}).status_code == 401


def test_a_session_ends_with_its_token(shop: Shop, tmp_path: Any, token_file: Any) -> None:
    file = tmp_path / "tokens"
    file.write_text(token_file.read_text())
    with serving(shop.workspace, auth={"mode": "token", "tokens": file}) as server:
        cookie = session_of(server, "ed")
        assert server.send("GET", "/", {"Cookie": cookie}).status_code == 200
        lines = [line for line in file.read_text().splitlines() if not line.startswith("ed:")]
        file.write_text("\n".join(lines))
        assert server.send("GET", "/api/openapi.json", {"Cookie": cookie}).status_code == 401


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "\\\\evil",
        "/x\r\nSet-Cookie: a=b",
        " //evil.example",
        "",
    ],
)
def test_open_redirect(tokens: Running, to: str) -> None:
    answer = tokens.send("POST", "/login", data={"token": TOKENS["rita"], "next": to})
    tokens.client.cookies.clear()
    assert answer.headers["location"] == "/"
    assert len(answer.headers.get_list("set-cookie")) == 1
    page = tokens.client.get("/login", params={"next": to})
    assert 'name="next" value="/"' in page.text


def test_a_reader_changes_nothing(tokens: Running) -> None:
    bearer = {"Authorization": f"Bearer {TOKENS['rita']}"}
    for path in ("archive", "edit", "clone", "delete", "activate", "disable", "materialize", "restore"):
        answer = tokens.send("POST", f"/datasets/people/{path}", bearer, data={"name": "x"})
        assert answer.status_code in {403, 404, 405, 422}
    etag = tokens.send("GET", "/api/datasets/people/", bearer).headers["etag"]
    for method in ("PUT", "DELETE"):
        answer = tokens.send(method, "/api/datasets/people/", bearer | {"If-Match": etag}, json={})
        assert answer.status_code in {403, 404, 405, 422}
