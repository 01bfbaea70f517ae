"""Read the rows of a prepared run, audit them, and publish them unless they equal those published already."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from sqlglot import exp

from dataset_assets.checks.audit import audit
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.checks.row_checks import declared_schema
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.errors import DataError, ResolveError, raise_all
from dataset_assets.ports.warehouse import Publication, Staged
from dataset_assets.publishing.erased_rows import erased_figures
from dataset_assets.publishing.period_coverage import PeriodChecks, merged
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.publish_outcome import PublishOutcome
from dataset_assets.publishing.reuse import can_reuse, unchanged_outcome
from dataset_assets.publishing.row_measurement import RowMeasurement, measure
from dataset_assets.publishing.run_context import RunContext
from dataset_assets.publishing.selected_rows import SelectedRows, store_selected_rows
from dataset_assets.publishing.snapshot import confirmation, snapshot, sources_of
from dataset_assets.publishing.source_stability import SourceStability
from dataset_assets.publishing.version_lock import lock_version
from dataset_assets.rows.visible_rows import selected_digest, visible_rows
from dataset_assets.text.wording import size_text


@dataclass(frozen=True)
class RowPublisher:
    """Publishes the rows of one prepared run. `query` selects them with system columns, `sql` is its text."""

    context: RunContext
    run: PreparedRun
    query: exp.Query
    sql: str
    stability: SourceStability
    period_checks: PeriodChecks

    def publish(self) -> PublishOutcome:
        """Publish the rows, or confirm the previous publication if it has the same rows.

        Raises AuditError, ChangedError, SupersededError, BudgetError or PublishError, and ResolveError if a
        value does not fit the declared type of its column.
        """
        with self._report_cast_failures():
            warnings = self._check_periods()
            estimate = self._estimate()
            lookups = self._check_lookups()
            selected = self._select_for_comparison()
            if (previous := self._kept(selected.digest if selected else None)) is not None:
                self.stability.confirm()
                outcome = self._confirm(previous)
            else:
                outcome = self._stage_and_publish(selected, estimate, lookups, warnings)
        return replace(outcome, checks=merged(outcome.checks, warnings))

    @contextmanager
    def _report_cast_failures(self) -> Generator[None]:
        """Raise ResolveError with the columns whose values do not fit: an engine's error names none."""
        try:
            yield
        except DataError:
            raise_all(ResolveError, cast_failures(self.run.inputs, self.context.session))
            raise

    def _check_periods(self) -> tuple[CheckResult, ...]:
        with self.context.timer.step("periods", "checking the Periods of the main table"):
            return self.period_checks.run(self.context.session)

    def _estimate(self) -> str:
        """Describe how many bytes the query would read; empty if that costs nothing.

        Raises BudgetError before any of it is billed.
        """
        if not self.context.target.engine.bills_bytes:
            return ""
        with self.context.timer.step("estimate", "asking what the query would read"):
            size = self.context.session.estimate(self.query)
        return f", which reads {size_text(size)}" if size is not None else ""

    def _check_lookups(self) -> CheckResult:
        """Raise AuditError if a lookup has more than one row for a key (BR-111)."""
        with self.context.timer.step("lookups", "checking that lookups have one row for a key"):
            unique = lookups_unique(self.run.inputs, self.context.session)
            if not unique.passed:
                raise AuditError([unique])
        return unique

    def _select_for_comparison(self) -> SelectedRows | None:
        """Store the selected rows, to compare them before they are staged.

        Return None if the previous publication cannot be kept, or if storing costs money.
        """
        if not can_reuse(self.run) or self.context.target.engine.bills_bytes:
            return None
        with self.context.timer.step("compare", "comparing with the publication before"):
            return store_selected_rows(self.run, self.context.session)

    def _kept(self, digest: str | None) -> Publication | None:
        """Return the previous publication if it can be kept and its rows have this digest."""
        previous = self.run.previous if can_reuse(self.run) else None
        return previous if previous and selected_digest(previous.record) == digest else None

    def _confirm(self, previous: Publication) -> PublishOutcome:
        """Record that the previous publication has the rows of today's sources, and report it as unchanged.

        Nothing is recorded if the version of a source is unknown.
        """
        context = self.context
        if all(sources_of(self.run, context.target).values()):
            record = confirmation(self.run, context.target, previous.record)
            context.warehouse.confirm_unchanged(context.claim, previous, record, context.session)
        return unchanged_outcome(previous)

    def _stage_and_publish(
        self,
        selected: SelectedRows | None,
        estimate: str,
        lookups: CheckResult,
        warnings: Sequence[CheckResult],
    ) -> PublishOutcome:
        """Stage the rows, audit them, and publish them in one commit; discard them on every error."""
        context = self.context
        query = context.query(selected.selected_by(self.run)) if selected else self.query
        with context.timer.step("stage", f"running the query{estimate}"):
            staged = context.warehouse.stage(context.claim, query, context.session)
        try:
            measured, checks = self._audit(staged, selected, lookups, warnings)
            if (previous := self._kept(measured.selected_digest)) is not None:
                context.warehouse.discard(context.claim, staged, context.session)
                return self._confirm(previous)
            return self._commit(staged, measured, checks)
        except BaseException:
            context.warehouse.discard(context.claim, staged, context.session)
            raise

    def _audit(
        self,
        staged: Staged,
        selected: SelectedRows | None,
        lookups: CheckResult,
        warnings: Sequence[CheckResult],
    ) -> tuple[RowMeasurement, tuple[CheckResult, ...]]:
        """Measure and check the staged rows. Raises AuditError, and ChangedError if a source changed."""
        run, session = self.run, self.context.session
        with self.context.timer.step("audit", "checking the rows and computing their statistics"):
            measured = measure(run, staged, selected, session)
            rows = staged.relation.source
            visible = visible_rows(rows) if measured.deleted_rows else rows
            evidence = SelectionEvidence.of(
                run.inputs, visible, run.columns, measured.statistics, session, rows
            )
            checks = audit(evidence, (declared_schema(staged.relation, run.columns), lookups))
            self.stability.confirm()
        return measured, merged(checks, warnings)

    def _commit(
        self, staged: Staged, measured: RowMeasurement, checks: tuple[CheckResult, ...]
    ) -> PublishOutcome:
        """Lock the version, then publish the staged rows with their record (BR-116)."""
        context = self.context
        run, size = lock_version(context, self.run), staged.size_bytes()
        counts, statistics, digest = measured.counts, measured.statistics, measured.digest
        record = snapshot(run, context.target, self.sql) | {
            "counts": asdict(counts),
            "digest": digest,
            "size_bytes": size,
            "statistics": statistics.model_dump(mode="json"),
            "checks": [asdict(check) for check in checks],
            **measured.of_deleted,
            **erased_figures(run.inputs, context.session),
        }
        with context.timer.step("publish", f"publishing {counts.rows:,} rows"):
            version = context.warehouse.publish(context.claim, staged, run.columns, record, context.session)
        return PublishOutcome(counts, statistics, checks, digest, record, version, size)
