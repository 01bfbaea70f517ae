"""Attacks by what is sent: addresses, headers, bodies, nothing. None may succeed or change a file."""

import socket
import time
from contextlib import ExitStack, suppress

import pytest

from dataset_assets.interfaces.web import connections
from dataset_assets.interfaces.web.access import bodies
from tests.web.access.running_server import Running, received, serving
from tests.web.access.shop import Shop

pytestmark = pytest.mark.usefixtures("unchanged")
ARCHIVE = "/datasets/people/archive"


PATHS = [
    "/static/../app.py",
    "/static/..%2fapp.py",
    "/static/%2e%2e/app.py",
    "/static/%2e%2e%2fapp.py",
    "/static/....//app.py",
    "/static/..%5capp.py",
    "/static/..\\app.py",
    "/static//etc/passwd",
    "/static/%2fetc/passwd",
    "/static/style.css%00.png",
    "/api/datasets/..%2f..%2fusers/",
    "/api/datasets/../../users.yaml/",
    "/api/datasets/%00/",
    "/api/datasets/people%00/",
    "/api/datasets/people%0d%0aX:%20y/",
    "/datasets/..%2f..%2fusers",
    "/datasets/%252e%252e%252fusers",
    "/datasets/people.yaml",
    "/datasets/.people.yaml.guard",
    "/datasets/people.lock",
    "/api/tables/..%2f..%2flocal.yaml/",
    "/api/tables/%2e%2e/",
    "/api/tables/people;drop/",
    "/./",
    "/.git/config",
    "/api/tables/people%22%3B%20drop%20table%20x/",
    "/%e2%80%ae",
    "/\x01",
    "/datasets/\u202epeople",
]


@pytest.mark.parametrize("path", PATHS)
def test_path_tricks(local: Running, path: str) -> None:
    line = f"GET {path}".encode().decode("latin-1")
    status, answer = local.request(line)
    assert status in {400, 404, 422}
    for secret in (b"create_app", b"root:", b"rita@example.com", b"Traceback"):
        assert secret not in answer


SMUGGLED = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n",
    "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "other chunks": b"Transfer-Encoding: xchunked\r\n",
    "a length with a sign": b"Content-Length: +4\r\n",
    "a length of hexadecimal": b"Content-Length: 0x4\r\n",
    "a space before the colon": b"Content-Length : 4\r\n",
    "a line that goes on": b"X-A: b\r\n c: d\r\n",
    "a line feed alone": b"X-A: b\nTransfer-Encoding: chunked\r\n",
    "a zero byte": b"X-A: \x00\r\n",
    "a header of megabytes": b"X-A: " + b"a" * 2_000_000 + b"\r\n",
    "headers without end": b"X-A: b\r\n" * 50_000,
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_request_smuggling(local: Running, name: str) -> None:
    head = f"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1:{local.port}\r\nConnection: close\r\n".encode()
    hidden = f"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{local.port}\r\n\r\n".encode()
    try:
        answer = local.raw(head + SMUGGLED[name] + b"\r\n0\r\n\r\n" + hidden, 3)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    assert b"openapi" not in answer
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_header_injection(local: Running, tokens: Running) -> None:
    for server in (local, tokens):
        for text in ("%0d%0aSet-Cookie:%20a=b", "%0aX-Evil:%201", "%E5%98%8D%E5%98%8ASet-Cookie:a"):
            for path in (f"/?q={text}", f"/login?next=/{text}", f"/datasets/{text}", f"/new?w={text}"):
                _, answer = server.request(f"GET {path}")
                head = answer.split(b"\r\n\r\n")[0].lower()
                assert b"\r\nset-cookie: a" not in head
                assert b"\nx-evil" not in head


def test_large_bodies(local: Running) -> None:
    large = b"x" * (bodies.MOST_BYTES + 1)
    assert local.send("POST", ARCHIVE, content=large).status_code == 413
    assert local.send("GET", "/healthz", content=large).status_code == 413
    chunks = iter([b"x" * 65536] * 20)
    assert local.send("POST", "/login", content=chunks).status_code == 413
    status, _ = local.request(f"POST {ARCHIVE}", "Content-Length: 99999999999999999999")
    assert status in {400, 413}


def test_json_that_means_two_things(local: Running) -> None:
    headers = {"Content-Type": "application/json", "If-Match": '"x"'}
    for body in (b'{"a": 1, "a": 2}', b'{"x": {"b": 1, "b": 1}}', b"[" * 100_000, b'{"a":' * 100_000):
        answer = local.send("PUT", "/api/datasets/people/", headers, content=body)
        assert answer.status_code == 422
    for body in (b"\xff\xfe", b"{", b"NaN", b'{"a": 1e999999}', b'"\\ud800"', b"null", b""):
        assert local.send("PUT", "/api/datasets/people/", headers, content=body).status_code in {
            400,
            405,
            422,
        }


def test_slow_clients(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.6)
    monkeypatch.setattr(bodies, "SECONDS", 0.6)
    with ExitStack() as stack:
        server = stack.enter_context(serving(shop.workspace))
        host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
        silent = [_connected(stack, server) for _ in range(20)]
        drip, body, again = (_connected(stack, server) for _ in range(3))
        body.sendall(b"POST /login HTTP/1.1\r\n" + host + b"Content-Length: 100\r\n\r\nx")
        again.sendall(b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n")
        assert b"200 OK" in again.recv(4096)
        for _ in range(15):
            for slow in (drip, again):
                with suppress(OSError):
                    slow.sendall(b"G")
            time.sleep(0.1)
        assert b"408" in received(body, 2).split(b"\r\n")[0]
        assert [received(each, 2) for each in (*silent, drip)] == [b""] * 21
        assert server.get("/healthz").status_code == 200


def _connected(stack: ExitStack, server: Running) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))


def test_more_connections_than_are_served(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataset_assets.interfaces.web.server.MOST_CONNECTIONS", 10)
    with serving(shop.workspace) as server, ExitStack() as stack:
        _held = [_connected(stack, server) for _ in range(20)]
        time.sleep(0.2)
        assert server.get("/healthz").status_code == 503


def test_etag_tricks(local: Running) -> None:
    for tag in ('"*"', '"x", "y"', 'W/"x"', '""', "x" * 5000):
        for method in ("PUT", "DELETE"):
            answer = local.send(method, "/api/datasets/people/", {"If-Match": tag}, json={})
            assert answer.status_code in {400, 404, 405, 409, 412, 422}
    etag = local.get("/api/datasets/people/").headers["etag"]
    twice = (f"If-Match: {etag}", 'If-Match: "x"', "Content-Length: 0")
    assert local.request("DELETE /api/datasets/people/", *twice)[0] == 400
    assert local.get("/static/style.css", If_None_Match="*").status_code == 304


def test_websockets_and_other_protocols(local: Running) -> None:
    upgrade = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: eA==",
    )
    assert local.request("GET /", *upgrade)[0] in {200, 400, 403, 426}
    assert not local.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 2).startswith(b"HTTP/1.1 2")
    assert local.raw(b"\x16\x03\x01\x00\xa5\x01\x00\x00", 1)[:12] in {b"", b"HTTP/1.1 400"}
    assert local.request("TRACE /", "Cookie: a=b")[0] == 405
