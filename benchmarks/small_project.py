"""A project in a temporary folder: Parquet files, datasets that read them, and empty warehouses."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request

TARGET = """\
target:
  engine: {{type: duckdb, memory_limit: 4GB, threads: 2}}
  warehouse: {{type: delta, root: ./warehouse_{number}}}
  default_resolver: files
  resolvers:
    files: {{type: parquet, root: ./data{tables}}}
"""


@dataclass(frozen=True)
class SmallProject:
    """`tables` is what the target's resolver says of tables that are stored by Period."""

    root: Path
    tables: str
    _numbers: Iterator[int]

    @cached_property
    def catalog(self) -> Catalog:
        """The datasets; a run writes their locks."""
        return load_catalog(self.root / "definitions")

    def write(self, name: str, query: str) -> Path:
        """Write the rows of a query to `data/<name>.parquet`."""
        path = self.root / "data" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path

    def target(self) -> Target:
        """Return a target with a new warehouse."""
        number = next(self._numbers)
        path = self.root / f"target_{number}.yaml"
        path.write_text(TARGET.format(number=number, tables=self.tables), encoding="utf-8")
        return load_target(str(path), self.catalog.calendars)

    def materialize(self, target: Target, stem: str, period: str | None = None) -> Materialization:
        """Publish a dataset, of a Period if one is named."""
        cadence = self.catalog.calendars.cadence("month")
        run = f"run-{next(self._numbers)}"
        found = cadence.parse(period) if period else None
        request = Request(self.catalog.entry(stem), run, datetime.now(UTC), found)
        return materialize(self.catalog, target, request, lambda _: None)


@contextmanager
def small_project(datasets: Mapping[str, str], tables: str = "") -> Generator[SmallProject]:
    """Write the files of datasets, by stem; the folder is removed at the end."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as name:
        root = Path(name)
        (root / "definitions" / "datasets").mkdir(parents=True)
        (root / "definitions" / "users.yaml").write_text("users: {ada: {email: ada@example.org}}\n")
        for stem, text in datasets.items():
            (root / "definitions" / "datasets" / f"{stem}.yaml").write_text(text, encoding="utf-8")
        yield SmallProject(root, tables, count(1))
