"""One change of rows by hand: which rows differ, and the publication of each Period."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope, sensitive_names
from dataset_assets.errors import Fault, NotStoredError, PublishError, raise_all
from dataset_assets.lifecycle.row_change_report import (
    ChangedPeriod,
    ChangeReport,
    ChangeRequest,
    OnPublished,
)
from dataset_assets.lifecycle.row_changes import ChangedRows, RowChange
from dataset_assets.ports.engine import Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Claim, Publication, Record, Warehouse
from dataset_assets.publishing.bitemporal_measurement import measure_bitemporal
from dataset_assets.publishing.loaded_periods import TABLE_ROWS, visible_row_count
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.prepared_run import instant_after
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.recorded_columns import recorded_columns
from dataset_assets.publishing.row_measurement import measure_visible
from dataset_assets.publishing.snapshot import with_inputs_of
from dataset_assets.publishing.superseded import report_superseded
from dataset_assets.rows.counting import count_rows
from dataset_assets.rows.visible_rows import (
    DELETED_ROWS,
    SELECTED_DIGEST,
    deleted_rows,
    selected_digest,
    visible_rows,
)
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import column, number


@dataclass(frozen=True)
class RowChangeRun:
    """One call: a change of one dataset in an open session."""

    target: Target
    catalog: Catalog
    request: ChangeRequest
    change: RowChange
    session: Session
    erasures: int
    """Number of erasures of the dataset before earlier rows were read."""

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that the target publishes to."""
        return self.target.warehouse

    def all_periods(self, periods: Sequence[str | None], on_published: OnPublished) -> ChangeReport:
        """Change these Periods one after another."""
        presents = [self._present(each) for each in periods]
        for present in presents:
            self.change.check(present)
        changed = [self._one_period(each, on_published) for each in presents]
        return ChangeReport(
            dataset=self.request.dataset,
            operation=self.change.name,
            dry_run=self.request.dry_run,
            periods=tuple(changed),
            remarks=tuple(remark for each in presents if (remark := self.change.remark(each))),
        )

    def _present(self, period: str | None) -> Publication:
        present = self.warehouse.current(self.request.dataset, period, self.session)
        if present is None:
            raise NotStoredError(Fault(f"{self.request.dataset} has no rows any more"))
        if OUTPUT in present.record:
            message = f"{present.dataset} is an output, which each run of its project makes again"
            hint = f"add an operation to projects/{present.record[OUTPUT]['project']}.yaml"
            raise PublishError(Fault(message, hint=hint))
        return present

    def _one_period(self, present: Publication, on_published: OnPublished) -> ChangedPeriod:
        """Change one Period. It is claimed only if a row changes, as a claim makes an earlier run fail."""
        changed = self._checked(present)
        told = ChangedPeriod(
            period=present.period, rows=visible_row_count(present.record), touched=changed.touched
        )
        if self.request.dry_run or not changed.touched:
            return told
        claim = self.warehouse.claim(self.request.dataset, present.period, self.request.run_id, self.session)
        with report_superseded(self.warehouse, claim, self.session):
            self._check_erasures()
            newest = self._present(present.period)
            if newest.record != present.record:
                present, changed = newest, self._checked(newest)
            version, record = self._publish(claim, present, changed)
        told = told.model_copy(
            update={
                "touched": changed.touched,
                "table_version": version,
                "digest": record["digest"],
                "published_at": datetime.fromisoformat(record["published_at"]),
            }
        )
        on_published(told, record)
        return told

    def _check_erasures(self) -> None:
        """Refuse to publish rows again that an erasure is removing: the rows were read before the claim."""
        found = self.warehouse.erasures(self.request.dataset, self.session)
        unfinished = [each.id for each in found if each.finished_at is None]
        if unfinished or len(found) != self.erasures:
            message = (
                f"rows of {self.request.dataset} are being erased by {', '.join(unfinished) or 'another'}"
            )
            hint = "finish the erasure: run the same `erase` again; then try again"
            raise PublishError(Fault(message, hint=hint))

    def _checked(self, present: Publication) -> ChangedRows:
        """Apply the change. Raises PublishError if too few rows would be left."""
        changed = self.change.apply(present, self._now(present), self.session)
        if changed.hides_rows and changed.touched:
            self._check_rows_left(present, changed)
        return changed

    def _now(self, present: Publication) -> datetime:
        return instant_after(present.record, self.request.now)

    def _check_rows_left(self, present: Publication, changed: ChangedRows) -> None:
        """Refuse what the next run of the dataset would refuse: no rows, or an empty part of the split."""
        dataset = Dataset.model_validate(present.record["definition"])
        if dataset.allow_empty and not changed.counts.rows:
            return
        values = dataset.split_config.values if dataset.split_config else ()
        is_in = {NAMES[value]: exp.EQ(this=column("split"), expression=number(value)) for value in values}
        rows = visible_rows(changed.query.subquery("_changed_rows"))
        found = count_rows(self.session, rows, {"all_rows": exp.true(), **is_in})
        if not found["all_rows"]:
            message = f"no row of {self.request.dataset} would be left"
            raise PublishError(Fault(message, hint="say `allow_empty: true`, or delete fewer rows"))
        raise_all(
            PublishError,
            (
                Fault(f"no row of the split {name} would be left", hint="delete fewer rows")
                for name in is_in
                if not found[name]
            ),
        )

    def _publish(self, claim: Claim, present: Publication, changed: ChangedRows) -> tuple[int, Record]:
        """Stage the rows and publish them with their record, in one commit."""
        staged = self.warehouse.stage(claim, changed.query, self.session)
        try:
            columns = recorded_columns(self.catalog, self.warehouse, changed.record, self.session)
            record = self._record(present, changed, columns, staged.relation.source)
            record["size_bytes"] = staged.size_bytes()
            return self.warehouse.publish(claim, staged, columns.stored, record, self.session), record
        except BaseException:
            self.warehouse.discard(claim, staged, self.session)
            raise

    def _record(
        self, present: Publication, changed: ChangedRows, columns: PublishedColumns, rows: exp.Expr
    ) -> dict[str, Any]:
        """Return the record of the rows after a change, measured again if rows were hidden."""
        before = present.record
        record = with_inputs_of(changed.record, before) | {
            "replaces": present.version,
            "published_at": self._now(present).astimezone(UTC).isoformat(),
            "run_id": self.request.run_id,
            "counts": asdict(changed.counts),
        }
        if TABLE_ROWS in record:
            record |= self._measured(columns, rows, present, changed)
        elif changed.hides_rows:
            found = measure_visible(columns, visible_rows(rows), self.session)
            record |= {
                DELETED_ROWS: deleted_rows(before) + changed.touched,
                SELECTED_DIGEST: selected_digest(before),
                "digest": found.digest,
                "statistics": found.statistics.model_dump(mode="json"),
            }
        fields = self.change.record_fields(present, self._sensitive(columns))
        operation = {"kind": self.change.name, "by": self.request.by, "rows": changed.touched, **fields}
        return record | {"operation": operation}

    def _measured(
        self, columns: PublishedColumns, rows: exp.Expr, present: Publication, changed: ChangedRows
    ) -> dict[str, Any]:
        """Return the figures of a bitemporal table, whose row count is that of what is known now."""
        found = measure_bitemporal(columns, rows, self.session, self._now(present))
        counts = asdict(changed.counts) | {"rows": found.statistics.row_count}
        return {"counts": counts, DELETED_ROWS: found.deleted, **found.entries}

    def _sensitive(self, columns: PublishedColumns) -> Collection[str]:
        """Return the columns that the published or the present definition marks as sensitive (BR-206)."""
        entry = self.catalog.named(self.request.dataset)
        today = (Scope(entry.dataset, self.catalog.find),) if entry and entry.dataset else ()
        return sensitive_names((columns.scope, *today), (each.name for each in columns.stored))
