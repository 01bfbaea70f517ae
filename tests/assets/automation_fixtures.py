"""Definitions whose tables and publications are reported and never computed, to test automation alone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent
from dagster._core.test_utils import create_run_for_test

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.asset_definitions import assets
from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.assets.automation import sensor
from dataset_assets.assets.target_resource import RESOURCE, TargetBinding
from dataset_assets.catalog.load_catalog import load_catalog

Piece = tuple[str, str | None]
"""A dataset or table, and the key of one of its partitions."""

MONTHS = ["2024-02", "2024-03", "2024-04", "2024-05"]
BY_MONTH = "partitions: {period: month, start: 2024-02}"

TARGET = """
target:
  engine: {{type: duckdb}}
  warehouse: {{type: delta, root: ./warehouse}}
  default_resolver: shop
  resolvers:
    shop:
      type: parquet
      root: .
      tables: {{{tables}}}
"""


@dataclass
class Automated:
    """A folder of definitions, and a Dagster that looks at them whenever `tick` says so."""

    root: Path
    tables: dict[str, str | None]
    """By name the cadence by which each is stored; None for one piece. No file is ever opened."""
    now: datetime
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    cursor: AssetDaemonCursor | None = None

    def __post_init__(self) -> None:
        for folder in ("datasets", "projects"):
            (self.root / folder).mkdir()
        tables = ", ".join(
            f'{name}: {{location: "{name}/{{period}}.parquet", period: {cadence}}}'
            for name, cadence in self.tables.items()
            if cadence
        )
        for name in self.tables:
            (self.root / f"{name}.parquet").touch()
        (self.root / "target.yaml").write_text(TARGET.format(tables=tables))
        (self.root / "users.yaml").write_text("users: {ada: {email: ada@example.com}}\n")
        calendars = "{shop: {type: retail}, corporate: {type: fiscal, start_month: 4, year_label: ending}}"
        (self.root / "periods.yaml").write_text(f"calendars: {calendars}\n")

    def write(self, stem: str, text: str) -> None:
        (self.root / "datasets" / f"{stem}.yaml").write_text(text)

    def load(self) -> None:
        """As a code location does when it starts, and when it is told to."""
        catalog = load_catalog(self.root)
        target = load_target(str(self.root / "target.yaml"), catalog.calendars)
        graph = Graph(catalog, TargetBinding(target), self.now)
        self.definitions = dg.Definitions(list(assets(graph)), sensors=[sensor()], resources={RESOURCE: None})

    def report(self, table: str, partition: str | None, version: str) -> None:
        """What the polling sensor tells of a change."""
        self._tell(table_key("shop", table), partition, version, dg.AssetMaterialization, dg.AssetObservation)

    def publish(self, stem: str, partition: str | None, digest: str) -> None:
        """What a run tells of a publication."""
        self._tell(dataset_key(stem), partition, digest, dg.AssetMaterialization)

    def _tell(self, key: dg.AssetKey, partition: str | None, version: str, *kinds: type) -> None:
        for kind in kinds:
            tags = {DATA_VERSION_TAG: version}
            self.instance.report_runless_asset_event(kind(key, partition=partition, tags=tags))

    def tick(self, **later: float) -> set[Piece]:
        """What is requested after a time."""
        self.now += timedelta(**(later or {"seconds": 30}))
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, sensor().asset_selection, self.now, self.cursor
        )
        self.cursor = result.cursor
        return set(self._requested(result))

    def _requested(self, result: dg.EvaluateAutomationConditionsResult) -> Iterator[Piece]:
        for each in result.results:
            for partition in result.get_requested_partitions(each.key):
                yield each.key.path[-1], partition

    def partitions(self, table: str) -> list[str] | None:
        """The keys of what can be reported of a table; None for one piece, or where nobody reads it."""
        graph = self.definitions.resolve_asset_graph()
        key = table_key("shop", table)
        found = graph.get(key).partitions_def if graph.has(key) else None
        with partition_loading_context(self.now):
            return list(found.get_partition_keys()) if found else None

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
