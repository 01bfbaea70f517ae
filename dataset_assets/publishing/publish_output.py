"""Publish one Period of a Project's output: the rows of its dataset after the Project's operations.

The steps, by their names in `seconds`, are: resolve, compare, stage, audit, publish. A run that finds nothing
changed keeps the publication before. The result is that of a dataset, so that Dagster and the command line
show both alike.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.versions import Version
from dataset_assets.checks.row_checks import OUTPUT_CHECKS, Evidence, declared_schema, run_checks
from dataset_assets.errors import ChangedError, ContractError, DatasetAssetsError, Fault
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.record_marks import CONFIRMATION
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Claim, Publication, Record, Staged
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.publishing.output_query import OutputQuery, RowCounts
from dataset_assets.publishing.output_record import output_inputs, output_record
from dataset_assets.publishing.output_sources import (
    STATE,
    OutputRequest,
    OutputSources,
    earlier_output,
    output_id,
    output_sources,
    previous_output,
)
from dataset_assets.publishing.prepared_run import instant_after
from dataset_assets.publishing.project_version import LockedProject, locked_project
from dataset_assets.publishing.publish_outcome import PublishOutcome
from dataset_assets.publishing.reuse import reuse_blockers, unchanged_outcome
from dataset_assets.publishing.row_measurement import measure_visible
from dataset_assets.publishing.run_context import StepTimer
from dataset_assets.publishing.runtime_view import create_view
from dataset_assets.publishing.snapshot import latest_inputs
from dataset_assets.publishing.superseded import report_superseded
from dataset_assets.rows.output_rows import EarlierOutput, OutputStamp
from dataset_assets.rows.visible_rows import visible_rows
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.progress import Progress


@system_errors_as_faults()
def publish_output(
    catalog: Catalog, target: Target, request: OutputRequest, progress: Progress
) -> Materialization:
    """Publish one Period of an output, or keep the publication before if nothing changed.

    Raises DatasetAssetsError: ResolveError if the dataset is not published, LockError, AuditError (nothing
    was published), ChangedError if the dataset was published meanwhile, SupersededError, PublishError.
    """
    timer = StepTimer(progress)
    project = locked_project(catalog, request)
    with _opened(target, request) as (session, claim), report_superseded(target.warehouse, claim, session):
        with timer.step("resolve", "finding the publications"):
            sources = output_sources(catalog, target.warehouse, request, session)
            previous = previous_output(request, target.warehouse, session)
        run = _OutputRun(target, project, sources, previous, session, claim, timer)
        return run.publish()


@contextmanager
def _opened(target: Target, request: OutputRequest) -> Generator[tuple[Session, Claim]]:
    stem, period = request.output.stem, request.period_id
    job = JobContext(stem, period, run_id=request.run_id, attempt=request.attempt)
    with target.engine.connect(job) as session:
        yield session, target.warehouse.claim(stem, period, request.run_id, session)


@dataclass(frozen=True)
class _OutputRun:
    """One run of one Period of an output. `previous` is the publication that it replaces."""

    target: Target
    project: LockedProject
    sources: OutputSources
    previous: Publication | None
    session: Session
    claim: Claim
    timer: StepTimer

    @property
    def request(self) -> OutputRequest:
        """The request of the run."""
        return self.sources.request

    @cached_property
    def now(self) -> datetime:
        """The instant of the publication, after that of the one that it replaces (BR-117)."""
        return instant_after(self.previous.record if self.previous else None, self.request.now)

    @cached_property
    def before(self) -> EarlierOutput:
        """The rows that are recognized by their ids."""
        return earlier_output(self.sources, self.previous, self.target.warehouse, self.session)

    @cached_property
    def query(self) -> OutputQuery:
        """The queries of the rows and of their counts."""
        stamp = OutputStamp(self.project.id, self.request.run_id, self.now, self.request.period_id)
        return OutputQuery(self.sources, self.before, stamp)

    def publish(self) -> Materialization:
        """Publish the rows, or keep the publication before if it has the same."""
        self._check_id()
        outcome = self._kept()
        if outcome is None:
            with self.timer.step("compare", "applying the operations and comparing with what is published"):
                counts = self.query.counted(self.previous, self.session)
            self._report_idle(counts)
            outcome = self._confirmed(counts) or self._stage_and_publish(counts)
        columns = self.sources.published.stored
        self.target.warehouse.protect(self.request.output.stem, columns, self.session)
        try:
            remark = create_view(self.target, self.sources, self.session)
        except DatasetAssetsError as error:  # the rows are published
            remark = f"the view of {self.request.output.stem} is not up to date: {error}"
        if remark:
            self.timer.report(remark)
        return self._materialization(outcome)

    def _report_idle(self, counts: RowCounts) -> None:
        """Report the operations that touched no row: a mistyped value is no error of a condition."""
        operations = zip(self.sources.operations, counts.touched, strict=True)
        for number, (each, rows) in enumerate(operations, 1):
            if not rows:
                self.timer.report(f"operation {number}, {each.operation.words}, touched no row")

    def _check_id(self) -> None:
        """Raise ContractError if the table was published by something else than this output."""
        own, record = output_id(self.project.id, self.request.output.step.name), self.previous
        if record and record.record["dataset_id"] != str(own):
            message = f"the table {self.request.output.stem} was not published by this output"
            raise ContractError(Fault(message, hint="choose another name for the output"))

    def _kept(self) -> PublishOutcome | None:
        """Return the publication before if it is made of the same; None if it is not known to be."""
        if self.previous is None or self.request.reread:
            return None
        if latest_inputs(self.previous.record).get(STATE) != self.sources.state:
            return None
        return unchanged_outcome(self.previous)

    def _confirmed(self, counts: RowCounts) -> PublishOutcome | None:
        """Record what equal rows are made of now, and return the publication before; None if they differ."""
        previous = self.previous
        if previous is None or not counts.are_as_before or not self._describes_today(previous.record):
            return None
        confirmed = {**output_inputs(self.sources), "confirmed_at": self.now.astimezone(UTC).isoformat()}
        record = {**previous.record, CONFIRMATION: confirmed}
        self._check_sources()
        self.target.warehouse.confirm_unchanged(self.claim, previous, record, self.session)
        return unchanged_outcome(replace(previous, record=record))

    def _describes_today(self, record: Record) -> bool:
        """Return whether a record of the same rows says of them what a run today would say."""
        if not self.before.has_columns or record["definition"] != self.sources.record["definition"]:
            return False
        return not any(reuse_blockers(record, self.sources.dataset, self.sources.published.definitions))

    def _stage_and_publish(self, counts: RowCounts) -> PublishOutcome:
        """Stage the rows, check them, and publish them in one commit; discard them on every error."""
        warehouse = self.target.warehouse
        with self.timer.step("stage", "writing the rows"):
            staged = warehouse.stage(self.claim, self.query.rows, self.session)
        try:
            return self._commit(staged, counts)
        except BaseException:
            warehouse.discard(self.claim, staged, self.session)
            raise

    def _commit(self, staged: Staged, counts: RowCounts) -> PublishOutcome:
        columns, rows = self.sources.published, staged.relation.source
        with self.timer.step("audit", "checking the rows and computing their statistics"):
            visible = visible_rows(rows) if counts.deleted else rows
            found = measure_visible(columns, visible, self.session)
            hint = f"look at the operations of projects/{self.request.output.project}.yaml"
            evidence = Evidence(
                columns.scope,
                visible,
                columns.stored,
                found.statistics,
                self.session,
                self.sources.names,
                rows,
                hint,
                hint,
                hint,
            )
            schema = declared_schema(staged.relation, columns.stored)
            checks = run_checks(OUTPUT_CHECKS, evidence, (schema,))
            self._check_sources()
        version = self.project.locked(self.request)
        size = staged.size_bytes()
        record = self._record(version, counts) | {
            "digest": found.digest,
            "size_bytes": size,
            "statistics": found.statistics.model_dump(mode="json"),
            "checks": [asdict(each) for each in checks],
        }
        with self.timer.step("publish", f"publishing {counts.refresh.rows:,} rows"):
            number = self.target.warehouse.publish(self.claim, staged, columns.stored, record, self.session)
        return PublishOutcome(counts.refresh, found.statistics, checks, found.digest, record, number, size)

    def _check_sources(self) -> None:
        if not (self.target.warehouse.keeps_rows or self.sources.is_current()):
            message = f"{self.request.output.dataset} was published while it was read"
            raise ChangedError(Fault(message, hint="run again"))

    def _record(self, version: int, counts: RowCounts) -> dict[str, Any]:
        """Return the record of a run without the figures that the rows give."""
        return output_record(self.sources, version, counts) | {
            "replaces": self.previous.version if self.previous else None,
            "published_at": self.now.astimezone(UTC).isoformat(),
            "project_id": str(self.project.id),
            "target": self.target.name,
            "dataset_id": str(output_id(self.project.id, self.request.output.step.name)),
            "sql": self.target.engine.dialect.render(self.query.rows),
        }

    def _materialization(self, outcome: PublishOutcome) -> Materialization:
        record = outcome.record
        return Materialization(
            dataset=self.request.output.stem,
            period=self.request.period_id,
            version=Version(record["version"], record["sha256"], pending=False, kind="same", summary=""),
            as_of=datetime.fromisoformat(record["as_of"]),
            sql=record["sql"],
            columns=self.sources.published.stored,
            split_sizes=outcome.statistics.splits,
            sources=self.sources.versions,
            seconds=self.timer.seconds,
            usage=dict(self.session.usage),
            **vars(outcome),
        )
