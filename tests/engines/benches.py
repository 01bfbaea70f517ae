"""A session of each engine with tables of the test's own in it: what holds on one engine holds on all."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
import pyarrow as pa
from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from resources.bigquery.settings import BigQueryEngineSettings
from resources.duckdb_engine import DuckDBEngine, DuckDBSession
from resources.target_settings import DuckDBSettings
from tests.bigquery.emulator import PROJECT

if TYPE_CHECKING:
    import pytest

    from dataset_assets.ports import Session
    from resources.bigquery.session import BigQuerySession
    from tests.bigquery.proxy import StrictProxy

ARROW_TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.decimal128(38, 9),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


@dataclass
class Bench(ABC):
    """`share`: of the examples that a property has on DuckDB, how many it has here."""

    session: "Session"
    share: ClassVar[float]
    _made: "count[int]" = field(default_factory=count)

    def hold(self, columns: Mapping[str, ColumnType], rows: Iterable[Sequence[Any]]) -> exp.Expr:
        """What stands in FROM for these rows: they get here as rows of another engine do (BR-004)."""
        values = [*zip(*rows, strict=True)] or [()] * len(columns)
        arrays = [pa.array(each, ARROW_TYPES[kind]) for each, kind in zip(values, columns.values(), strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, list(columns))
        declared = [ColumnDef(name=name, type=kind.value) for name, kind in columns.items()]
        reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
        return self.session.receive(f"rows_{next(self._made)}", declared, reader)

    def keep(self, name: str, query: exp.Query) -> None:
        """(Re)makes a table of a query's rows."""
        self.write(exp.Create(this=self.table(name), kind="TABLE", replace=True, expression=query))

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        return self.session.rows(query)

    def examples(self, on_duckdb: int) -> int:
        """Of a property, at most."""
        return max(1, round(on_duckdb * self.share))

    @abstractmethod
    def table(self, name: str) -> exp.Table:
        """One that `keep` makes."""

    @abstractmethod
    def write(self, statement: exp.Expr) -> None:
        """Runs a statement that changes something."""


class DuckDBBench(Bench):
    session: DuckDBSession
    share = 1

    def table(self, name: str) -> exp.Table:
        return exp.to_table(name)

    def write(self, statement: exp.Expr) -> None:
        self.session.run(statement)


@dataclass
class BigQueryBench(Bench):
    session: "BigQuerySession"
    scratch: tuple[str, str] = ("", "")
    share = 0.15

    def table(self, name: str) -> exp.Table:
        return exp.table_(name, *reversed(self.scratch), quoted=True)

    def write(self, statement: exp.Expr) -> None:
        self.session.write([statement], "test")


@contextmanager
def on_duckdb(_request: "pytest.FixtureRequest | None" = None, threads: int = 1) -> Generator[DuckDBBench]:
    """In memory."""
    engine = DuckDBEngine(DuckDBSettings(type="duckdb"), (), Path())
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        session = DuckDBSession(connection, engine)
        yield DuckDBBench(session)
        session.close()


@contextmanager
def on_bigquery(request: "pytest.FixtureRequest") -> Generator[BigQueryBench]:
    """Over the wire, in a BigQuery dataset that is there for one test."""
    from resources.bigquery.engine import BigQueryEngine  # noqa: PLC0415 - takes seconds

    proxy: StrictProxy = request.getfixturevalue("proxy")
    proxy.running = 0  # to poll is tested elsewhere
    scratch = (PROJECT, request.getfixturevalue("bigquery_dataset"))
    settings = BigQueryEngineSettings(
        type="bigquery",
        project=PROJECT,
        api_endpoint=proxy.rest,
        storage_endpoint=proxy.storage,
        patience=5,
    )
    with BigQueryEngine(settings, settings.open_connection(), scratch).connect() as session:
        yield BigQueryBench(session, scratch=scratch)


BENCHES = {"duckdb": on_duckdb, "bigquery": on_bigquery}
