"""One Period of one dataset, from its file to a publication.

version → resolve → compile → estimate → compare → stage → audit → publish. What comes back is what Dagster
and the CLI show, and `record` is the snapshot that stays with the rows (BR-116).
"""

import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import uuid6
from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.versions import Version, lock_dataset, read_lock
from dataset_assets.checks.audit import AuditError, CheckResult, Evidence, audit, declared_schema
from dataset_assets.checks.drift import compared
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import (
    ContractError,
    DataError,
    Fault,
    LockError,
    ResolveError,
    raise_all,
    system_errors_as_faults,
)
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Claim, Publication, PublishedColumn, Record, Staged
from dataset_assets.publishing.dataset_ids import another_id, renamed
from dataset_assets.publishing.earlier_publications import history
from dataset_assets.publishing.period_coverage import PeriodChecks, merged
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.reuse import (
    PublishOutcome,
    RefreshCounts,
    can_reuse,
    same_inputs,
    unchanged_outcome,
)
from dataset_assets.publishing.snapshot import confirmation, snapshot, sources_of
from dataset_assets.publishing.source_locator import SourceLocator, named_only
from dataset_assets.publishing.source_stability import Stability
from dataset_assets.publishing.stored_periods import StoredPeriods
from dataset_assets.publishing.transfer import SourceTransfer
from dataset_assets.rows.encoding import content_digest, digest_parts, fold_digest
from dataset_assets.rows.stamping import instant
from dataset_assets.sql.build import assemble, column
from dataset_assets.stats.profile import profile
from dataset_assets.stats.statistics import Statistics
from dataset_assets.text.atomic_files import write_lock
from dataset_assets.text.progress import Progress
from dataset_assets.text.wording import size_text


@dataclass(frozen=True)
class Materialization:
    """A publication, and all that is known of how it came about. `seconds` is by step."""

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
    """What the engine counts: `bytes_estimated`, `bytes_billed`, `bytes_moved`, `rows_moved`, `jobs`."""
    record: Record


@dataclass
class Clock:
    """Tells what is being done, and how long each step took."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, sentence: str) -> Generator[None]:
        """Times one step under its name."""
        self.progress(sentence)
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 4)


@system_errors_as_faults()
def materialize(catalog: Catalog, target: Target, request: Request, progress: Progress) -> Materialization:
    """Publishes one Period of a dataset, or an unpartitioned dataset.

    Where the rows are what they were, by their digest, the publication before stands and no row is written.
    Raises DatasetAssetsError with everything a person can fix: ContractError, LockError, ResolveError,
    AuditError (nothing was published), SupersededError, PublishError.
    """
    clock = Clock(progress)
    stem, as_of, dialect = request.entry.stem, request.looks_back_from, target.engine.dialect
    scope = catalog.scope(request.entry)
    _refuse_unlocked(request, scope.dataset)
    job = _job_context(request, scope.dataset)
    with ExitStack() as opened:
        session = opened.enter_context(target.engine.connect(job))
        mover = SourceTransfer(session, progress)
        claim = target.warehouse.claim(stem, job.period, request.run_id, session)
        opened.enter_context(_telling_who_took_over(target, claim, session))
        with clock.step("resolve", "finding the tables"):
            places = SourceLocator(scope, target, as_of, request.period)
            found = opened.enter_context(places.find(session, job))
            before = target.warehouse.current(stem, claim.period, session)
            _compare_ids(scope.dataset, request, before, target, session, progress)
            past = history(catalog, request, target.warehouse, session)
            stable = Stability(places, found.there.relations, session)
            opened.enter_context(stable.explain())
            stored = StoredPeriods(places, catalog.calendars)
            gone = stored.gone(before.record) if before else {}
            if before and not request.without_gone:
                raise_all(ResolveError, stored.faults(before.record))
        with clock.step("compile", "compiling the query"):
            asked = found.with_transferred(named_only)
            selection = compile_rows(asked)
            version, dataset_id = _versioned(request, scope.dataset)
            work = PreparedRun(request, asked, selection, version, dataset_id, before, found.texts)
            work = replace(work, periods=stored.read(), gone=gone)
            is_free = scope.main not in found.apart and not target.engine.bills_bytes
            by_period = PeriodChecks(found.there, stored, is_free)
        stands = before and not request.reread and same_inputs(work, target)
        outcome = unchanged_outcome(before) if before and stands else None
        if outcome is None and found.apart:
            with clock.step("move", "moving tables to where the query runs"):
                work = work.moved(found.with_transferred(mover), mover.usage)
        query = work.query(bucketed=dialect.sorts_in_one_place)
        sql = dialect.render(query)
        if outcome is None:
            with _naming_columns(work.inputs, session):
                with clock.step("periods", "checking the Periods of the main table"):
                    warnings = by_period.run(session)
                outcome = _looked_at(work, target, claim, query, sql, session, clock, stable, warnings)
                outcome = replace(outcome, checks=merged(outcome.checks, warnings))
        else:
            outcome = replace(outcome, checks=by_period.complete(outcome.checks))
        drift = compared(scope.dataset, outcome.statistics, past.before(outcome.record))
        outcome = replace(outcome, checks=(*outcome.checks, *drift))
        usage = Counter(session.usage)
        usage.update(mover.usage)
    return Materialization(
        dataset=stem,
        period=claim.period,
        version=replace(version, number=outcome.record["version"], pending=False),
        as_of=as_of.instant,
        sql=sql,
        columns=work.columns,
        split_sizes=outcome.statistics.splits,
        sources=sources_of(work, target),
        seconds=clock.seconds,
        usage=dict(usage),
        **vars(outcome),
    )


@contextmanager
def _telling_who_took_over(target: Target, claim: Claim, session: Session) -> Generator[None]:
    """A run that takes over removes what this one staged and was moved: that is then the reason to tell."""
    try:
        yield
    except Exception:
        target.warehouse.confirm(claim, session)
        raise


@contextmanager
def _naming_columns(inputs: SelectionInput, session: Session) -> Generator[None]:
    """An engine says that a value does not fit its type, and not whose: that is looked for then."""
    try:
        yield
    except DataError:
        raise_all(ResolveError, cast_failures(inputs, session))
        raise


def _compare_ids(
    dataset: Dataset,
    request: Request,
    before: Publication | None,
    target: Target,
    session: Session,
    progress: Progress,
) -> None:
    """Tells of a file that was renamed. Raises ContractError if what is published has another id."""
    raise_all(ContractError, another_id(dataset, before.record if before else None))
    if before is None and (told := renamed(request.entry, target.warehouse, session)):
        progress(told)


def _job_context(request: Request, dataset: Dataset) -> JobContext:
    version = request.entry.lock.version_of(dataset).number
    period = request.period.id if request.period else None
    return JobContext(request.entry.stem, period, version, request.run_id, request.attempt)


def _looked_at(
    work: PreparedRun,
    target: Target,
    claim: Claim,
    query: exp.Query,
    sql: str,
    session: Session,
    clock: Clock,
    stable: Stability,
    warnings: tuple[CheckResult, ...],
) -> PublishOutcome:
    """What came of rows that had to be read: the publication before stands, or there is a new one."""
    reads = _estimated(query, target, session, clock)
    with clock.step("lookups", "checking that lookups have one row for a key"):
        unique = lookups_unique(work.inputs, session)
        if not unique.passed:
            raise AuditError([unique])
    before = work.before if can_reuse(work) else None
    if before and not target.engine.bills_bytes:
        with clock.step("compare", "comparing with the publication before"):
            rows = assemble(work.selection).subquery("selected_rows")
            if content_digest(session, rows, work.measured) == before.record["digest"]:
                stable.confirm()
                return _confirmed(work, before, target, claim, session)
    return _publication(work, target, claim, query, sql, unique, session, clock, reads, stable, warnings)


def _estimated(query: exp.Query, target: Target, session: Session, clock: Clock) -> str:
    """What the query would read, in words. Raises BudgetError before anything of it is billed."""
    if not target.engine.bills_bytes:
        return ""
    with clock.step("estimate", "asking what the query would read"):
        found = session.estimate(query)
    return f", which reads {size_text(found)}" if found is not None else ""


def _publication(
    work: PreparedRun,
    target: Target,
    claim: Claim,
    query: exp.Query,
    sql: str,
    unique: CheckResult,
    session: Session,
    clock: Clock,
    reads: str,
    stable: Stability,
    warnings: tuple[CheckResult, ...],
) -> PublishOutcome:
    """Stages the rows, audits them, and publishes them in one commit."""
    with clock.step("stage", f"running the query{reads}"):
        staged = target.warehouse.stage(claim, query, session)
    try:
        with clock.step("audit", "checking the rows and computing their statistics"):
            statistics, added, touched, digest = _profile(work, staged, session)
            evidence = Evidence(work.inputs, staged.relation.source, work.columns, statistics, session)
            checks = audit(evidence, (declared_schema(staged.relation, work.columns), unique))
            checks = merged(checks, warnings)
            stable.confirm()
        if work.before and can_reuse(work) and digest == work.before.record["digest"]:
            target.warehouse.discard(claim, staged, session)
            return _confirmed(work, work.before, target, claim, session)
        counts = _counts(work, statistics.row_count, added, touched)
        work = _locked(work, target, claim, session)
        record = snapshot(work, target, sql) | {
            "counts": asdict(counts),
            "digest": digest,
            "size_bytes": staged.size_bytes(),
            "statistics": statistics.model_dump(mode="json"),
            "checks": [asdict(check) for check in checks],
        }
        with clock.step("publish", f"publishing {counts.rows:,} rows"):
            version = target.warehouse.publish(claim, staged, work.columns, record, session)
    except BaseException:
        target.warehouse.discard(claim, staged, session)
        raise
    return PublishOutcome(counts, statistics, checks, digest, record, version, staged.size_bytes())


def _confirmed(
    work: PreparedRun, before: Publication, target: Target, claim: Claim, session: Session
) -> PublishOutcome:
    """The publication before, of which it is known from now on that its rows are those of the sources now."""
    if all(sources_of(work, target).values()):
        target.warehouse.confirm_unchanged(claim, before, confirmation(work, target, before.record), session)
    return unchanged_outcome(before)


def _refuse_unlocked(request: Request, dataset: Dataset) -> None:
    """BR-115: in production only versions that are in their lock run."""
    version = request.entry.lock.version_of(dataset)
    if version.pending and request.locked:
        message = f"{request.entry.stem} has changed since its lock was written ({version.summary})"
        hint = "run `dataset-assets lock` and commit the lock; this target only runs locked versions"
        raise LockError(Fault(message, hint=hint))


def _versioned(request: Request, dataset: Dataset) -> tuple[Version, UUID]:
    """The version that would be published, and the dataset's id. Neither is in the lock before `_locked`.

    Raises LockError now rather than then, where the lock cannot be written.
    """
    entry = request.entry
    version, known = entry.lock.version_of(dataset), dataset.id or read_lock(entry.lock_path).id
    if version.pending or known is None:
        with write_lock(entry.lock_path):
            pass
    return version, known or uuid6.uuid7()


def _locked(work: PreparedRun, target: Target, claim: Claim, session: Session) -> PreparedRun:
    """The work with its version in the lock (BR-115). Raises SupersededError, and then locks nothing.

    A run that fails leaves the lock as it was, so this is called when nothing but the commit is left. The
    number may be another than the one that was pending, where another structure was locked meanwhile.
    """
    entry, dataset = work.request.entry, work.inputs.dataset
    if not work.version.pending and read_lock(entry.lock_path).id:
        return work
    target.warehouse.confirm(claim, session)
    new_id = None if dataset.id else work.dataset_id
    return replace(work, version=lock_dataset(entry.path, entry.lock_path, dataset, work.request.now, new_id))


def _profile(work: PreparedRun, staged: Staged, session: Session) -> tuple[Statistics, int, int, str]:
    """Statistics, how many rows are new and how many touched, and the digest: one pass over the rows."""
    now = instant(work.stamp)
    parts = digest_parts(work.measured)
    extra = {
        **parts,
        "added": exp.CountIf(this=exp.EQ(this=column("_created_at"), expression=now)),
        "touched": exp.CountIf(this=exp.EQ(this=column("_updated_at"), expression=now.copy())),
    }
    split = "split" if work.inputs.dataset.split_config else None
    found = profile(session, staged.relation.source, work.profiled, split, extra)
    columns = {name: found.columns[duplicate] for name, duplicate in work.duplicate_columns.items()}
    statistics = found.model_copy(update={"columns": columns})
    totals = {name: int(Decimal(total or 0)) for name, total in statistics.extra.items()}
    digest = fold_digest(work.measured, {name: totals[name] for name in parts})
    return statistics, totals["added"], totals["touched"], digest


def _counts(work: PreparedRun, rows: int, added: int, touched: int) -> RefreshCounts:
    before = int(work.before.record["counts"]["rows"]) if work.before else 0
    kept, changed = rows - added, touched - added
    return RefreshCounts(rows, added, changed, kept - changed, before - kept)
