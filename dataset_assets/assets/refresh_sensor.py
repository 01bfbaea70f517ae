"""The Dagster sensor `refresh`, which requests runs of the publications that are due.

What is due follows from what is published and from what its sources are like (`staleness/`). Dagster's event
log only says what may have changed, so that most ticks look at nothing.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock
from time import monotonic

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.asset_keys import REASON_TAG, published_key
from dataset_assets.assets.runs_in_progress import RunsInProgress
from dataset_assets.assets.table_reports import TableReports
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.staleness.due_outputs import OutputMemory, refreshed_outputs
from dataset_assets.staleness.loads import Requested
from dataset_assets.staleness.output_requests import with_outputs
from dataset_assets.staleness.readers import readers_of
from dataset_assets.staleness.refresh_memory import RefreshMemory
from dataset_assets.staleness.refresh_requests import MOST_RUNS, Choice, RunRequest, choose
from dataset_assets.staleness.refreshed_dataset import refreshed_datasets
from dataset_assets.staleness.source_states import SourceStates
from dataset_assets.text.wording import listed

SENSOR = "refresh"
INTERVAL = 30
"""Seconds between two ticks, at least."""
TICK_SECONDS = 25
"""Seconds after which a tick looks at nothing more; Dagster cancels a tick after 60."""
MOST_LISTED = 10
"""Publications in the text of a tick."""
_CURSOR = 1
"""Version of the cursor. One of another version, such as that of an earlier release, counts as none."""

_ABOUT = "Looks which publications are due, and requests their runs. Why is in the tags of each run"


def refresh_sensor(graph: Graph, name: str = SENSOR) -> dg.SensorDefinition:
    """Return the sensor of a code location. It is running by default; refreshes are paused in the files.

    The target is not used before the first tick.
    """
    return dg.SensorDefinition(
        name=name,
        evaluation_fn=Refresher(graph).tick,
        asset_selection=dg.AssetSelection.assets(
            *(published_key(graph.catalog, stem) for stem in (*graph.datasets, *graph.catalog.outputs))
        ),
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def read_cursor(text: str | None) -> Requested | None:
    """Return for which states runs were requested; None for an absent or unreadable cursor."""
    try:
        stored = json.loads(text or "")
        return stored["requested"] if stored["version"] == _CURSOR else None
    except (ValueError, TypeError, LookupError):
        return None


def write_cursor(requested: Requested) -> str:
    """Return the cursor as JSON, as the daemon stores it together with the runs of the tick."""
    return json.dumps({"version": _CURSOR, "requested": requested}, separators=(",", ":"))


class Refresher:
    """Remembers between two ticks what is due. The first tick, and one without a cursor, looks at all."""

    def __init__(self, graph: Graph, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._graph = graph
        self._clock = clock
        self._memory: RefreshMemory | None = None
        self._outputs: OutputMemory | None = None
        self._seen: Mapping[dg.AssetKey, int] | None = None
        self._in_progress = RunsInProgress(graph)
        self._lock = Lock()

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Return the runs to request, or why there are none."""
        target = self._graph.binding.target
        if target is None:
            return dg.SensorResult(skip_reason="the target cannot be read", cursor=context.cursor)
        if not self._lock.acquire(blocking=False):
            return dg.SensorResult(skip_reason="an earlier tick has not ended yet", cursor=context.cursor)
        try:
            return self._result(context, target, self._clock())
        except DatasetAssetsError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=context.cursor)
        finally:
            self._lock.release()

    def _result(self, context: dg.SensorEvaluationContext, target: Target, now: datetime) -> dg.SensorResult:
        requested = read_cursor(context.cursor)
        if requested is None:
            self._memory = self._seen = self._outputs = None
        choice = self.look(context.instance, target, requested or {}, now)
        requests = [self._request(run) for run in choice.runs]
        for run, request in zip(choice.runs, requests, strict=True):
            context.log.info("%s: %s", _label(run), request.tags[REASON_TAG])
        text = None if requests else listed(choice.notes, MOST_LISTED, "; ") or "nothing is due"
        return dg.SensorResult(requests, skip_reason=text, cursor=write_cursor(choice.requested))

    def look(
        self, instance: dg.DagsterInstance, target: Target, requested: Requested, now: datetime
    ) -> Choice:
        """Return what to request. Runs are read first: what one of them makes meanwhile is seen then."""
        deadline = monotonic() + TICK_SECONDS
        in_progress = self._in_progress.read(instance)
        reports = TableReports(instance, self._graph.tables, self._seen)
        memory = self._memory = self._memory or self._new_memory(target)
        outputs = self._outputs = self._outputs or self._new_outputs(target)
        for table, pieces in reports.changes():
            memory.table_changed(table, pieces, now)
        self._seen = reports.seen
        with garbage_collection_paused(), target.engine.connect(JobContext(SENSOR)) as session:
            states = SourceStates(self._graph.catalog, target, now, session)
            memory.look(states, reports, deadline)
            outputs.look(states)
        choice = choose(memory, in_progress, requested, now, reports)
        return with_outputs(choice, outputs, in_progress, requested, MOST_RUNS)

    def _new_memory(self, target: Target) -> RefreshMemory:
        graph = self._graph
        datasets = refreshed_datasets(graph.catalog, self._valid(), graph.now)
        return RefreshMemory(target, datasets, readers_of(graph.catalog, target, datasets))

    def _new_outputs(self, target: Target) -> OutputMemory:
        catalog = self._graph.catalog
        return OutputMemory(catalog, target, refreshed_outputs(catalog, self._valid()))

    def _valid(self) -> list[str]:
        return [stem for stem, each in self._graph.datasets.items() if isinstance(each, ValidDataset)]

    def _request(self, run: RunRequest) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=run.run_key,
            asset_selection=[published_key(self._graph.catalog, run.stem)],
            tags={REASON_TAG: run.reason, **dict(_range(run))},
        )


def _range(run: RunRequest) -> Iterator[tuple[str, str]]:
    """Yield the tags that say which partitions a run materializes."""
    first, last = run.periods[0], run.periods[-1]
    if first and last:
        yield ASSET_PARTITION_RANGE_START_TAG, first.key
        yield ASSET_PARTITION_RANGE_END_TAG, last.key


def _label(run: RunRequest) -> str:
    first, last = run.periods[0], run.periods[-1]
    periods = f"{first}" if first == last else f"{first} to {last}"
    return f"{run.stem} {periods}" if first else run.stem
