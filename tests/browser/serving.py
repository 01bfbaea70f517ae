"""A real project in a temporary folder, and a real server for it on a loopback port."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dataset_assets.interfaces.cli.init_project import write_project

BIN = Path(sys.executable).parent
_OWN = ("DAGSTER", "DATASET_ASSETS", "PYTHONPATH", "PYTEST")


@dataclass(frozen=True)
class Shop:
    """A project as `init` writes it; its programs run in its folder, with nothing else in the environment."""

    root: Path

    @property
    def env(self) -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith(_OWN)}

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [BIN / "dataset-assets", *arguments],
            cwd=self.root, env=self.env, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def file(self, stem: str) -> Path:
        return self.root / "definitions" / "datasets" / f"{stem}.yaml"


def new_shop(folder: Path) -> Shop:
    """Write a project whose dataset `order_lines` is published for one month."""
    root = folder / "my-shop"
    write_project(root)
    shop = Shop(root)
    shop.run("materialize", "order_lines", "--partition", "2026-03")
    return shop


@contextmanager
def served(
    shop: Shop, *options: str, env: dict[str, str] | None = None, port: int | None = None
) -> Generator[str]:
    """Run `dataset-assets serve` in a project's folder; yield the address of its pages."""
    port = port or free_port()
    command = [str(BIN / "dataset-assets"), "serve", "--port", str(port), *options]
    address = f"http://127.0.0.1:{port}"
    with running(command, shop, env or {}, shop.root / "serve.log") as process:
        wait_until_answers(address, process, shop.root / "serve.log")
        yield address


@contextmanager
def running(
    command: list[str], shop: Shop, env: dict[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program with its children in a group of its own, which ends with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=shop.root, env=shop.env | env, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_answers(
    address: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60
) -> None:
    """Wait until a server answers, whatever the status."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(address, timeout=30)
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    """Return a port that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copied(shop: Shop, folder: Path) -> Shop:
    """Return a copy of a project, so that a test can change everything in it."""
    shutil.copytree(shop.root, folder / "my-shop")
    return Shop(folder / "my-shop")
