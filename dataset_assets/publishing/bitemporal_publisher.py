"""Load the rows of a prepared run into a bitemporal table as the snapshot of their Period (BR-121).

The snapshot is selected, checked and kept in the session first. Then the table is claimed, and the snapshot
is put into it. If a load of another Period claims the table meanwhile, only this last part is repeated: all
loads at the same time are published, one after the other.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.checks.audit import audit
from dataset_assets.checks.results import CheckResult, raise_failed
from dataset_assets.checks.row_checks import declared_schema
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.checks.valid_times import check_valid_times
from dataset_assets.errors import ContractError, Fault, SupersededError, raise_all
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Claim, Publication, Staged
from dataset_assets.publishing.bitemporal_measurement import (
    BitemporalMeasurement,
    measure_bitemporal,
    segment_columns,
)
from dataset_assets.publishing.continuity import discontinuities
from dataset_assets.publishing.erased_rows import erased_figures
from dataset_assets.publishing.loaded_periods import (
    LOADED_PERIODS,
    TABLE_ROWS,
    loads_of,
    stored_checks,
    with_confirmed_load,
    with_load,
)
from dataset_assets.publishing.period_coverage import merged
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.publish_outcome import PublishOutcome, RefreshCounts
from dataset_assets.publishing.reuse import can_confirm_load, unchanged_load
from dataset_assets.publishing.row_measurement import row_statistics
from dataset_assets.publishing.row_publisher import RowPublisher
from dataset_assets.publishing.snapshot import load_facts, snapshot
from dataset_assets.publishing.table_turns import in_turn
from dataset_assets.publishing.version_lock import lock_version
from dataset_assets.rows.encoding import counted_digest
from dataset_assets.sql.build import assemble


@dataclass(frozen=True)
class CheckedSnapshot:
    """The checked rows of a Period: their segments for FROM, the number and the digest of these."""

    segments: exp.Expr
    rows: int
    digest: str
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True)
class BitemporalPublisher(RowPublisher):
    """Loads the snapshot of one Period. `period` is that of the run's request."""

    period: Period

    @override
    def publish(self) -> PublishOutcome:
        """Load the snapshot, or record that the table has it already.

        Raises AuditError, ChangedError, SupersededError, BudgetError or PublishError, ResolveError if a value
        does not fit the declared type of its column, and ContractError if the table has other columns.
        """
        with self._report_cast_failures():
            found = self._checked_snapshot()
        return in_turn(self.context, lambda claim, previous: self._load(claim, previous, found))

    def _checked_snapshot(self) -> CheckedSnapshot:
        """Select and check the rows, and keep their segments in the session."""
        warnings = self._check_periods()
        estimate, lookups, session = self._estimate(), self._check_lookups(), self.context.session
        with self.context.timer.step("stage", f"running the query{estimate}"):
            rows = session.store("selected_rows", assemble(self.run.selection))
        with self.context.timer.step("audit", "checking the rows and their valid times"):
            found = self.run.snapshot(rows, self.period)
            times, segments = check_valid_times(found, session)
            raise_failed(times)
            if segments is None:
                raise LookupError("the valid times passed their checks, and have no segments")
            checks = self._audit_snapshot(rows, (lookups, *times))
            count, digest = counted_digest(session, segments, segment_columns(self.run.published))
            self.stability.confirm()
        return CheckedSnapshot(segments, count, digest, merged(checks, warnings))

    def _audit_snapshot(self, rows: exp.Expr, earlier: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
        """Run all other checks on the selected rows. Raises AuditError."""
        run, session = self.run, self.context.session
        statistics = row_statistics(run.published, rows, session)
        return audit(SelectionEvidence.of(run.inputs, rows, run.columns, statistics, session), earlier)

    def _load(self, claim: Claim, previous: Publication | None, found: CheckedSnapshot) -> PublishOutcome:
        """Put the snapshot into the table as it is now, and publish it if any row changed."""
        context = self.context
        run = replace(self.run, previous=previous)
        if previous:
            faults = discontinuities(previous.record, run.definitions, run.inputs.dataset)
            raise_all(ContractError, faults)
            has_digest = loads_of(previous.record).get(self.period.id, {}).get("digest") == found.digest
            if has_digest and can_confirm_load(run):
                return self._confirm_load(run, claim, found)
        query = self._load_query(run, found.segments)
        with context.timer.step("merge", "putting the snapshot into the table"):
            staged = context.warehouse.stage(claim, query, context.session)
        try:
            return self._publish_staged(run, claim, found, staged)
        except BaseException:
            context.warehouse.discard(claim, staged, context.session)
            raise

    def _load_query(self, run: PreparedRun, segments: exp.Expr) -> exp.Query:
        bucketed = self.context.target.engine.dialect.sorts_in_one_place
        return assemble(run.load(segments).rows(bucketed=bucketed))

    def _publish_staged(
        self, run: PreparedRun, claim: Claim, found: CheckedSnapshot, staged: Staged
    ) -> PublishOutcome:
        context = self.context
        with context.timer.step("measure", "computing the statistics of what is known now"):
            schema = declared_schema(staged.relation, run.columns)
            raise_failed([schema])
            measured = measure_bitemporal(
                run.published, staged.relation.source, context.session, run.row_stamp.instant
            )
        counts = _counts(run, measured)
        found = replace(found, checks=(schema, *found.checks))
        if not counts.has_changes and can_confirm_load(run):
            context.warehouse.discard(claim, staged, context.session)
            return self._confirm_load(run, claim, found)
        return self._commit_load(run, claim, found, staged, measured)

    def _confirm_load(self, run: PreparedRun, claim: Claim, found: CheckedSnapshot) -> PublishOutcome:
        """Record the load of a snapshot that the table has already; no row and no version is written."""
        if run.previous is None:
            raise LookupError("there is no table to confirm")
        context, record = self.context, run.previous.record
        rows = record["counts"]["rows"]
        counts = RefreshCounts(rows, 0, 0, record[TABLE_ROWS], 0)
        record = with_confirmed_load(record, self.period.id, self._facts(run, found, counts))
        context.warehouse.confirm(context.claim, context.session)
        context.warehouse.confirm_unchanged(claim, run.previous, record, context.session)
        recorded = context.warehouse.current(claim.dataset, None, context.session)
        if recorded is None or loads_of(recorded.record) != loads_of(record):
            raise SupersededError(Fault("another load was published since this one read the table"))
        return unchanged_load(replace(run.previous, record=record), self.period.id, found.checks)

    def _commit_load(
        self,
        run: PreparedRun,
        claim: Claim,
        found: CheckedSnapshot,
        staged: Staged,
        measured: BitemporalMeasurement,
    ) -> PublishOutcome:
        """Lock the version, then publish the staged rows with their record (BR-116)."""
        context, size = self.context, staged.size_bytes()
        run = lock_version(context, run)
        counts, statistics = _counts(run, measured), measured.statistics
        record = snapshot(run, context.target, self.sql) | {
            "counts": asdict(counts),
            LOADED_PERIODS: loads_of(run.previous.record if run.previous else None),
            "size_bytes": size,
            "checks": [asdict(check) for check in found.checks],
            **erased_figures(run.inputs, context.session),
            **measured.entries,
        }
        record = with_load(record, self.period.id, self._facts(run, found, counts))
        context.warehouse.confirm(context.claim, context.session)
        with context.timer.step("publish", f"publishing {measured.rows:,} rows"):
            version = context.warehouse.publish(claim, staged, run.columns, record, context.session)
        return PublishOutcome(counts, statistics, found.checks, found.digest, record, version, size)

    def _facts(self, run: PreparedRun, found: CheckedSnapshot, counts: RefreshCounts) -> dict[str, Any]:
        """Return what the list of loads says of this one."""
        changes = asdict(counts)
        del changes["rows"]
        return {
            **load_facts(run, self.context.target),
            "rows": found.rows,
            "digest": found.digest,
            "changes": changes,
            **stored_checks(found.checks),
        }


def _counts(run: PreparedRun, measured: BitemporalMeasurement) -> RefreshCounts:
    """Count what is known now, and the rows of the whole table that the load added, changed and removed."""
    earlier = int(run.previous.record[TABLE_ROWS]) if run.previous else 0
    kept, changed = measured.rows - measured.added, measured.touched - measured.added
    counts = RefreshCounts.compared(measured.rows, kept, changed, earlier)
    return replace(counts, rows=measured.statistics.row_count)
