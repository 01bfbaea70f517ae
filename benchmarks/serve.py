"""200 list requests a second over 1,000 datasets, beside a handler of the same server that does nothing."""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.load import FILES, write_datasets
from benchmarks.measure import PROJECT, Report

RATE = 200
"""Requests a second; each is sent at its time, whether or not the ones before were answered."""
CONNECTIONS = 32
"""Connections that are open at once; each waits for its answer before it sends again."""
SECONDS = int(os.environ.get("DATASET_ASSETS_SECONDS", "20"))
"""How long each address is asked. `3600` shows that memory stays as it is."""
PATHS = {
    "nothing": "/api/nothing/",
    "list, 50 of 1,000 datasets": "/api/datasets/?limit=50",
    "list, searched": "/api/datasets/?limit=50&q=42",
    "page with the list": "/",
}
"""The addresses that are requested; the first is the baseline."""
TARGET = """\
target:
  engine: {type: duckdb}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: tables
  resolvers:
    tables: {type: parquet, root: ./tables}
"""


@dataclass(frozen=True)
class Load:
    """The times of the answers to one address, in milliseconds."""

    times: Sequence[float]
    failed: int

    @property
    def row(self) -> Report:
        """The line of the table."""
        cuts = statistics.quantiles(self.times, n=100)
        shown = {f"p{part}_ms": round(cuts[part - 1], 1) for part in (50, 95, 99)}
        return {**shown, "requests": len(self.times), "failed": self.failed}


def main(_repeats: int) -> Report:
    """Start a server over 1,000 files, ask each address for a while, and look at the server's memory."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        root = Path(folder)
        definitions = root / "definitions"
        definitions.mkdir()
        write_datasets(definitions)
        (root / "local.yaml").write_text(TARGET, encoding="utf-8")
        (root / "tables").mkdir()
        with _server(root, definitions) as (address, process):
            with httpx.Client(base_url=address, timeout=120) as client:
                for path in list(PATHS.values())[1:]:
                    assert client.get(path).status_code == 200, path
            before = _resident(process.pid)
            loads = {name: asyncio.run(_ask(address, path)) for name, path in PATHS.items()}
            after = _resident(process.pid)
    base = statistics.median(loads["nothing"].times)
    rows = {
        name: {**load.row, "p50_ratio": round(statistics.median(load.times) / base, 1)}
        for name, load in loads.items()
    }
    memory = {"before": before, "after": after}
    return {"table": rows, "datasets": FILES, "requests_per_second": RATE, "memory_mb": memory}


@contextmanager
def _server(root: Path, definitions: Path) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "DATASET_ASSETS_DEFINITIONS": str(definitions),
        "DATASET_ASSETS_TARGET": str(root / "local.yaml"),
    }
    command = [sys.executable, "-m", "benchmarks.serve", str(port)]
    with subprocess.Popen(command, cwd=PROJECT, env=env) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            yield address, process
        finally:
            process.terminate()


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/api/nothing/", timeout=5)
        except httpx.TransportError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)
        else:
            return


async def _ask(address: str, path: str) -> Load:
    """Send RATE requests a second for SECONDS, on time, and measure each from its time to its last byte.

    The requests are written to sockets as they are: a client library takes more CPU than the server has left.
    """
    port = int(address.rpartition(":")[2])
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    numbers = iter(range(RATE * SECONDS))
    times: list[float] = []
    failed = 0
    begun = time.perf_counter()

    async def connection() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            due = begun + number / RATE
            await asyncio.sleep(max(0, due - time.perf_counter()))
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(int(length.partition(b":")[2]))
            times.append((time.perf_counter() - due) * 1e3)
            failed += not answer.startswith(b"HTTP/1.1 200")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return Load(times, failed)


def _resident(pid: int) -> int:
    """Return the resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def serve(port: int) -> None:
    """Run in the server's process: the real application, and one handler that does nothing."""
    import uvicorn  # noqa: PLC0415 - of this process alone

    from dataset_assets.interfaces.web.app import create_app  # noqa: PLC0415
    from dataset_assets.interfaces.web.settings import ServerSettings  # noqa: PLC0415
    from dataset_assets.interfaces.workspace import Workspace  # noqa: PLC0415

    app = create_app(ServerSettings(port=port), Workspace.of())

    @app.get("/api/nothing/")
    def nothing() -> dict[str, str]:
        return {"status": "success"}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
