"""A real server in a thread, and requests that no client library would send."""

import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from dataset_assets.interfaces.web.server import check, configuration
from dataset_assets.interfaces.web.settings import ServerSettings, server_settings
from dataset_assets.interfaces.workspace import Workspace

SECONDS = 20.0


@dataclass(frozen=True)
class Running:
    """A server at a port of 127.0.0.1. `client` sends what it is told and follows no redirect."""

    port: int
    app: Any
    audit: Path | None
    client: httpx.Client = field(repr=False)

    def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def raw(self, data: bytes, seconds: float = SECONDS) -> bytes:
        """Send bytes as they are, and return all that comes until the server closes or says nothing more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            return received(connection, seconds)

    def request(self, line: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request line and headers as they are, and return the status and the answer."""
        own = (
            []
            if any(each.lower().startswith("host:") for each in headers)
            else [f"Host: 127.0.0.1:{self.port}"]
        )
        head = "\r\n".join([f"{line} HTTP/1.1", *own, *headers, "Connection: close", "", ""])
        answer = self.raw(head.encode("latin-1") + body)
        return (int(answer.split(b" ", 2)[1]) if answer else 0), answer


def received(connection: socket.socket, seconds: float) -> bytes:
    connection.settimeout(seconds)
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except (TimeoutError, ConnectionResetError):
        pass
    return b"".join(parts)


@contextmanager
def serving(workspace: Workspace, **settings: Any) -> Generator[Running]:
    """Run the server that `serve` runs, on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    made: ServerSettings = server_settings(port=port, **settings)
    check(made, workspace)
    config = configuration(made, workspace)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
        try:
            while not server.started:
                assert thread.is_alive()
                thread.join(0.02)
            yield Running(port, config.app, made.audit_log, client)
        finally:
            server.should_exit = True
            thread.join(SECONDS)
            listener.close()
