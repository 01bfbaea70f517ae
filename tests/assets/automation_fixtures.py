"""Definitions whose tables and publications are reported and never computed, to test automation alone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.test_utils import create_run_for_test, freeze_time

from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.assets.refresh_sensor import Refresher
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.output_sources import STATE, periods_read, state_of, target_periods
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.source_states import SourceStates
from tests.staleness.in_memory import (
    NO_SESSION,
    RecordsInMemory,
    TablesInMemory,
    record_of,
    target_in_memory,
)

Piece = tuple[str, str | None]
"""A dataset or table, and the key of one of its partitions."""

MONTHS = ["2024-02", "2024-03", "2024-04", "2024-05"]
BY_MONTH = "partitions: {period: month, start: 2024-02}"


@dataclass
class Automated:
    """A folder of definitions, and the sensor `refresh`, which looks at them whenever `tick` says so."""

    root: Path
    tables: dict[str, str | None]
    """By name the cadence by which each is stored; None for one piece."""
    now: datetime
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    cursor: str | None = None
    said: str = ""

    def __post_init__(self) -> None:
        for folder in ("datasets", "projects"):
            (self.root / folder).mkdir()
        (self.root / "users.yaml").write_text("users: {ada: {email: ada@example.com}}\n")
        calendars = "{shop: {type: retail}, corporate: {type: fiscal, start_month: 4, year_label: ending}}"
        (self.root / "periods.yaml").write_text(f"calendars: {calendars}\n")
        self.resolver = TablesInMemory(self.tables)
        self.warehouse = RecordsInMemory()

    def write(self, stem: str, text: str) -> None:
        (self.root / "datasets" / f"{stem}.yaml").write_text(text)

    def load(self) -> None:
        """As a code location does when it starts, and when it is told to."""
        self.catalog = load_catalog(self.root)
        self.resolver.calendars = self.catalog.calendars
        self.target = target_in_memory(self.resolver, self.warehouse)
        self.graph = Graph(self.catalog, TargetBinding(self.target), self.now)
        self.refresher = Refresher(self.graph, lambda: self.now)

    def report(self, table: str, partition: str | None, version: str) -> None:
        """A piece of a table changes, and the polling sensor tells of it."""
        self.resolver.change(table, partition, version)
        key, tags = table_key("shop", table), {DATA_VERSION_TAG: version}
        partition = partition if self.partitions(table) else None
        with freeze_time(self.now):
            for kind in (dg.AssetMaterialization, dg.AssetObservation):
                self.instance.report_runless_asset_event(kind(key, partition=partition, tags=tags))

    def read(self, stem: str, partition: str | None) -> Record:
        """What a run that begins now records of what it reads."""
        entry = self.catalog.entry(stem)
        states = SourceStates(self.catalog, self.target, self.now, NO_SESSION)
        status = PublicationStatus(states, entry, self._period(stem, partition))
        return record_of(status)

    def publish(self, stem: str, partition: str | None, digest: str, reads: Record | None = None) -> None:
        """A run publishes what it read when it began, by default what is there now."""
        reads = reads or self.read(stem, partition)
        self.warehouse.publish(stem, reads, digest, self.now)
        event = dg.AssetMaterialization(
            dataset_key(stem), partition=partition, tags={DATA_VERSION_TAG: digest}
        )
        self.instance.report_runless_asset_event(event)

    def publish_output(self, stem: str, *periods: str | None) -> None:
        """A run publishes Periods of an output, made of what its dataset holds now."""
        output = self.catalog.outputs[stem]
        records = self.warehouse.records(output.dataset, None)
        moved_to = target_periods(self.catalog, output)
        for period in periods:
            read = {each: records[each] for each in periods_read(period, moved_to, list(records))}
            record = {**records[period], "inputs": {STATE: state_of(output, read)}, "sha256": "output"}
            self.warehouse.publish(stem, record, f"{self.now}", self.now)

    def tick(self, **later: float) -> set[Piece]:
        """What is requested after a time."""
        self.now += timedelta(**(later or {"seconds": 30}))
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = self.refresher.tick(context)
        self.cursor = result.cursor
        self.said = (result.skip_reason.skip_message if result.skip_reason else None) or ""
        self.requests = result.run_requests or []
        return {piece for request in self.requests for piece in self._requested(request)}

    def _requested(self, request: dg.RunRequest) -> Iterator[Piece]:
        [key] = request.asset_selection or []
        stem = "__".join(key.path[1:])
        output = self.catalog.outputs.get(stem)
        schedule = schedule_of(self.catalog, self.catalog.entry(output.dataset if output else stem))
        if schedule is None:
            yield stem, None
            return
        ends = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
        first, last = (schedule.cadence.from_key(request.tags[each]) for each in ends)
        yield from ((stem, period.key) for period in schedule.cadence.between(first, last.end))

    def _period(self, stem: str, partition: str | None) -> Period | None:
        schedule = schedule_of(self.catalog, self.catalog.entry(stem))
        return schedule.cadence.from_key(partition) if schedule and partition else None

    def partitions(self, table: str) -> list[str] | None:
        """The keys of what can be reported of a table; None for one piece, or where nobody reads it."""
        found = self.graph.tables.get(("shop", table))
        if found is None or found.partitioning is None:
            return None
        with partition_loading_context(self.now):
            return list(found.partitioning.definition.get_partition_keys())

    def begin(self, stem: str, *partitions: str | None) -> str:
        """A run that is in progress until it `end`s."""
        key = dataset_key(stem)
        run = create_run_for_test(self.instance, asset_selection={key}, status=dg.DagsterRunStatus.STARTED)
        for partition in partitions:
            planned = AssetMaterializationPlannedData(key, partition=partition)
            event = DagsterEvent.build_asset_materialization_planned_event(run.job_name, stem, planned)
            self.instance.report_dagster_event(event, run.run_id)
        return run.run_id

    def end(self, run_id: str, *, failed: bool = False) -> None:
        run = self.instance.get_run_by_id(run_id)
        assert run
        report = self.instance.report_run_failed if failed else self.instance.report_run_canceled
        report(run)


def of(stem: str, found: Iterable[Piece]) -> list[str | None]:
    """The partitions of one dataset, in order."""
    return sorted((partition for each, partition in found if each == stem), key=str)


Make = Callable[..., Automated]


def made(root: Path, tables: dict[str, str | None], now: datetime, *texts: str, published: bool) -> Automated:
    """Datasets d1, d2, … that were published, and what they read was reported, before the first look."""
    world = Automated(root, tables, now)
    for number, each in enumerate(texts, 1):
        world.write(f"d{number}", each)
    world.load()
    for table in tables:
        for key in world.partitions(table) or [None]:
            world.report(table, key, "v1")
    if published:
        for number, each in enumerate(texts, 1):
            for key in MONTHS if BY_MONTH in each else [None]:
                world.publish(f"d{number}", key, f"d{number} {key} v1")
        settle(world)
    return world


def settle(world: Automated) -> None:
    """Everything that is requested is made, and holds what it held before, until nothing is requested."""
    for _ in range(9):
        found = world.tick()
        for stem, key in found:
            world.publish(stem, key, f"{stem} {key} v1")
        if not found:
            return
    raise AssertionError(found)
