"""Fixtures: a session of each engine with tables of the test, so that one test runs on all engines."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.adapters.duckdb.engine import DuckDBEngine, DuckDBSession
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.ports.engine import Session
from tests.bigquery.emulator import PROJECT

if TYPE_CHECKING:
    import pytest

ARROW_TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.decimal128(38, 9),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True)
class Bench:
    """`write` runs a statement that changes something; `table` names a table that stays until the end.

    `share`: of the examples that a property has on DuckDB, how many it has here.
    """

    session: Session
    write: Callable[[exp.Expr], object]
    table: Callable[[str], exp.Table]
    share: float
    _numbers: "count[int]" = field(default_factory=count)

    def hold(self, columns: Mapping[str, ColumnType], rows: Iterable[Sequence[Any]]) -> exp.Expr:
        """Load rows as Arrow, as a transfer does (BR-004), and return the FROM item that reads them."""
        values = zip([*zip(*rows, strict=True)] or [()] * len(columns), columns.values(), strict=True)
        arrays = [pa.array(each, ARROW_TYPES[kind]) for each, kind in values]
        batch = pa.RecordBatch.from_arrays(arrays, list(columns))
        reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
        # the model refuses the names of system columns
        declared = [ColumnDef.model_construct(name=name, type=kind) for name, kind in columns.items()]
        return self.session.load_arrow(f"rows_{next(self._numbers)}", declared, reader, lambda *_: None)

    def keep(self, name: str, query: exp.Query) -> None:
        """Create or replace a table with the rows of a query."""
        self.write(exp.Create(this=self.table(name), kind="TABLE", replace=True, expression=query))

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        return self.session.rows(query)

    def examples(self, on_duckdb: int) -> int:
        """Return the number of examples of a property test on this engine, at least one."""
        return max(1, round(on_duckdb * self.share))


@contextmanager
def on_duckdb(_request: "pytest.FixtureRequest | None" = None, threads: int = 1) -> Generator[Bench]:
    """Open an in-memory DuckDB session."""
    engine = DuckDBEngine(DuckDBSettings(type="duckdb"), (), Path())
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        session = DuckDBSession(connection, engine)
        yield Bench(session, session.run, exp.to_table, share=1)
        session.close()


@contextmanager
def on_bigquery(request: "pytest.FixtureRequest") -> Generator[Bench]:
    """Open a session of the BigQuery emulator with a dataset for this test."""
    from dataset_assets.adapters.bigquery.engine import BigQueryEngine  # noqa: PLC0415 - takes seconds

    proxy, dataset = request.getfixturevalue("proxy"), request.getfixturevalue("bigquery_dataset")
    proxy.running = 0  # to poll is tested elsewhere
    settings = BigQueryEngineSettings(
        type="bigquery",
        project=PROJECT,
        api_endpoint=proxy.rest,
        storage_endpoint=proxy.storage,
        patience=60,
    )
    with BigQueryEngine(settings, settings.open_connection(), (PROJECT, dataset)).connect() as session:

        def table(name: str) -> exp.Table:
            return exp.table_(name, dataset, PROJECT, quoted=True)

        yield Bench(session, lambda statement: session.write([statement], "test"), table, share=0.1)


BENCHES = {"duckdb": on_duckdb, "bigquery": on_bigquery}
