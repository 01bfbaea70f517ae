"""Publish one Period of one dataset: resolve its sources, compile its query, and publish its rows.

`row_publisher.py` stages, audits and commits the rows. The steps, by their names in `seconds`, are: resolve,
compile, move, periods, estimate, lookups, compare, stage, audit, publish. A step that is not needed is
skipped. Dagster and the command line show the result; its `record` is stored with the rows (BR-116).
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.references import dataset_id
from dataset_assets.catalog.versions import Version
from dataset_assets.checks.drift import drift_results
from dataset_assets.checks.history import History
from dataset_assets.checks.results import CheckResult
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.errors import ContractError, ResolveError, raise_all
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, PublishedColumn, Record
from dataset_assets.publishing.bitemporal_publisher import BitemporalPublisher
from dataset_assets.publishing.dataset_ids import id_conflict, rename_notice
from dataset_assets.publishing.earlier_publications import history
from dataset_assets.publishing.loaded_periods import record_of_load, stored_period
from dataset_assets.publishing.period_coverage import PeriodChecks
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.publish_outcome import PublishOutcome, RefreshCounts
from dataset_assets.publishing.reuse import same_inputs, unchanged_load, unchanged_outcome
from dataset_assets.publishing.row_publisher import RowPublisher
from dataset_assets.publishing.run_context import RunContext, StepTimer, job_context
from dataset_assets.publishing.snapshot import sources_of
from dataset_assets.publishing.source_locator import ResolvedSources, SourceLocator, as_logical
from dataset_assets.publishing.source_stability import SourceStability
from dataset_assets.publishing.stored_periods import StoredPeriods
from dataset_assets.publishing.superseded import report_superseded
from dataset_assets.publishing.transfer import SourceTransfer
from dataset_assets.publishing.version_lock import permitted_version, planned_dataset_id
from dataset_assets.stats.statistics import Statistics
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.progress import Progress


@dataclass(frozen=True)
class Materialization:
    """A publication and how it was made. `seconds` holds the duration of each step by its name."""

    dataset: str
    period: str | None
    version: Version
    table_version: int
    as_of: datetime
    sql: str
    columns: tuple[PublishedColumn, ...]
    counts: RefreshCounts
    split_sizes: Mapping[str, int]
    statistics: Statistics
    checks: tuple[CheckResult, ...]
    digest: str
    sources: Mapping[str, str]
    size_bytes: int | None
    seconds: Mapping[str, float]
    usage: Mapping[str, int]
    """The engine's counters: `bytes_estimated`, `bytes_billed`, `bytes_moved`, `rows_moved`, `jobs`."""
    record: Record


@dataclass(frozen=True)
class _Resolution:
    """The sources of a run where they are stored, and the publications that it is compared with."""

    sources: ResolvedSources
    stability: SourceStability
    stored_periods: StoredPeriods
    missing_periods: Mapping[str, Sequence[str]]
    previous: Publication | None
    history: History


@system_errors_as_faults()
def materialize(catalog: Catalog, target: Target, request: Request, progress: Progress) -> Materialization:
    """Publish one Period of a dataset, or an unpartitioned dataset.

    If the digest of the rows equals that of the previous publication, that one is kept and no row is written.
    Raises DatasetAssetsError with every fault that a person can fix: ContractError, LockError, ResolveError,
    AuditError (nothing was published), SupersededError, PublishError.
    """
    with _opened(catalog, target, request, progress) as context, ExitStack() as stack:
        resolution = _resolve(context, stack)
        run = _compile(context, resolution)
        period_checks = _period_checks(context, resolution)
        outcome = _reuse(context, run, period_checks)
        if outcome is None:
            run = _transfer(context, resolution, run)
        query = context.query(run)
        sql = target.engine.dialect.render(query)
        if outcome is None:
            parts = (context, run, query, sql, resolution.stability, period_checks)
            bitemporal = request.period if run.is_bitemporal else None
            publisher = BitemporalPublisher(*parts, bitemporal) if bitemporal else RowPublisher(*parts)
            outcome = publisher.publish()
        outcome = _compare_with_history(context, resolution.history, outcome)
        context.warehouse.protect(request.entry.stem, run.columns, context.session)
        usage = context.usage
    return Materialization(
        dataset=request.entry.stem,
        period=context.claim.period,
        version=replace(context.version, number=outcome.record["version"], pending=False),
        as_of=request.looks_back_from.instant,
        sql=sql,
        columns=run.columns,
        split_sizes=outcome.statistics.splits,
        sources=sources_of(run, target),
        seconds=context.timer.seconds,
        usage=usage,
        **vars(outcome),
    )


@contextmanager
def _opened(catalog: Catalog, target: Target, request: Request, progress: Progress) -> Generator[RunContext]:
    """Open a session and claim the Period (BR-202). Raises LockError for a version that may not run."""
    scope = catalog.scope(request.entry)
    version = permitted_version(request, scope.dataset)
    job = job_context(request, version)
    with target.engine.connect(job) as session:
        claim = target.warehouse.claim(request.entry.stem, job.period, request.run_id, session)
        timer, transfer = StepTimer(progress), SourceTransfer(session, progress)
        context = RunContext(catalog, target, request, scope, version, session, claim, timer, transfer)
        with report_superseded(context.warehouse, claim, session):
            yield context


def _resolve(context: RunContext, stack: ExitStack) -> _Resolution:
    """Resolve every source; sessions of other engines remain open until `stack` closes.

    From then on `stack` raises ChangedError instead of an error that a changed source may have caused.
    """
    request, session, warehouse = context.request, context.session, context.warehouse
    with context.timer.step("resolve", "finding the tables"):
        locator = SourceLocator(
            context.scope,
            context.target,
            request.looks_back_from,
            request.period,
            request.entry.stem,
            dataset_id(request.entry),
        )
        sources = stack.enter_context(locator.resolve(session, context.job))
        period = stored_period(context.dataset, context.claim.period)
        previous = warehouse.current(request.entry.stem, period, session)
        _check_dataset_id(context, previous)
        past = history(context.catalog, request, warehouse, session)
        stability = SourceStability(locator, sources.inputs.relations, session)
        stack.enter_context(stability.explain())
        stored = StoredPeriods(locator, context.catalog.calendars)
        record = previous.record if previous else None
        if context.dataset.main_table.bitemporal:
            record = record_of_load(record, context.claim.period)
        missing = stored.missing(record) if record else {}
        if record and not request.without_gone:
            raise_all(ResolveError, stored.missing_faults(record))
    return _Resolution(sources, stability, stored, missing, previous, past)


def _check_dataset_id(context: RunContext, previous: Publication | None) -> None:
    """Report a file that was renamed. Raises ContractError if the publication has another dataset id."""
    raise_all(ContractError, id_conflict(context.dataset, previous.record if previous else None))
    if previous is None and (
        notice := rename_notice(context.request.entry, context.warehouse, context.session)
    ):
        context.timer.report(notice)


def _compile(context: RunContext, resolution: _Resolution) -> PreparedRun:
    """Compile the selection; sources that must be transferred first are read by their logical names."""
    with context.timer.step("compile", "compiling the query"):
        inputs = resolution.sources.with_transferred(as_logical)
        return PreparedRun(
            request=context.request,
            inputs=inputs,
            selection=compile_rows(inputs),
            version=context.version,
            dataset_id=planned_dataset_id(context),
            previous=resolution.previous,
            external_queries=resolution.sources.external_queries,
            periods=resolution.stored_periods.read(),
            missing_periods=resolution.missing_periods,
        )


def _period_checks(context: RunContext, resolution: _Resolution) -> PeriodChecks:
    is_external = context.scope.main in resolution.sources.external
    reads_freely = not is_external and not context.target.engine.bills_bytes
    return PeriodChecks(resolution.sources.inputs, resolution.stored_periods, reads_freely)


def _reuse(context: RunContext, run: PreparedRun, period_checks: PeriodChecks) -> PublishOutcome | None:
    """Return the previous publication as the outcome if query and source versions are the same, else None."""
    if run.previous is None or context.request.reread or not same_inputs(run, context.target):
        return None
    if run.is_bitemporal and run.period:
        return unchanged_load(run.previous, run.period)
    outcome = unchanged_outcome(run.previous)
    return replace(outcome, checks=period_checks.complete(outcome.checks))


def _transfer(context: RunContext, resolution: _Resolution, run: PreparedRun) -> PreparedRun:
    """Transfer the sources that the target's engine cannot read to its session (BR-004)."""
    if not resolution.sources.external:
        return run
    with context.timer.step("move", "moving tables to where the query runs"):
        inputs = resolution.sources.with_transferred(context.transfer)
        return run.with_transferred(inputs, context.transfer.usage)


def _compare_with_history(context: RunContext, earlier: History, outcome: PublishOutcome) -> PublishOutcome:
    """Add the results of the drift checks, which are not part of the stored record."""
    drift = drift_results(context.dataset, outcome.statistics, earlier.before(outcome.record))
    return replace(outcome, checks=(*outcome.checks, *drift))
