"""A program that publishes goods to BigQuery with every kind of request that `materialize` sends.

Run as a program (`SETTINGS PRICE [dagster]`) it publishes once, for tests that kill or interrupt it.
"""

import json
import signal
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp, parse_one

from dataset_assets.adapters.bigquery.engine import BigQueryEngine
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.adapters.bigquery.warehouse import BigQueryWarehouse
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.warehouse import PublishedColumn
from tests.bigquery.emulator import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from dataset_assets.adapters.bigquery.session import BigQuerySession
    from dataset_assets.ports.warehouse import Claim, Publication

STEM, PERIOD = "goods", "2024-02"
ROWS = 20
COLUMNS = (
    PublishedColumn("item", ColumnType.INTEGER, nullable=False, description="What is sold"),
    PublishedColumn("price", ColumnType.INTEGER, nullable=False),
)
_SYSTEM = {
    "_row_id": "CONCAT('{run}-', CAST(item AS STRING))",
    "_created_by_run_id": "'{run}'",
    "_created_at": "TIMESTAMP '2026-01-01 00:00:00+00:00'",
    "_updated_at": "TIMESTAMP '2026-01-01 00:00:00+00:00'",
    "_period": "{period}",
    "_deleted": "FALSE",
    "_labels": "ARRAY<STRUCT<key STRING, value STRING>>[]",
}


@dataclass(frozen=True)
class GoodsPublisher:
    """A warehouse at an address. `patience` is the target's setting, in seconds."""

    rest: str
    storage: str
    dataset: str
    patience: int = 4

    @property
    def warehouse(self) -> BigQueryWarehouse:
        return BigQueryWarehouse(PROJECT, self.dataset)

    @contextmanager
    def session(
        self, run: str, period: str | None = PERIOD, attempt: int = 0
    ) -> "Generator[BigQuerySession]":
        settings = BigQueryEngineSettings(
            type="bigquery",
            project=PROJECT,
            api_endpoint=self.rest,
            storage_endpoint=self.storage,
            patience=self.patience,
        )
        engine = BigQueryEngine(settings, settings.open_connection(), (PROJECT, self.dataset))
        with engine.connect(JobContext(STEM, period, 1, run, attempt)) as session:
            yield session

    def publish(
        self, price: int, run: str = "", period: str | None = PERIOD, attempt: int = 0, *, moves: bool = True
    ) -> int:
        """Publish ROWS goods at this price, and return the table's version."""
        run = run or str(uuid.uuid4())
        with self.session(run, period, attempt) as session:
            claim = self.warehouse.claim(STEM, period, run, session)
            before = self.warehouse.current(STEM, period, session)
            return self.publish_claimed(claim, before, price, session, moves=moves)

    def publish_claimed(
        self,
        claim: "Claim",
        before: "Publication | None",
        price: int,
        session: "BigQuerySession",
        *,
        moves: bool = False,
        then: "Callable[[], object] | None" = None,
    ) -> int:
        """Stage and publish after the claim. `then` is called once the rows are staged; it may raise."""
        items = transferred_items(session) if moves else "UNNEST(GENERATE_ARRAY(1, {ROWS})) AS item"
        query = rows_query(items.format(ROWS=ROWS), price, claim.run_id, claim.period)
        session.estimate(query)
        warehouse = self.warehouse
        staged = warehouse.stage(claim, query, session)
        if then:
            then()
        try:
            counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(
                staged.relation.source.copy()
            )
            assert session.rows(counted) == [{"n": ROWS}]
            record = record_of(claim, before)
            return warehouse.publish(claim, staged, COLUMNS, record, session)
        except BaseException:
            warehouse.discard(claim, staged, session)
            warehouse.confirm(claim, session)
            raise


def rows_query(items: str, price: int, run: str, period: str | None) -> exp.Query:
    """Return a query of a publication's rows with all system columns."""
    named = {"run": run, "period": f"'{period}'" if period else "CAST(NULL AS STRING)"}
    system = (
        f"{_SYSTEM.get(c.name, chr(39) + 'x' + chr(39)).format(**named)} AS {c.name}" for c in SYSTEM_COLUMNS
    )
    text = f"SELECT item, {price} AS price, {', '.join(system)} FROM {items}"
    found = parse_one(text, dialect="bigquery")
    assert isinstance(found, exp.Query)
    return found


def transferred_items(session: "BigQuerySession") -> str:
    """Transfer the item numbers from Arrow by a load job, and return the table that holds them."""
    batch = pa.RecordBatch.from_pydict({"item": pa.array(range(1, ROWS + 1), pa.int64())})
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
    declared = [ColumnDef(name="item", type="integer")]
    place = session.load_arrow("items", declared, reader, lambda _rows, _size: None)
    return session.render(place)


def record_of(claim: "Claim", before: "Publication | None") -> dict[str, Any]:
    return {
        "run": claim.run_id,
        "replaces": before.version if before else None,
        "counts": {"rows": ROWS},
        "period_start": f"{claim.period}-01" if claim.period else None,
        "definition": {"description": "All goods"},
    }


def within_dagster(publish: "Callable[[], int]") -> None:
    """Call `publish` in the op of a Dagster run."""
    import dagster as dg  # noqa: PLC0415 - takes a second

    @dg.asset
    def goods() -> None:
        publish()

    dg.materialize([goods])


if __name__ == "__main__":
    # A program that was started in the background of a shell ignores it, and so would this one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings, price_, *how = sys.argv[1:]
    publisher = GoodsPublisher(**json.loads(settings))
    try:
        if how == ["dagster"]:
            within_dagster(lambda: publisher.publish(int(price_)))
        else:
            publisher.publish(int(price_))
    except DatasetAssetsError as error:
        sys.exit(str(error))
