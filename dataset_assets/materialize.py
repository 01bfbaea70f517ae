"""One Period of one dataset, from its file to a publication (DESIGN section 5).

version → resolve → compile → stage → audit → publish. What comes back is what Dagster and the CLI show, and
`record` is the snapshot that stays with the rows (decision 16).
"""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlglot import exp

from dataset_assets.audit import (
    AuditError,
    CheckResult,
    Evidence,
    audit,
    declared_schema,
    lookups_unique,
    split_sizes,
)
from dataset_assets.contract.catalog import Catalog, Entry
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.errors import Fault, LockError
from dataset_assets.periods.period import Period
from dataset_assets.ports import (
    Progress,
    Publication,
    PublishedColumn,
    Session,
    Staged,
    Target,
)
from dataset_assets.relations import relations_of, source_key
from dataset_assets.rows.columns import Stamp
from dataset_assets.rows.encoding import digest_parts, fold_digest
from dataset_assets.rows.identity import Identity, Published, instant, row_metadata
from dataset_assets.selection.date_range import UTC_ZONE, AsOf
from dataset_assets.sql.build import assemble, column
from dataset_assets.sql.compile import ROWS, compile_rows
from dataset_assets.sql.question import Question
from dataset_assets.stats.profile import profile
from dataset_assets.stats.statistics import Statistics
from dataset_assets.versions import Version, lock_dataset, read_lock


@dataclass(frozen=True)
class Request:
    """What to materialize. `now` is the publication's instant; without `as_of` or a Period it is as-of too.

    `locked` refuses a Dataset whose structure its lock does not know (decision 15).
    """

    entry: Entry
    run_id: str
    now: datetime
    period: Period | None = None
    as_of: datetime | None = None
    project_id: UUID | None = None
    locked: bool = False

    @property
    def looks_back_from(self) -> AsOf:
        """Decision 6: a Period's end; without a Period the given as-of, or the run's instant."""
        if self.period:
            return AsOf(self.period.end, self.period.zone)
        return AsOf(self.as_of or self.now, UTC_ZONE)


@dataclass(frozen=True)
class RefreshCounts:
    """Rows of the publication, by what became of them since the one before (decision 18)."""

    rows: int
    added: int
    changed: int
    unchanged: int
    removed: int


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
    record: Mapping[str, Any]


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


@dataclass(frozen=True)
class Work:
    """One materialization, as far as it is settled before anything runs."""

    request: Request
    question: Question
    version: Version
    dataset_id: UUID
    before: Publication | None

    @property
    def period(self) -> str | None:
        """The Period's identifier."""
        return self.request.period.id if self.request.period else None

    @property
    def definitions(self) -> tuple[ColumnDef, ...]:
        """The user columns."""
        return tuple(output.definition for output in self.question.scope.outputs)

    @property
    def columns(self) -> tuple[PublishedColumn, ...]:
        """The user columns, as the warehouse is told of them."""
        return tuple(
            PublishedColumn(each.name, each.type, each.nullable, each.description, each.sensitive)
            for each in self.definitions
        )

    @property
    def stamp(self) -> Stamp:
        """What is written on new rows. Its instant is after that of the publication before (decision 17)."""
        now = self.request.now
        if self.before:
            last = datetime.fromisoformat(self.before.record["published_at"])
            now = max(now, last + timedelta(milliseconds=1))
        main, request = self.question.scope.main.name, self.request
        return Stamp(self.dataset_id, main, request.project_id, request.run_id, now, self.period)

    def query(self, *, bucketed: bool) -> exp.Query:
        """The rows and their metadata: all that is published."""
        dataset = self.question.dataset
        order = "timestamp" if dataset.column_mapping else None
        identity = Identity(self.definitions, dataset.natural_key_columns, order)
        before = Published(self.before.relation.source, self._columns_before()) if self.before else None
        rows = compile_rows(self.question)
        return assemble((*rows, *row_metadata(ROWS, identity, self.stamp, before, bucketed=bucketed)))

    def _columns_before(self) -> tuple[ColumnDef, ...]:
        columns = self.before.record["columns"] if self.before else ()
        return tuple(ColumnDef(name=each["name"], type=each["type"]) for each in columns)


def materialize(catalog: Catalog, target: Target, request: Request, progress: Progress) -> Materialization:
    """Publishes one Period of a dataset, or an unpartitioned dataset.

    Raises DatasetAssetsError with everything a person can mend: ContractError, LockError, ResolveError,
    AuditError (nothing was published), SupersededError, PublishError.
    """
    clock = Clock(progress)
    stem, as_of, warehouse = request.entry.stem, request.looks_back_from, target.warehouse
    with clock.step("version", f"{stem}: checking the file and its lock"):
        scope = catalog.scope(request.entry)
        version, dataset_id = _versioned(request, scope.dataset)
    with target.engine.connect() as session:
        claim = warehouse.claim(stem, request.period.id if request.period else None, request.run_id)
        with clock.step("resolve", "finding the tables"):
            relations = relations_of(scope, target, as_of, request.period, session)
            before = warehouse.current(stem, claim.period, session)
        with clock.step("compile", "compiling the query"):
            question = Question(scope, relations, as_of, request.period)
            work = Work(request, question, version, dataset_id, before)
            query = work.query(bucketed=target.engine.dialect.sorts_in_one_place)
            sql = target.engine.dialect.render(query)
        with clock.step("lookups", "checking that lookups have one row for a key"):
            unique = lookups_unique(question, session)
            if not unique.passed:
                raise AuditError([unique])
        with clock.step("stage", "running the query"):
            staged = warehouse.stage(claim, query, session)
        try:
            with clock.step("audit", "checking the rows and computing their statistics"):
                found = _examine(work, staged, session, unique)
            with clock.step("publish", f"publishing {found.counts.rows:,} rows"):
                record = _record(work, target, found, sql)
                table_version = warehouse.publish(claim, staged, work.columns, record)
        except BaseException:
            warehouse.discard(claim, staged)
            raise
    return Materialization(
        dataset=stem,
        period=claim.period,
        version=version,
        table_version=table_version,
        as_of=as_of.instant,
        sql=sql,
        columns=work.columns,
        split_sizes=split_sizes(found.statistics),
        sources=record["sources"],
        size_bytes=staged.size_bytes(),
        seconds=clock.seconds,
        record=record,
        **vars(found),
    )


@dataclass(frozen=True)
class Examined:
    """What the audit step found out about the staged rows."""

    counts: RefreshCounts
    statistics: Statistics
    checks: tuple[CheckResult, ...]
    digest: str


def _versioned(request: Request, dataset: Dataset) -> tuple[Version, UUID]:
    """The version that is published, and the dataset's id; an unlocked one is locked first (decision 15)."""
    entry = request.entry
    version = entry.lock.version_of(dataset)
    if version.pending and request.locked:
        raise LockError(
            Fault(
                f"{entry.stem} has changed since its lock was written ({version.summary})",
                mend="run `dataset-assets lock` and commit the lock; this target only runs locked versions",
            )
        )
    if version.pending or dataset.id is None:
        version = lock_dataset(entry.path, entry.lock_path, dataset, request.now)
    dataset_id = dataset.id or read_lock(entry.lock_path).id
    if dataset_id is None:
        raise LockError(Fault(f"{entry.stem} has no id", mend="run `dataset-assets lock`"))
    return version, dataset_id


def _examine(work: Work, staged: Staged, session: Session, unique: CheckResult) -> Examined:
    """One pass for statistics, digest and counts, then the checks."""
    columns, now = work.columns, instant(work.stamp)
    is_new = exp.EQ(this=column("_created_at"), expression=now)
    is_touched = exp.EQ(this=column("_updated_at"), expression=now.copy())
    parts = digest_parts(columns)
    extra = {
        **parts,
        "added": exp.CountIf(this=is_new),
        "touched": exp.CountIf(this=is_touched),
    }
    source = staged.relation.source
    split = "split" if work.question.dataset.split_config else None
    statistics = profile(session, source, columns, split, extra)
    totals = {name: int(total or 0) for name, total in statistics.extra.items()}
    evidence = Evidence(work.question, source, columns, statistics, session)
    checks = audit(evidence, (declared_schema(staged.relation, columns), unique))
    counts = _counts(work, statistics.row_count, totals["added"], totals["touched"])
    digest = fold_digest(columns, {name: totals[name] for name in parts})
    return Examined(counts, statistics, checks, digest)


def _counts(work: Work, rows: int, added: int, touched: int) -> RefreshCounts:
    before = int(work.before.record["counts"]["rows"]) if work.before else 0
    kept, changed = rows - added, touched - added
    return RefreshCounts(rows, added, changed, kept - changed, before - kept)


def _record(work: Work, target: Target, found: Examined, sql: str) -> dict[str, Any]:
    """The snapshot (decision 16): plain JSON, enough to say what these rows are and to make them again."""
    question, request = work.question, work.request
    resolver = target.resolver(question.dataset.resolver_id)
    sources = (question.scope.main, *question.scope.lookups)
    window = question.window
    return {
        "dataset": request.entry.stem,
        "dataset_id": str(work.dataset_id),
        "version": work.version.number,
        "sha256": work.version.sha256,
        "period": work.period,
        "period_start": request.period.start.isoformat() if request.period else None,
        "as_of": question.as_of.instant.isoformat(),
        "window": [window.start.instant.isoformat(), window.end.instant.isoformat()] if window else None,
        "published_at": work.stamp.instant.astimezone(UTC).isoformat(),
        "run_id": request.run_id,
        "project_id": str(request.project_id) if request.project_id else None,
        "target": target.name,
        "sources": {source_key(each, resolver): question.relations[each.name].version for each in sources},
        "definition": question.dataset.model_dump(mode="json", exclude_defaults=True),
        "columns": [{"name": c.name, "type": c.type.value, "nullable": c.nullable} for c in work.columns],
        "counts": asdict(found.counts),
        "digest": found.digest,
        "statistics": found.statistics.model_dump(mode="json"),
        "checks": [asdict(check) for check in found.checks],
        "sql": sql,
    }
