"""Publish goods through the strict proxy, and check the tables and jobs afterwards."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bigquery.emulator import PATIENCE, PROJECT, Emulator, once
from tests.bigquery.goods_publisher import PERIOD, ROWS, STEM, GoodsPublisher
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.wire import Request

CHANGING = ("claim", "move", "stage", "publish")
"""The steps of a publication whose jobs change something; all other jobs have the step `read`."""


@dataclass
class PublishingScenario:
    """A warehouse behind the proxy. `publication_counts` counts the publications of each Period so far."""

    emulator: Emulator
    proxy: StrictProxy
    dataset: str
    publication_counts: Counter[str] = field(default_factory=Counter)

    @property
    def publisher(self) -> GoodsPublisher:
        return GoodsPublisher(self.proxy.rest, self.proxy.storage, self.dataset)

    def publish(self, period: str = PERIOD, run: str = "", *, moves: bool = False) -> None:
        """Publish once and check that exactly one publication was added."""
        price = sum(self.publication_counts.values())
        self.publisher.publish(price, run, period, moves=moves)
        self.publication_counts[period] += 1
        self.assert_whole(period, price)

    def rows(self, query: str) -> list[dict]:
        return self.emulator.rows(query.format(d=self.dataset))

    def published(self, period: str = PERIOD) -> list[str]:
        """Return the ids of the runs that published, in order."""
        found = self.rows(
            f"SELECT run_id FROM {{d}}._publications WHERE period = '{period}' ORDER BY version"
        )
        return [row["run_id"] for row in found]

    @property
    def temporary_tables(self) -> list[str]:
        """Return the temporary tables that were not removed."""
        client = self.emulator.client()
        tables = client.list_tables(f"{PROJECT}.{self.dataset}", retry=once(), timeout=PATIENCE)
        return [each.table_id for each in tables if each.table_id.startswith(("_staged", "_moved"))]

    def assert_whole(self, period: str, price: int) -> None:
        """Check that the table has the rows of one publication once, and that no temporary table is left."""
        found = "COUNT(*) AS n, COUNT(DISTINCT _row_id) AS ids, MIN(price) AS low, MAX(price) AS high"
        run = "MIN(_created_by_run_id) AS run"
        (row,) = self.rows(f"SELECT {found}, {run} FROM {{d}}.{STEM} WHERE _period = '{period}'")
        assert (row["n"], row["ids"], row["low"], row["high"]) == (ROWS, ROWS, price, price)
        runs = self.published(period)
        assert len(runs) == len(set(runs)) == self.publication_counts[period]
        assert runs[-1] == row["run"]
        assert self.temporary_tables == []

    def assert_done_once(self) -> None:
        """Check that each writing job of each run succeeded exactly once, whatever its attempts."""
        done = [job["configuration"]["labels"] for job in self.proxy.jobs if not error_of(job)]
        times = Counter((each["run"], each["step"]) for each in done if each["step"] in CHANGING)
        assert set(times.values()) == {1}, times


def error_of(job: dict) -> dict:
    return job["status"].get("errorResult", {})


def insert_of(step: str) -> Callable[[Request], bool]:
    return lambda request: request.place == "insert" and request.labels.get("step") == step


def request_for(place: str, step: str) -> Callable[[Request], bool]:
    """Match the requests of this kind for a job of a step."""
    return lambda request: request.place == place and f"{step}-" in request.job_id
