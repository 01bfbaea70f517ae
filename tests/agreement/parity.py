"""Publish the same definitions twice, by DuckDB from files and by BigQuery over its wire protocol."""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from sqlglot import exp

from dataset_assets.adapters.bigquery.engine import BigQueryEngine
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.rows.encoding import content_digest
from dataset_assets.sql.build import assemble
from dataset_assets.sql.dialect import Dialect
from tests.bigquery.emulator import Emulator
from tests.engines.store_fixtures import OnBigQuery, OnDisk, Store

RESOLVER = "retail"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request on one target: its error, or its findings and the rows ordered by id."""

    faults: tuple[str, ...] = ()
    findings: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()


@dataclass
class EnginePair:
    """Two stores below one folder. `zone` is the zone of timestamps that are stored without one."""

    root: Path
    stores: tuple[Store, ...]
    zone: str = "UTC"

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Return DuckDB's target, then BigQuery's."""
        return tuple(map(self._target, self.stores))

    def _target(self, store: Store) -> Target:
        path = self.root / f"{type(store).__name__}.yaml"
        path.write_text(store.target(RESOLVER, zone=self.zone))
        return load_target(str(path), self.catalog.calendars)

    @property
    def catalog(self) -> Catalog:
        """Load the current definitions."""
        return load_catalog(self.root / "definitions")

    def declare(self, stem: str, definition: Mapping[str, Any]) -> None:
        """Write a dataset's file as JSON, which is YAML too."""
        folder = self.root / "definitions" / "datasets"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"dataset": definition}, ensure_ascii=False, default=str)
        (folder / f"{stem}.yaml").write_text(text, encoding="utf-8")

    def load(self, name: str, rows: pa.Table) -> None:
        """Create or replace a table in both stores from one Parquet file."""
        path = self.root / "data" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(rows, path)
        for store in self.stores:
            store.load(name, path)

    def request(self, stem: str, period: str | None, run_id: str, now: datetime, **others: Any) -> Request:
        """Return the request that both targets get."""
        catalog = self.catalog
        entry = catalog.entry(stem)
        partitions = catalog.scope(entry).dataset.partitions
        cadence = catalog.calendars.cadence(partitions.period) if partitions else None
        return Request(entry, run_id, now, cadence.parse(period) if cadence and period else None, **others)

    def publish(self, request: Request) -> tuple[Outcome, Outcome]:
        """Materialize on both targets, and read the published rows back."""
        ours, theirs = (_tried(_published, self.catalog, target, request) for target in self.targets)
        return ours, theirs

    def select(self, request: Request) -> tuple[Outcome, Outcome]:
        """Select the rows and assign their ids on both targets, without publishing."""
        ours, theirs = (_tried(_selected, self.catalog, target, request) for target in self.targets)
        return ours, theirs

    def close(self) -> None:
        """Close the connection to BigQuery."""
        for target in self.targets:
            if isinstance(target.engine, BigQueryEngine):
                target.engine.connection.close()


@contextmanager
def engine_pair(emulator: Emulator, zone: str = "UTC") -> Generator[EnginePair]:
    """Create an empty folder and two empty BigQuery datasets."""
    with TemporaryDirectory() as folder, emulator.dataset() as sources, emulator.dataset() as warehouse:
        root = Path(folder)
        (root / "definitions").mkdir()
        on_bigquery = OnBigQuery(root, emulator.rest, emulator.storage, sources, warehouse)
        pair = EnginePair(root, (OnDisk(root), on_bigquery), zone)
        yield pair
        pair.close()


def findings(made: Materialization) -> dict[str, Any]:
    """Return the parts of a materialization's result that must not depend on the engine."""
    told = {name: getattr(made, name) for name in ("digest", "counts", "split_sizes", "checks", "columns")}
    return {**told, "statistics": made.statistics.model_dump()}


def published(target: Target, request: Request, read: Callable[[Any, exp.Query], Any]) -> Any:
    """Return the current rows of the request's Period, as `read(session, query)` returns them."""
    period = request.period.id if request.period else None
    with target.engine.connect() as session:
        found = target.warehouse.current(request.entry.stem, period, session)
        assert found
        return read(session, exp.select("*").from_(found.relation.source.copy()))


def _tried(asked: Callable[[Catalog, Target, Request], Outcome], *given: Any) -> Outcome:
    try:
        return asked(*given)
    except DatasetAssetsError as error:
        return Outcome(tuple(map(str, error.faults)))


def _published(catalog: Catalog, target: Target, request: Request) -> Outcome:
    made = materialize(catalog, target, request, lambda _: None)
    rows = published(target, request, lambda session, query: session.rows(query))
    return Outcome((), findings(made), _in_order(rows))


def _selected(catalog: Catalog, target: Target, request: Request) -> Outcome:
    scope, as_of, job = catalog.scope(request.entry), request.looks_back_from, JobContext(request.entry.stem)
    with target.engine.connect(job) as session:
        relations = SourceLocator(scope, target, as_of, request.period).relations(session, job, _carried)
        return selected(session, target.engine.dialect, prepared_run(catalog, request, relations))


def prepared_run(catalog: Catalog, request: Request, relations: Mapping[str, Relation]) -> PreparedRun:
    """Prepare the first publication of these rows up to its selection."""
    scope = catalog.scope(request.entry)
    inputs = SelectionInput(scope, relations, request.looks_back_from, request.period)
    version, dataset_id = request.entry.lock.version_of(scope.dataset), scope.dataset.id
    assert dataset_id
    return PreparedRun(request, inputs, compile_rows(inputs), version, dataset_id, None)


def selected(session: Session, dialect: Dialect, work: PreparedRun) -> Outcome:
    """Return the rows with their ids, and the digest, from a session."""
    rows = session.rows(work.query(bucketed=dialect.sorts_in_one_place))
    source = assemble(work.selection).subquery("selected_rows")
    return Outcome((), {"digest": content_digest(session, source, work.published.digested)}, _in_order(rows))


def _carried(*given: Any) -> Any:
    raise AssertionError(f"nothing has to be moved: {given}")


def _in_order(rows: list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(sorted(rows, key=lambda row: row["_row_id"]))
