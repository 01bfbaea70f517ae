"""Fixtures of warehouses: one of each kind, and small publications in it."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp, parse_one

from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.adapters.duckdb.engine import DuckDBEngine
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Claim, PublishedColumn, Staged, Warehouse
from tests.bigquery.emulator import PATIENCE, PROJECT, Emulator, once

if TYPE_CHECKING:
    import pytest

A = PublishedColumn("a", ColumnType.INTEGER, True, "first")
B = PublishedColumn("b", ColumnType.STRING, True)
ONE = "SELECT 1::BIGINT AS a"
TWO = "SELECT 10::BIGINT AS a UNION ALL SELECT 11::BIGINT AS a"


def published(sql: str, period: str | None) -> exp.Query:
    """Return the rows of `sql` with all system columns, like a compiled query."""
    values = {
        "_row_id": "uuid()::VARCHAR",
        "_period": f"'{period}'" if period else "CAST(NULL AS VARCHAR)",
        "_created_at": "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
        "_updated_at": "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
        "_deleted": "FALSE",
        "_labels": "[{'key': 'k', 'value': 'v'}]",
    }
    system = ", ".join(f"{values.get(c.name, chr(39) + 'x' + chr(39))} AS {c.name}" for c in SYSTEM_COLUMNS)
    found = parse_one(f"SELECT *, {system} FROM ({sql}) AS own", dialect="duckdb")
    assert isinstance(found, exp.Query)
    return found


@dataclass(frozen=True)
class OpenWarehouse:
    """A warehouse with an open session, for the dataset `sales`. Each publication is by a new run."""

    warehouse: Warehouse
    session: Session
    _runs: "count[int]" = field(default_factory=count)

    def claim(self, period: str | None = "2026-01", run: str | None = None) -> Claim:
        return self.warehouse.claim("sales", period, run or f"run-{next(self._runs)}", self.session)

    def stage(self, claim: Claim, rows: str = ONE) -> Staged:
        return self.warehouse.stage(claim, published(rows, claim.period), self.session)

    def finish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn] = (A,),
        record: Mapping[str, Any] | None = None,
    ) -> int:
        """Publish staged rows. `record` adds keys to the record of every publication."""
        complete_record = {"definition": {}, "counts": {"rows": staged.relation.row_count}, **(record or {})}
        return self.warehouse.publish(claim, staged, columns, complete_record, self.session)

    def publish(self, rows: str, period: str | None = "2026-01", *extra: Any, run: str | None = None) -> int:
        """Claim, stage and publish. The record is extended as in `finish`."""
        claim = self.claim(period, run)
        staged = self.stage(claim, rows)
        try:
            return self.finish(claim, staged, *extra)
        except BaseException:
            self.warehouse.discard(claim, staged, self.session)
            raise

    def rows(self, relation: Relation) -> list[dict[str, Any]]:
        return self.session.rows(exp.select("*").from_(relation.source.copy()))

    def current(self, period: str | None = "2026-01", version: int | None = None) -> Relation | None:
        found = self.warehouse.current("sales", period, self.session, version)
        return found.relation if found else None

    def values(
        self, period: str | None = "2026-01", version: int | None = None, name: str = "a"
    ) -> list[Any] | None:
        """Return a column's sorted values in a publication; None if there is no publication."""
        found = self.current(period, version)
        return None if found is None else sorted((row[name] for row in self.rows(found)), key=str)


class WarehouseLocation(ABC):
    """The place of a warehouse, which this process and others can open."""

    @abstractmethod
    @contextmanager
    def open(self) -> Generator[OpenWarehouse]:
        """Open the warehouse with a new session."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Return what was written and will not be published."""


@dataclass(frozen=True)
class DeltaLocation(WarehouseLocation):
    root: Path

    @contextmanager
    def open(self) -> Generator[OpenWarehouse]:
        settings = DuckDBSettings(type="duckdb", memory_limit="1GB", threads=2)
        with DuckDBEngine(settings, (self.root,), self.root / "spill").connect() as session:
            yield OpenWarehouse(DeltaWarehouse(self.root), session)

    def leftovers(self) -> list[str]:
        return [str(path) for path in self.root.rglob("*.parquet") if "_staging" in path.parts]


@dataclass(frozen=True)
class BigQueryLocation(WarehouseLocation):
    rest: str
    storage: str
    dataset: str

    @contextmanager
    def open(self) -> Generator[OpenWarehouse]:
        from dataset_assets.adapters.bigquery.engine import BigQueryEngine  # noqa: PLC0415 - takes seconds
        from dataset_assets.adapters.bigquery.warehouse import BigQueryWarehouse  # noqa: PLC0415

        settings = BigQueryEngineSettings(
            type="bigquery",
            project=PROJECT,
            api_endpoint=self.rest,
            storage_endpoint=self.storage,
            patience=60,
        )
        engine = BigQueryEngine(settings, settings.open_connection(), (PROJECT, self.dataset))
        with engine.connect(JobContext("sales")) as session:
            yield OpenWarehouse(BigQueryWarehouse(PROJECT, self.dataset), session)

    def leftovers(self) -> list[str]:
        client = Emulator(self.rest, self.storage).client()
        tables = client.list_tables(f"{PROJECT}.{self.dataset}", timeout=PATIENCE, retry=once())
        return [each.table_id for each in tables if each.table_id.startswith(("_staged", "_moved"))]


def _delta(request: "pytest.FixtureRequest") -> WarehouseLocation:
    return DeltaLocation(request.getfixturevalue("tmp_path") / "warehouse")


def _bigquery(request: "pytest.FixtureRequest") -> WarehouseLocation:
    proxy = request.getfixturevalue("proxy")
    proxy.running = 0  # to poll is tested elsewhere
    return BigQueryLocation(proxy.rest, proxy.storage, request.getfixturevalue("bigquery_dataset"))


LOCATIONS = {"delta": _delta, "bigquery": _bigquery}
