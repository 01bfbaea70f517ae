"""Publications in processes of their own, which tests kill.

They are forked from one that has everything imported: a kill hits the work, not Python's start.
"""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Self

from dataset_assets.errors import DatasetAssetsError
from tests.materialize.shop import Shop

PATIENCE = 120
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *(f"resources.bigquery.{each}" for each in ("clients", "published", "session", "warehouse")),
        "resources.delta_warehouse",
        "tests.materialize.shop",
    ]
)


@dataclass
class Apart:
    """A process that publishes Periods of a shop one after the other, as a run that begins now."""

    process: BaseProcess
    told: Connection

    @classmethod
    def begun(cls, shop: Shop, *periods: str) -> Self:
        """It has begun when this returns."""
        told, teller = _FORKS.Pipe(duplex=False)
        process = _FORKS.Process(target=_publish, args=(teller, shop, periods))
        process.start()
        teller.close()
        assert told.recv() is None
        return cls(process, told)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.join(PATIENCE)

    def result(self) -> list[str | DatasetAssetsError]:
        """The Periods that it published, and the error that ended it."""
        found = []
        while (each := self.told.recv()) is not None:
            found.append(each)
        self.process.join(PATIENCE)
        return found


def _publish(teller: Connection, shop: Shop, periods: Sequence[str]) -> None:
    teller.send(None)
    try:
        for period in periods:
            shop.publish(period, now=datetime.now(UTC))
            teller.send(period)
    except DatasetAssetsError as error:
        teller.send(error)
    teller.send(None)
