"""A publication has one version of each source, whenever a source changes (16 runs; 200 as a proof)."""

import os
import random
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.adapters.duckdb.engine import DuckDBSession
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import ChangedError, DatasetAssetsError
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from tests.publishing.shop import USERS

RUNS = 200 if os.environ.get("DATASET_ASSETS_PROVE") else 16
KINDS = ("parquet", "csv", "duckdb")
STATEMENTS = 18
"""A run sends about as many to DuckDB: from the first look at a file to the last statistic."""
SIZES = {"orders": 20_000, "items": 10}
DATASET = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177
  name: Orders
  owner: ada
  natural_key_columns: [id]
  main_table:
    name: orders
    columns: [{name: id, type: integer}, {name: item, type: integer}, {name: gen, type: integer}]
  lookups:
    - target: {type: table, name: items, columns: [{name: item, type: integer}, {name: gen, type: integer}]}
      join_conditions: [{source_column: item, target_column: item}]
"""
TARGET = """
target:
  engine: {{type: duckdb, threads: 2}}
  warehouse: {{type: delta, root: ./warehouse}}
  default_resolver: files
  resolvers: {{files: {{{resolver}}}}}
"""
RESOLVERS = {
    "parquet": "type: parquet, root: ./data",
    "csv": "type: csv, root: ./data",
    "duckdb": "type: duckdb, database: ./data/all.duckdb",
}


@dataclass
class Bench:
    """Two tables with one generation of rows each; every row has its generation's number."""

    root: Path
    kind: str
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    generation: int = 0
    written: dict[str, list[int]] = field(default_factory=lambda: {"orders": [], "items": []})

    def path(self, table: str) -> Path:
        """The file that a table is in."""
        return self.root / "data" / ("all.duckdb" if self.kind == "duckdb" else f"{table}.{self.kind}")

    def made(self, *tables: str) -> Path:
        """Write the next generation of tables to a file of its own."""
        self.generation += 1
        path = self.root / f"{uuid.uuid4().hex}.{self.kind}"
        for table in tables:
            self.written[table].append(self.generation)
        known = {name: generations[-1] for name, generations in self.written.items() if generations}
        with duckdb.connect(str(path) if self.kind == "duckdb" else ":memory:") as connection:
            for table in SIZES if self.kind == "duckdb" else tables:
                first = "range AS id, range % 10 AS item" if table == "orders" else "range AS item"
                # The digits are as many in each generation: a CSV file of another one has the same size.
                query = f"SELECT {first}, {1000 + known[table]} AS gen FROM range({SIZES[table]})"
                if self.kind == "duckdb":
                    connection.execute(f"CREATE TABLE {table} AS {query}")
                else:
                    connection.execute(f"COPY ({query}) TO '{path}'")
        return path

    def load(self) -> None:
        """Give each table its next generation, while nobody reads."""
        for tables in (("orders", "items"),) if self.kind == "duckdb" else (("orders",), ("items",)):
            self.made(*tables).replace(self.path(tables[0]))

    def publish(self) -> Materialization:
        self.now += timedelta(seconds=1)
        catalog, target = load_catalog(self.root / "definitions"), load_target(str(self.root / "target.yaml"))
        request = Request(catalog.entry("orders"), str(uuid.uuid4()), self.now)
        return materialize(catalog, target, request, lambda _: None)

    def published(self) -> tuple[int, int, int]:
        """The row count, and the generations of both tables. Fails where a table's rows are of two."""
        target = load_target(str(self.root / "target.yaml"))
        with target.engine.connect() as session:
            found = target.warehouse.current("orders", None, session)
            assert found
            names = (
                "COUNT(*) AS n",
                "MIN(gen) AS a",
                "MAX(gen) AS b",
                "MIN(items__gen) AS c",
                "MAX(items__gen) AS d",
            )
            row = session.rows(exp.select(*names).from_(found.relation.source.copy()))[0]
        assert row["a"] == row["b"], "rows of orders are of two generations"
        assert row["c"] == row["d"], "rows of items are of two generations"
        return row["n"], row["a"] - 1000, row["c"] - 1000


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    (tmp_path / "definitions" / "datasets").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "definitions" / "users.yaml").write_text(USERS)
    (tmp_path / "definitions" / "datasets" / "orders.yaml").write_text(DATASET)
    (tmp_path / "target.yaml").write_text(TARGET.format(resolver=RESOLVERS[request.param]))
    opened = Bench(tmp_path, request.param)
    opened.load()
    opened.publish()
    return opened


def rewrite_in_place(old: Path, new: Path) -> None:
    """Overwrite the file and keep its size and modification time."""
    before = old.stat()
    with new.open("rb") as source, old.open("r+b") as file:
        shutil.copyfileobj(source, file, 64 * 1024)
        file.truncate()
    os.utime(old, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(old: Path, new: Path) -> None:
    before = old.stat()
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(old)


def lengthen(old: Path, new: Path) -> None:
    """Append the new rows without a header; to binary files append invalid bytes."""
    content = new.read_bytes()
    with old.open("ab") as file:
        file.write(content.partition(b"\n")[2] if new.suffix == ".csv" else content)


def remove(old: Path, new: Path) -> None:  # noqa: ARG001 - as all changes are called
    old.unlink()


CHANGES: Mapping[str, Callable[[Path, Path], None]] = {
    "rewritten": rewrite_in_place,
    "replaced": replace,
    "lengthened": lengthen,
    "removed": remove,
}


@dataclass
class Disturbance:
    """Changes a table before or during the n-th statement of a run."""

    bench: Bench
    table: str
    change: Callable[[Path, Path], None]
    at: int
    delay: float | None
    done: bool = False
    sent: int = 0
    thread: threading.Thread | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        execute = DuckDBSession._execute

        def disturbed(session: DuckDBSession, *given: Any) -> Any:
            self.sent += 1
            if self.sent == self.at:
                self.begin()
            return execute(session, *given)

        monkeypatch.setattr(DuckDBSession, "_execute", disturbed)

    def begin(self) -> None:
        new, old = self.bench.made(self.table), self.bench.path(self.table)

        def change() -> None:
            time.sleep(self.delay or 0)
            self.change(old, new)

        self.thread = threading.Thread(target=change)
        self.thread.start()
        if self.delay is None:
            self.thread.join()

    def end(self) -> None:
        if self.thread:
            self.thread.join()


def cases(kind: str) -> list[tuple[str, int]]:
    return [(kind, seed) for seed in range(RUNS) if KINDS[seed % len(KINDS)] == kind]


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_a_publication_has_one_version_of_each_source_whenever_one_changes(bench, monkeypatch):
    refused = 0
    for kind, seed in cases(bench.kind):
        chance = random.Random(seed)
        bench.load()
        change = list(CHANGES)[seed // len(KINDS) % len(CHANGES)]
        table, at = chance.choice(list(SIZES)), chance.randint(1, STATEMENTS)
        delay = chance.choice((None, chance.uniform(0, 0.01)))
        with monkeypatch.context() as patch:
            disturbance = Disturbance(bench, table, CHANGES[change], at, delay)
            disturbance.install(patch)
            try:
                bench.publish()
            except DatasetAssetsError as error:
                refused += isinstance(error, ChangedError)
            finally:
                disturbance.end()
        rows, orders, items = bench.published()
        what = kind, seed, change, table, at, delay
        assert orders in bench.written["orders"][-3:], what
        assert items in bench.written["items"][-3:], what
        assert rows == SIZES["orders"], what
        bench.load()
        bench.publish()
        assert bench.published()[1:] == (bench.written["orders"][-1], bench.written["items"][-1]), what
    assert refused, "no change came while a source was read"
