"""Attacks by other sites and under other names. None may succeed or change a file."""

from collections.abc import Mapping

import pytest

from tests.web.access.conftest import session_of
from tests.web.access.running_server import Running

pytestmark = pytest.mark.usefixtures("unchanged")
ARCHIVE = "/datasets/people/archive"


# Other sites (CSRF, reading across sites, framing)

FOREIGN: Mapping[str, Mapping[str, str]] = {
    "a form of another site": {"Origin": "https://evil.example"},
    "a form in a sandboxed frame": {"Origin": "null"},
    "a form of another port of this machine": {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-site"},
    "another scheme of this host": {"Origin": "https://127.0.0.1:{port}"},
    "a host that begins like ours": {"Origin": "http://127.0.0.1:{port}.evil.example"},
    "credentials before the host": {"Origin": "http://127.0.0.1:{port}@evil.example"},
    "a browser that says cross-site alone": {"Sec-Fetch-Site": "cross-site"},
    "an origin of ours beside cross-site": {
        "Origin": "http://127.0.0.1:{port}",
        "Sec-Fetch-Site": "cross-site",
    },
    "a site that calls itself twice": {"Origin": "http://127.0.0.1:{port} https://evil.example"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("path", [ARCHIVE, "/api/datasets/people/archive/", "/login"])
def test_csrf(local: Running, tokens: Running, headers: Mapping[str, str], path: str) -> None:
    for server in (local, tokens):
        sent = {name: value.format(port=server.port) for name, value in headers.items()}
        if server is tokens and path != "/login":
            sent["Cookie"] = session_of(tokens, "pat")
        for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
            answer = server.send("POST", path, sent | {"Content-Type": kind}, content=b"{}")
            assert answer.status_code == 403


def test_csrf_of_a_browser_that_says_nothing(tokens: Running) -> None:
    answer = tokens.send("POST", ARCHIVE, {"Cookie": session_of(tokens, "pat")})
    assert answer.status_code == 403


def test_csrf_by_delete_and_by_a_preflight(local: Running) -> None:
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    assert local.send("DELETE", "/api/datasets/people/", evil).status_code == 403
    answer = local.send("OPTIONS", "/api/datasets/people/", evil)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_reading_from_another_site(local: Running) -> None:
    for mode, dest in (
        ("no-cors", "script"),
        ("cors", "empty"),
        ("navigate", "iframe"),
        ("no-cors", "image"),
    ):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert local.send("GET", "/", headers).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert local.send("GET", "/", link).status_code == 200


def test_method_override(local: Running) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert local.send("GET", "/api/datasets/people/", {name: "DELETE"}).status_code == 200
    assert (
        local.send("POST", "/", {"X-HTTP-Method-Override": "GET"}, data={"_method": "GET"}).status_code == 405
    )


# Names of the server (DNS rebinding)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1:1",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:{port}@evil.example",
        "2130706433:{port}",
        "0.0.0.0:{port}",
        "[::ffff:7f00:1]:{port}",
        "127.0.0.1:",
        "localhost",
        "127.0.0.1:{port}:{port}",
        "l\u043ecalhost:{port}",
    ],
)
def test_dns_rebinding(local: Running, host: str) -> None:
    sent = host.format(port=local.port).encode("utf-8").decode("latin-1")
    status, answer = local.request("GET /", f"Host: {sent}")
    assert status in {400, 421}
    assert b"people" not in answer


def test_hosts_in_other_places(local: Running) -> None:
    for line in (
        "GET http://evil.example/",
        "GET //evil.example/",
        "GET evil.example",
        "CONNECT evil.example:80",
    ):
        assert local.request(line)[0] in {400, 404, 405}
    assert local.request("GET /", "Host: evil.example", "X-Forwarded-Host: localhost")[0] == 421
    assert local.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").split()[1] == b"400"
    assert local.raw(b"GET / HTTP/1.0\r\n\r\n").split()[1] == b"400"
    two = (f"Host: 127.0.0.1:{local.port}", "Host: evil.example")
    assert local.request("GET /", *two)[0] == 400
