"""Take rows out of publications: out of current ones by a new publication, out of earlier ones at once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erased_records import (
    counts_only,
    mark_of,
    with_mark,
    without_conditions,
    without_texts,
)
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.planned_erasure import PlannedDataset
from dataset_assets.lifecycle.publication_columns import publication_columns
from dataset_assets.lifecycle.row_erasers import marked
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import EarlierPublication
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.target import Target
from dataset_assets.ports.uses import PinRequest
from dataset_assets.ports.warehouse import Claim, Publication, Record, Warehouse
from dataset_assets.publishing.bitemporal_measurement import (
    VALIDITY,
    loads_measured_again,
    measure_bitemporal,
)
from dataset_assets.publishing.loaded_periods import visible_row_count
from dataset_assets.publishing.prepared_run import instant_after
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.row_measurement import measure_visible
from dataset_assets.publishing.snapshot import with_inputs_of
from dataset_assets.publishing.superseded import report_superseded
from dataset_assets.rows.encoding import counted_digest
from dataset_assets.rows.visible_rows import DELETED_ROWS, SELECTED_DIGEST, visible_rows

KIND = "erase"
"""The kind of the operation in the record of a publication that replaced one with erased rows."""


@dataclass(frozen=True)
class ErasureRun:
    """One erasure of some datasets in an open session."""

    target: Target
    catalog: Catalog
    request: EraseRequest
    datasets: Sequence[PlannedDataset]
    session: Session

    @property
    def id(self) -> str:
        """The id of the erasure."""
        return self.datasets[0].erasure.id

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that the target publishes to."""
        return self.target.warehouse

    def erase_current(self, plan: DatasetPlan) -> None:
        """Replace each current publication that has such rows, and end the right of running runs to publish.

        A run that claims its Period later knows the erased keys.
        """
        published = self.warehouse.periods(plan.dataset, self.session)
        claimed = self.warehouse.claimed_periods(plan.dataset, self.session)
        for period in dict.fromkeys([*published, *claimed]):
            claim = self.warehouse.claim(plan.dataset, period, self.request.run_id, self.session)
            with report_superseded(self.warehouse, claim, self.session):
                present = self.warehouse.current(plan.dataset, period, self.session)
                if present is not None:
                    self._replace(plan, claim, present)

    def _replace(self, plan: DatasetPlan, claim: Claim, present: Publication) -> None:
        kept = EarlierPublication(
            present.dataset,
            present.period,
            present.version,
            present.record,
            present.relation.source,
            pinned=True,
        )
        for each in plan.matching(kept, self.session):
            if each.condition is None:
                continue
            self._remember(plan, each)
            query = self._rows_after(plan, each, instant_after(present.record, self.request.now))
            staged = self.warehouse.stage(claim, query, self.session)
            try:
                columns = publication_columns(self.catalog, self.warehouse, present.record, self.session)
                record = self._record_of_new(plan, each, columns, staged.relation.source, present)
                record["size_bytes"] = staged.size_bytes()
                self.warehouse.publish(claim, staged, columns.stored, record, self.session)
            except BaseException:
                self.warehouse.discard(claim, staged, self.session)
                raise

    def _remember(self, plan: DatasetPlan, each: Matching) -> None:
        """Keep out also the rows of a publication that a run made since the erasure was planned."""
        for dataset in self.datasets:
            if dataset.plan is plan and not dataset.is_planned(each.publication.record):
                self.warehouse.begin_erasure(dataset.erasure, dataset.keys_of([each]), self.session)

    def _rows_after(self, plan: DatasetPlan, each: Matching, now: datetime) -> exp.Query:
        assert each.condition is not None  # noqa: S101 - without it the publication goes whole
        rows = marked(each.publication.source, each.condition.copy())
        return plan.eraser.rows_after(rows, each.publication.record, now)

    def _record_of_new(
        self,
        plan: DatasetPlan,
        each: Matching,
        columns: PublishedColumns,
        rows: exp.Expr,
        present: Publication,
    ) -> dict[str, Any]:
        """Return the record of a publication that replaces the present one."""
        before = present.record
        figures = self._figures(columns, rows, before)
        left, changed = figures["visible"], each.rows if plan.nests else 0
        counts = RefreshCounts.compared(left, left, changed, visible_row_count(before))
        operation = {"kind": KIND, "by": self.request.by, "rows": each.rows, "erasure": self.id}
        return with_inputs_of(without_conditions(_without_operation(before)), before) | {
            "replaces": present.version,
            "published_at": instant_after(before, self.request.now).astimezone(UTC).isoformat(),
            "run_id": self.request.run_id,
            "counts": {**asdict(counts), "rows": figures["rows"]},
            **figures["record"],
            "operation": operation,
        }

    def _figures(self, columns: PublishedColumns, rows: exp.Expr, before: Record) -> dict[str, Any]:
        """Return the row count, the number of visible rows, and the entries of the record that are measured.

        Of a bitemporal table the row count is that of what is known now.
        """
        if LOADED_PERIODS in before:
            table = measure_bitemporal(columns, rows, self.session, self.request.now)
            loads = loads_measured_again(columns, rows, before, self.session)
            current, visible = table.statistics.row_count, table.rows - table.deleted
            return {"rows": current, "visible": visible, "record": {**loads, **table.entries}}
        found = measure_visible(columns, visible_rows(rows), self.session)
        count, whole = counted_digest(self.session, rows, columns.digested)
        left = found.statistics.row_count
        deleted = {DELETED_ROWS: count - left, SELECTED_DIGEST: whole} if count > left else {}
        statistics = found.statistics.model_dump(mode="json")
        return {
            "rows": left,
            "visible": left,
            "record": {"digest": found.digest, "statistics": statistics, **deleted},
        }

    def erase_earlier(self, plan: DatasetPlan) -> None:
        """Remove earlier publications that had such rows; those that are pinned lose these rows alone."""
        removed = []
        for each in plan.earlier(self.warehouse, self.session):
            if each.publication.pinned:
                self._rewrite(plan, each)
            else:
                mark = self._mark(each, "removed")
                removed.append(
                    replace(each.publication, record=_without_values(each.publication.record, mark))
                )
        self.warehouse.remove_earlier(removed, self.request.now, self.id, self.session)

    def _rewrite(self, plan: DatasetPlan, each: Matching) -> None:
        """Publish a pinned publication again in its place, without the rows."""
        before = each.publication.record
        columns = publication_columns(self.catalog, self.warehouse, before, self.session)
        rows = self._rows_after(plan, each, datetime.fromisoformat(before["published_at"]))
        figures = self._figures(columns, rows.subquery("_kept_rows"), before)
        record = {
            **without_conditions(_without_operation(before)),
            "counts": {**before["counts"], "rows": figures["rows"]},
            **figures["record"],
            **({"operation": without_texts(before["operation"])} if "operation" in before else {}),
        }
        record = with_mark(record, self._mark(each, "rewritten"))
        reason = f"without {each.rows:,} rows since erasure {self.id}"
        note = PinRequest(reason, self.request.now, self.request.by)
        self.warehouse.rewrite_earlier(replace(each.publication, record=record), rows, note, self.session)

    def _mark(self, each: Matching, outcome: str) -> dict[str, Any]:
        return mark_of(self.id, self.request.now, each.rows, each.publication.table_version, outcome)


def _without_operation(record: Record) -> dict[str, Any]:
    """Return a record without the entries that a change by hand wrote."""
    left_out = ("operation", DELETED_ROWS, SELECTED_DIGEST)
    return {name: value for name, value in record.items() if name not in left_out}


def _without_values(record: Record, mark: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of rows that are gone, with counts alone."""
    kept = (
        {**record, "statistics": counts_only(record["statistics"])}
        if "statistics" in record
        else dict(record)
    )
    if VALIDITY in kept:
        kept[VALIDITY] = [None, None]
    if "operation" in kept:
        kept["operation"] = without_texts(kept["operation"])
    return with_mark(without_conditions(kept), mark)
