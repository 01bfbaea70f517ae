"""Fixtures: stores of a shop's tables and publications, one for each engine, with their target files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import deltalake
import duckdb
import pyarrow as pa
from pyarrow import parquet

from tests.bigquery.emulator import PATIENCE, PROJECT, Emulator, once

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Store(ABC):
    """`root`: the folder of the shop."""

    root: Path

    @abstractmethod
    def target(self, resolver: str = "files", threads: int = 2, zone: str = "UTC") -> str:
        """Return the text of a target file with one resolver and the zone of its naive timestamps."""

    @abstractmethod
    def load(self, table: str, path: Path) -> None:
        """Replace a table by the rows of a Parquet file in the shop's folder `data`."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Return the names of staged data that no run published."""


class OnDisk(Store):
    """Stores sources as Parquet files and publications as Delta tables."""

    files: ClassVar[str] = "type: parquet, root: ./data"

    def target(self, resolver: str = "files", threads: int = 2, zone: str = "UTC") -> str:
        return f"""
target:
  engine: {{type: duckdb, threads: {threads}}}
  warehouse: {{type: delta, root: ./warehouse}}
  default_resolver: {resolver}
  resolvers: {{{resolver}: {{{self.files}, zone: {zone}}}}}
"""

    def load(self, table: str, path: Path) -> None:
        """Do nothing: the resolver reads the file itself."""

    def leftovers(self) -> list[str]:
        return [str(path) for path in self.root.glob("warehouse/*/_staging/**/*.parquet")]


class InDatabase(OnDisk):
    """Stores sources in a DuckDB file, which has no NULL counts, and publications as Delta tables."""

    files = "type: duckdb, database: ./data/shop.duckdb"

    def load(self, table: str, path: Path) -> None:
        with duckdb.connect(self.root / "data" / "shop.duckdb") as database:
            database.execute(f"CREATE OR REPLACE TABLE {table} AS FROM '{path}'")


class InDelta(OnDisk):
    """Stores sources as Delta tables, which keep earlier versions, and publications as Delta tables."""

    files = "type: delta, root: ./lake"

    def load(self, table: str, path: Path) -> None:
        deltalake.write_deltalake(self.root / "lake" / table, parquet.read_table(path), mode="overwrite")

    def vacuum(self, table: str) -> None:
        """Remove the files of all versions of a table except the newest."""
        stored = deltalake.DeltaTable(self.root / "lake" / table)
        stored.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


@dataclass(frozen=True)
class OnBigQuery(Store):
    """Stores sources and publications in two BigQuery datasets of an emulator."""

    rest: str
    storage: str
    sources: str
    warehouse: str

    def target(self, resolver: str = "files", threads: int = 2, zone: str = "UTC") -> str:  # noqa: ARG002
        endpoints = f'api_endpoint: "{self.rest}", storage_endpoint: "{self.storage}"'
        return f"""
target:
  engine: {{type: bigquery, project: {PROJECT}, {endpoints}, patience: 60}}
  warehouse: {{type: bigquery, dataset: {self.warehouse}}}
  default_resolver: {resolver}
  resolvers: {{{resolver}: {{type: bigquery, dataset: {self.sources}, zone: {zone}}}}}
"""

    def load(self, table: str, path: Path) -> None:
        """Load the file by a load job, with the nearest types of BigQuery.

        A table of the same columns keeps its history; of other columns it is created anew.
        """
        from google.api_core.exceptions import NotFound  # noqa: PLC0415 - takes seconds
        from google.cloud import bigquery  # noqa: PLC0415

        fields = [
            bigquery.SchemaField(field.name, _bigquery_type(field.type))
            for field in parquet.read_schema(path)
        ]
        config = bigquery.LoadJobConfig(
            source_format="PARQUET", schema=fields, write_disposition="WRITE_TRUNCATE"
        )
        client, place = Emulator(self.rest, self.storage).client(), f"{PROJECT}.{self.sources}.{table}"
        with suppress(NotFound):
            if client.get_table(place, timeout=PATIENCE, retry=once()).schema != fields:
                client.delete_table(place, timeout=PATIENCE, retry=once())
        with path.open("rb") as file:
            job = client.load_table_from_file(file, place, job_config=config, timeout=PATIENCE)
        job.result(timeout=PATIENCE, retry=once())

    def leftovers(self) -> list[str]:
        client = Emulator(self.rest, self.storage).client()
        tables = client.list_tables(f"{PROJECT}.{self.warehouse}", timeout=PATIENCE, retry=once())
        return [each.table_id for each in tables if each.table_id.startswith(("_staged", "_moved"))]


def _bigquery_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "DATETIME"
    return next(name for name, fits in _BIGQUERY_TYPES.items() if fits(kind))


_BIGQUERY_TYPES: Mapping[str, Callable[[pa.DataType], bool]] = {
    "STRING": pa.types.is_string,
    "INT64": pa.types.is_integer,
    "FLOAT64": pa.types.is_floating,
    "NUMERIC": pa.types.is_decimal,
    "BOOL": pa.types.is_boolean,
    "DATE": pa.types.is_date,
}


@contextmanager
def _on_disk(_request: "pytest.FixtureRequest", root: Path) -> Generator[Store]:
    yield OnDisk(root)


@contextmanager
def _in_database(_request: "pytest.FixtureRequest", root: Path) -> Generator[Store]:
    yield InDatabase(root)


@contextmanager
def _in_delta(_request: "pytest.FixtureRequest", root: Path) -> Generator[Store]:
    yield InDelta(root)


@contextmanager
def _on_bigquery(request: "pytest.FixtureRequest", root: Path) -> Generator[Store]:
    emulator, proxy = request.getfixturevalue("emulator"), request.getfixturevalue("proxy")
    proxy.running = 0  # to poll is tested elsewhere
    with emulator.dataset() as sources, emulator.dataset() as warehouse:
        yield OnBigQuery(root, proxy.rest, proxy.storage, sources, warehouse)


STORES: Mapping[str, Callable[["pytest.FixtureRequest", Path], AbstractContextManager[Store]]] = {
    "duckdb": _on_disk,
    "database": _in_database,
    "delta": _in_delta,
    "bigquery": _on_bigquery,
}
