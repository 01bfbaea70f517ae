"""Change rows of published datasets by hand: label or delete rows, or publish earlier rows again.

Each Period is changed by one new publication in one commit, fenced as every publication is: of two runs that
change one Period at the same time, the one with the earlier claim is refused. No source is read.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dataset_assets.contract.scope import Datasets
from dataset_assets.errors import Fault, NotStoredError, PublishError, ResolveError, raise_all
from dataset_assets.model import Model
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, PublicationQuery, no_such_version
from dataset_assets.publishing.prepared_run import instant_after
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.row_changes import Change, ChangedRows, Rollback, recorded_columns
from dataset_assets.publishing.row_measurement import measure_visible
from dataset_assets.publishing.snapshot import with_inputs_of
from dataset_assets.rows.visible_rows import (
    DELETED_ROWS,
    SELECTED_DIGEST,
    deleted_rows,
    selected_digest,
    visible_rows,
)
from dataset_assets.text.wording import listed


@dataclass(frozen=True)
class OperationRequest:
    """Who changes rows of which dataset, and when. `periods` are all published Periods if None."""

    dataset: str
    run_id: str
    now: datetime
    by: str | None = None
    periods: tuple[str | None, ...] | None = None
    dry_run: bool = False


class ChangedPeriod(Model):
    """One Period: its rows that are not deleted, before the change, and how many of them it touches.

    `table_version` holds the changed rows, and `digest` is that of those that are not deleted; both are None
    if nothing was published.
    """

    period: str | None
    rows: int
    touched: int
    table_version: int | None = None
    digest: str | None = None


class OperationReport(Model):
    """What an operation changed, or would change."""

    dataset: str
    operation: str
    dry_run: bool
    periods: tuple[ChangedPeriod, ...]

    @property
    def touched(self) -> int:
        """Number of rows that the operation touches in all Periods."""
        return sum(each.touched for each in self.periods)


def change_rows(
    target: Target, request: OperationRequest, change: Change, datasets: Datasets
) -> OperationReport:
    """Change the rows of each Period of the request, and publish those of which any row changes.

    `datasets` finds nested datasets. A Period that was changed before a later one fails stays changed; the
    same call again changes the others. Raises WhereError for the condition, NotStoredError if a Period is not
    published, SupersededError if another run claims a Period meanwhile, and PublishError if no row would be
    left.
    """
    with target.engine.connect(JobContext(request.dataset, run_id=request.run_id)) as session:
        periods = chosen_periods(target, request, session)
        changed = [_change_period(target, request, each, change, datasets, session) for each in periods]
    return OperationReport(
        dataset=request.dataset, operation=change.name, dry_run=request.dry_run, periods=tuple(changed)
    )


def rollback(target: Target, request: OperationRequest, version: int, datasets: Datasets) -> OperationReport:
    """Publish the rows again that the dataset had in a version of its table.

    Periods that were published after that version are left as they are. Raises as `change_rows` does, and
    ResolveError if the table has no such version or its rows are gone.
    """
    warehouse = target.warehouse
    with target.engine.connect(JobContext(request.dataset, run_id=request.run_id)) as session:
        periods = chosen_periods(target, request, session)
        newest = warehouse.version(request.dataset, session)
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(request.dataset, version, newest))
        query = PublicationQuery(request.dataset, periods, version)
        earlier = {each.period: each for each in warehouse.publications(query, session)}
        if not earlier:
            message = f"version {version} of {request.dataset} has none of these Periods"
            raise NotStoredError(Fault(message, hint="name a later version: `show --history` lists them"))
    return change_rows(target, replace(request, periods=tuple(earlier)), Rollback(earlier), datasets)


def chosen_periods(target: Target, request: OperationRequest, session: Session) -> Sequence[str | None]:
    """Return the Periods of a request. Raises NotStoredError if one of them is not published."""
    published = target.warehouse.periods(request.dataset, session)
    if not published:
        message = f"{request.dataset} is not published"
        raise NotStoredError(Fault(message, hint=f"run `dataset-assets materialize {request.dataset}`"))
    if request.periods is None:
        return published
    names = listed([each for each in published if each], 12)
    hint = f"published are: {names}" if names else "leave out the partition"
    raise_all(
        NotStoredError,
        (
            Fault(f"{request.dataset} of {each} is not published", hint=hint)
            for each in request.periods
            if each not in published
        ),
    )
    return request.periods


def _change_period(
    target: Target,
    request: OperationRequest,
    period: str | None,
    change: Change,
    datasets: Datasets,
    session: Session,
) -> ChangedPeriod:
    """Change one Period. It is claimed only if a row changes: a claim makes a run that began earlier fail."""
    warehouse = target.warehouse
    present, changed, now = _changed(target, request, period, change, session)
    rows = int(present.record["counts"]["rows"])
    if request.dry_run or not changed.touched:
        return ChangedPeriod(period=period, rows=rows, touched=changed.touched)
    claim = warehouse.claim(request.dataset, period, request.run_id, session)
    newest = warehouse.current(request.dataset, period, session)
    if newest is None or newest.record != present.record:
        present, changed, now = _changed(target, request, period, change, session)
    staged = warehouse.stage(claim, changed.query, session)
    try:
        columns = recorded_columns(changed.record, datasets)
        record = _record(changed, present, columns, staged.relation.source, session)
        told = {"kind": change.name, "by": request.by, "rows": changed.touched, **change.story(present)}
        record |= {
            "published_at": now.astimezone(UTC).isoformat(),
            "run_id": request.run_id,
            "size_bytes": staged.size_bytes(),
            "operation": told,
        }
        version = warehouse.publish(claim, staged, columns.stored, record, session)
    except BaseException:
        warehouse.discard(claim, staged, session)
        raise
    return ChangedPeriod(
        period=period, rows=rows, touched=changed.touched, table_version=version, digest=record["digest"]
    )


def _changed(
    target: Target, request: OperationRequest, period: str | None, change: Change, session: Session
) -> tuple[Publication, ChangedRows, datetime]:
    """Return the present publication of a Period, its rows after the change, and the time of the change."""
    present = target.warehouse.current(request.dataset, period, session)
    if present is None:
        raise NotStoredError(Fault(f"{request.dataset} has no rows any more"))
    now = instant_after(present.record, request.now)
    return present, change.apply(present, now, session), now


def _record(
    changed: ChangedRows, present: Publication, columns: PublishedColumns, rows: exp.Expr, session: Session
) -> dict[str, Any]:
    """Return the record of the rows after a change, measured anew if other rows are visible."""
    before, visible = present.record, int(changed.record["counts"]["rows"])
    record = with_inputs_of(changed.record, before) | {"replaces": present.version}
    if changed.measured_anew:
        found = measure_visible(columns, visible_rows(rows), session)
        visible = found.statistics.row_count
        if not visible and not columns.scope.dataset.allow_empty:
            message = f"no row of {present.dataset} would be left"
            raise PublishError(Fault(message, hint="say `allow_empty: true`, or delete fewer rows"))
        record |= {
            DELETED_ROWS: deleted_rows(before) + changed.touched,
            SELECTED_DIGEST: selected_digest(before),
            "digest": found.digest,
            "statistics": found.statistics.model_dump(mode="json"),
        }
    earlier = int(before["counts"]["rows"])
    altered = 0 if changed.measured_anew else changed.touched
    counts = RefreshCounts(visible, 0, altered, visible - altered, max(0, earlier - visible))
    return record | {"counts": asdict(counts)}
