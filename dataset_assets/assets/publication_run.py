"""Publish the Periods of a Dagster run for one asset, and yield Dagster's events about them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import dagster as dg

from dataset_assets.adapters.lineage.openlineage import lineage_sink
from dataset_assets.assets.checks import check_results
from dataset_assets.assets.metadata import materialization_metadata
from dataset_assets.assets.partition_events import output_without_events, partition_events
from dataset_assets.assets.retry import WAITS, retry
from dataset_assets.assets.run_process import tag_process
from dataset_assets.assets.target_resource import TargetResource
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interchange.publication_events import report_publication
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.text.progress import Progress, ProgressEstimate

T = TypeVar("T")


class PublicationRun(ABC):
    """One run of the op of one asset: a dataset, or an output. A Period that fails does not stop the others.

    `stem` is the name of the published table.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        resource: TargetResource,
        catalog: Catalog,
        stem: str,
        cadence: Cadence | None,
    ) -> None:
        self.context = context
        self.resource = resource
        self.catalog = catalog
        self.stem = stem
        self.cadence = cadence
        self.now = datetime.now(UTC)
        self.waits = WAITS
        self.failures: dict[Period | None, DatasetAssetsError] = {}
        self.check_results: dict[str | None, tuple[CheckResult, ...]] = {}

    @abstractmethod
    def publish(
        self, target: Target, period: Period | None, attempt: int, progress: Progress
    ) -> Materialization:
        """Publish one Period. `attempt` counts the attempts of the run. Raises DatasetAssetsError."""

    def events(self) -> Iterator[Any]:
        """Publish all Periods and yield the events of the run.

        Raises dagster.Failure with the faults if a Period could not be published.
        """
        tag_process(self.context.instance, self.context.run)
        target = _or_fail(lambda: self.resource.load(self.catalog.calendars))
        periods = _or_fail(self.periods)
        estimate = ProgressEstimate(len(periods))
        for period in periods:
            result = self._publish(target, period)
            if result:
                yield from self._events_of(target, period, result, len(periods))
            if len(periods) > 1:
                done = f"{result.counts.rows:,} rows" if result else "failed"
                self.context.log.info("%s: %s; %s", period, done, estimate.step())
        yield from self._check_events()
        if self.failures:
            raise dg.Failure(_failure_text(self.failures, periods), allow_retries=False)
        if len(periods) > 1:
            yield output_without_events(self.context)

    def periods(self) -> Sequence[Period | None]:
        """Return the Periods of the run in the order in which they are published."""
        cadence = self.cadence
        return [cadence.from_key(key) for key in self.context.partition_keys] if cadence else [None]

    def _check_events(self) -> Iterator[dg.AssetCheckResult]:
        """Yield one result for each check of the asset.

        A publication that is kept or read can be of an earlier definition, which had other checks.
        """
        expected = {spec.name for spec in self.context.assets_def.check_specs}
        reported: set[str | None] = set()
        for result in check_results(self.context.asset_key, self.check_results):
            if result.check_name in expected:
                reported.add(result.check_name)
                yield result
        for name in sorted(expected - reported) if not self.failures else ():
            text = "The publication is of an earlier definition, which has no such check"
            yield dg.AssetCheckResult(
                asset_key=self.context.asset_key,
                check_name=name,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=text,
            )

    def _publish(self, target: Target, period: Period | None) -> Materialization | None:
        name = period.id if period else None
        message = f"{name}: %s" if name else "%s"
        log = self.context.log

        def attempt(retries: int) -> Materialization:
            number = self.context.retry_number + retries
            return self.publish(target, period, number, lambda text: log.info(message, text))

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
        now, run_id = datetime.now(UTC), self.context.run.run_id
        warn = partial(log.warning, message)
        report_publication(self.catalog, target, result, run_id, now, lineage_sink(), warn)
        return result

    def _events_of(
        self, target: Target, period: Period | None, result: Materialization, count: int
    ) -> Iterator[Any]:
        metadata = materialization_metadata(result, target.warehouse.location(self.stem))
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
