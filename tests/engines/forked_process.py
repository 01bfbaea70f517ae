"""Processes that tests kill. They are forked after all imports, so that a kill interrupts the work itself."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

PATIENCE = 120
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *(
            f"dataset_assets.adapters.bigquery.{each}"
            for each in ("clients", "publications", "session", "warehouse")
        ),
        "dataset_assets.adapters.delta.warehouse",
        "tests.publishing.shop",
    ]
)


@dataclass
class Fork:
    """A process that reports its progress."""

    process: BaseProcess
    _told: Connection

    @classmethod
    def begun(cls, work: Callable[..., None], *asked: Any) -> Self:
        """`work(tell, *asked)` has begun when this returns."""
        told, teller = _FORKS.Pipe(duplex=False)
        process = _FORKS.Process(target=_run, args=(teller, work, *asked))
        process.start()
        teller.close()
        assert told.recv() is None
        return cls(process, told)

    def told(self) -> Any:
        """Wait for the next report and return it."""
        return self._told.recv()

    def kill(self) -> list[Any]:
        """Send SIGKILL and return all reports until then."""
        self.process.kill()
        self.process.join(PATIENCE)
        return self._heard()

    def result(self) -> list[Any]:
        """Wait for the end and return all reports."""
        found = self._heard()
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0
        return found

    def _heard(self) -> list[Any]:
        found = []
        try:
            while True:
                found.append(self._told.recv())
        except EOFError:
            return found


def _run(teller: Connection, work: Callable[..., None], *asked: Any) -> None:
    teller.send(None)
    work(teller.send, *asked)
