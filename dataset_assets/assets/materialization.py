"""Publish the Periods of a Dagster run for one dataset, and yield Dagster's events about them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import dagster as dg
from pydantic import TypeAdapter, ValidationError

from dataset_assets.assets.asset_keys import PROJECT_TAG
from dataset_assets.assets.checks import check_results
from dataset_assets.assets.metadata import materialization_metadata
from dataset_assets.assets.partition_events import output_without_events, partition_events
from dataset_assets.assets.retry import WAITS, retry
from dataset_assets.assets.run_process import tag_process
from dataset_assets.assets.target_resource import TargetResource
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.model import Instant
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.text.progress import ProgressEstimate

T = TypeVar("T")

AS_OF = "as_of"
"""Key of the as-of in the op config of an unpartitioned dataset (BR-106)."""

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class DatasetRun:
    """One run of the op of one dataset. A Period that fails does not stop the others."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        resource: TargetResource,
        catalog: Catalog,
        entry: Entry,
        cadence: Cadence | None,
    ) -> None:
        self.context = context
        self.resource = resource
        self.catalog = catalog
        self.entry = entry
        self.cadence = cadence
        self.now = datetime.now(UTC)
        self.waits = WAITS
        self.failures: dict[Period | None, DatasetAssetsError] = {}
        self.check_results: dict[str | None, tuple[CheckResult, ...]] = {}

    def events(self) -> Iterator[Any]:
        """Publish all Periods and yield the events of the run.

        Raises dagster.Failure with the faults if a Period could not be published.
        """
        tag_process(self.context.instance, self.context.run)
        target = _or_fail(lambda: self.resource.load(self.catalog.calendars))
        periods = _or_fail(self._periods)
        estimate = ProgressEstimate(len(periods))
        for period in periods:
            request = self._request(period, self.resource.locked)
            result = self._publish(target, request)
            if result:
                yield from self._events_of(target, period, result, len(periods))
            if len(periods) > 1:
                done = f"{result.counts.rows:,} rows" if result else "failed"
                self.context.log.info("%s: %s; %s", period, done, estimate.step())
        yield from check_results(self.context.asset_key, self.check_results)
        if self.failures:
            raise dg.Failure(_failure_text(self.failures, periods), allow_retries=False)
        if len(periods) > 1:
            yield output_without_events(self.context)

    def _periods(self) -> Sequence[Period | None]:
        cadence = self.cadence
        return [cadence.from_key(key) for key in self.context.partition_keys] if cadence else [None]

    def _request(self, period: Period | None, locked: bool) -> Request:
        run = self.context.run
        project = run.tags.get(PROJECT_TAG)
        return Request(
            entry=self.entry,
            period=period,
            as_of=None if period else self._as_of(),
            run_id=run.run_id,
            project_id=UUID(project) if project else None,
            now=self.now,
            locked=locked,
            attempt=self.context.retry_number,
        )

    def _as_of(self) -> datetime:
        """Return the as-of of the op config, else the start of the run, equal for its datasets (BR-106)."""
        given = (self.context.op_execution_context.op_config or {}).get(AS_OF)
        if given:
            try:
                return _INSTANT.validate_python(given)
            except ValidationError:
                text = f"as_of: {given!r} is not an instant; write it as 2026-01-31T12:00:00Z"
                raise dg.Failure(text, allow_retries=False) from None
        record = self.context.instance.get_run_record_by_id(self.context.run.run_id)
        return datetime.fromtimestamp(record.start_time, UTC) if record and record.start_time else self.now

    def _publish(self, target: Target, request: Request) -> Materialization | None:
        period = request.period
        name = period.id if period else None
        message = f"{name}: %s" if name else "%s"
        log = self.context.log

        def attempt(retries: int) -> Materialization:
            again = replace(request, attempt=request.attempt + retries)
            return materialize(self.catalog, target, again, lambda text: log.info(message, text))

        try:
            result = retry(attempt, lambda text: log.warning(message, text), self.waits)
        except DatasetAssetsError as error:
            self.waits = () if error.transient else self.waits
            self.failures[period] = error
            self.check_results[name] = error.checks if isinstance(error, AuditError) else ()
            log.warning(message, error)
            return None
        self.check_results[name] = result.checks
        self.waits = WAITS
        return result

    def _events_of(
        self, target: Target, period: Period | None, result: Materialization, count: int
    ) -> Iterator[Any]:
        metadata = materialization_metadata(result, target.warehouse.location(self.entry.stem))
        if period and count > 1:
            yield from partition_events(self.context, period.key, metadata, result.digest)
        else:
            yield dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(result.digest))


def _or_fail(work: Callable[[], T]) -> T:
    """Return the result of `work`. Raises dagster.Failure with the plain text of a DatasetAssetsError."""
    try:
        return work()
    except DatasetAssetsError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _failure_text(failures: dict[Period | None, DatasetAssetsError], periods: Sequence[Period | None]) -> str:
    if len(periods) == 1:
        return str(next(iter(failures.values())))
    each = "\n".join(f"{period}: {error}" for period, error in failures.items())
    others = ", the others are published" if len(failures) < len(periods) else ""
    return f"{len(failures)} of {len(periods)} Periods failed{others}:\n{each}"
