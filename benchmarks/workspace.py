"""A folder with the demo's tables, its definitions and a target: what every benchmark works on."""

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.measure import PROJECT
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import ROWS, compile_rows
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.interfaces.cli import demo_data as demo
from dataset_assets.periods.instants import AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.source_locator import SourceLocator, as_logical
from dataset_assets.rows.identity import Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import assemble

JOB_J = "grocery_recommender"
EXPECTED = {"rows": 566_140, "products": 10_136, "users": 2_337, "eval": 43_351}
"""What every baseline has to select too, or its time means nothing."""

TARGET = """\
target:
  engine: {{type: duckdb, memory_limit: {memory}, threads: {threads}}}
  warehouse: {{type: delta, root: ./{warehouse}}}
  default_resolver: retail
  resolvers:
    retail: {{type: parquet, root: ./data/retail}}
"""


@dataclass(frozen=True)
class Workspace:
    """Everything lies below `root` and goes with it."""

    root: Path
    _numbers: Iterator[int]

    @property
    def data(self) -> Path:
        """The folder of the Parquet files."""
        return self.root / demo.FOLDER

    @cached_property
    def catalog(self) -> Catalog:
        """The demo's definitions, copied: a run may write locks."""
        return load_catalog(self.root / "definitions")

    @property
    def period(self) -> Period:
        """Of job J: as of its end, 2018-01-01."""
        return self.catalog.calendars.cadence("month").parse("2017-12")

    def target(self, threads: int = 2, memory: str = "4GB") -> Target:
        """A target with an empty warehouse of its own."""
        return load_target(str(self.target_file(threads, memory)), self.catalog.calendars)

    def target_file(self, threads: int = 2, memory: str = "4GB") -> Path:
        """Write the file of such a target."""
        number = next(self._numbers)
        path = self.root / f"target_{number}.yaml"
        text = TARGET.format(threads=threads, memory=memory, warehouse=f"warehouse_{number}")
        path.write_text(text, encoding="utf-8")
        return path

    def job_j(self, target: Target) -> Materialization:
        """Job J end to end: resolve, compile, run, ids, statistics, checks, publish."""
        request = Request(
            self.catalog.entry(JOB_J), f"run-{next(self._numbers)}", datetime.now(UTC), self.period
        )
        return materialize(self.catalog, target, request, lambda _: None)

    def selection(self, target: Target, *, metadata: bool) -> str:
        """The SQL of job J's rows, bare or with their metadata."""
        scope = self.catalog.scope(self.catalog.entry(JOB_J))
        as_of = AsOf(self.period.end, self.period.zone)
        with target.engine.connect() as session:
            places = SourceLocator(scope, target, as_of, self.period)
            relations = places.relations(session, JobContext(JOB_J), as_logical)
        ctes = compile_rows(SelectionInput(scope, relations, as_of, self.period))
        if metadata:
            dataset = scope.dataset
            assert dataset.id is not None
            columns = tuple(output.definition for output in scope.outputs)
            identity = Identity(columns, dataset.natural_key_columns, "timestamp")
            stamp = Stamp(dataset.id, scope.main.name, None, "run", datetime.now(UTC), self.period.id)
            ctes = (*ctes, *row_metadata(ROWS, identity, stamp, None, bucketed=False))
        return target.engine.dialect.render(assemble(ctes))


@contextmanager
def workspace() -> Generator[Workspace]:
    """A workspace that is removed again."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        root = Path(folder)
        demo.prepare(root, lambda _: None)
        shutil.copytree(PROJECT / "definitions", root / "definitions", ignore=shutil.ignore_patterns("*.py*"))
        yield Workspace(root, count(1))


def create_table(sql: str, threads: int = 2, database: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """DuckDB's bare CREATE TABLE AS, in memory or in a database file."""
    connection = duckdb.connect(database)
    connection.execute(f"SET TimeZone = 'UTC'; SET threads = {threads}")
    connection.execute(f"CREATE TABLE selected AS {sql}")
    return connection
