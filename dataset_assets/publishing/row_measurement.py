"""Measure staged rows in one pass: statistics, the digest, and the number of new and changed rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Staged
from dataset_assets.publishing.duplicate_rows import duplicate_tallies, duplicates
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.selected_rows import SelectedRows
from dataset_assets.publishing.split_measurement import split_sizes, split_tallies
from dataset_assets.rows.encoding import counted_digest, digest_parts, fold_digest
from dataset_assets.rows.stamping import instant
from dataset_assets.rows.visible_rows import DELETED_ROWS, SELECTED_DIGEST, visible_rows
from dataset_assets.sql.build import column
from dataset_assets.stats.profile import profile
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class RowMeasurement:
    """Figures of the staged rows that are not deleted. `digest` is the SHA-256 of their content (BR-116).

    `selected_digest` is that of all staged rows; it differs if some of them, `deleted_rows`, are deleted.
    """

    statistics: Statistics
    counts: RefreshCounts
    digest: str
    selected_digest: str
    deleted_rows: int = 0

    @property
    def of_deleted(self) -> dict[str, Any]:
        """The entries about deleted rows in the record of the publication; empty if no row is deleted."""
        if not self.deleted_rows:
            return {}
        return {DELETED_ROWS: self.deleted_rows, SELECTED_DIGEST: self.selected_digest}


def measure(
    run: PreparedRun, staged: Staged, selected: SelectedRows | None, session: Session
) -> RowMeasurement:
    """Compute the figures of the staged rows of a run in one pass over them.

    If they are as many as the `selected` rows that they were staged from, they have the digest of those.
    Deleted rows, which only a publication with deleted rows can have left, cost a second pass.
    """
    rows, now = staged.relation.source, instant(run.row_stamp)
    if run.replaces_deleted:
        count, whole = counted_digest(session, rows, run.published.digested)
        found = measure_visible(run.published, visible_rows(rows), session, _changes(now))
        counts = _refresh_counts(run, found)
        deleted = count - found.statistics.row_count
        return RowMeasurement(found.statistics, counts, found.digest, whole, deleted)
    known = selected.digest if selected and selected.rows == staged.relation.row_count else None
    found = measure_visible(run.published, rows, session, _changes(now), known)
    return RowMeasurement(found.statistics, _refresh_counts(run, found), found.digest, found.digest)


@dataclass(frozen=True)
class VisibleRows:
    """Statistics and digest of rows, and the further totals that were asked for."""

    statistics: Statistics
    digest: str
    totals: Mapping[str, int]


def measure_visible(
    columns: PublishedColumns,
    rows: exp.Expr,
    session: Session,
    counts: Mapping[str, exp.Expr] | None = None,
    known: str | None = None,
) -> VisibleRows:
    """Compute statistics and digest of rows in one pass.

    `counts` are further counts; `known` is the digest if it is known already.
    """
    parts = {} if known else digest_parts(columns.digested)
    statistics = row_statistics(columns, rows, session, {**parts, **(counts or {})})
    totals = {name: int(Decimal(total or 0)) for name, total in statistics.extra.items()}
    digest = known or fold_digest(columns.digested, {name: totals[name] for name in parts})
    return VisibleRows(statistics, digest, totals)


def row_statistics(
    columns: PublishedColumns,
    rows: exp.Expr,
    session: Session,
    extra: Mapping[str, exp.Expr] | None = None,
) -> Statistics:
    """Return the statistics of all published columns of rows; `extra` are further aggregates."""
    tallies = (*split_tallies(columns, rows), *duplicate_tallies(columns, rows))
    found = profile(session, rows, columns.profiled, columns.split, extra, tallies)
    figures = {
        "columns": {name: found.columns[duplicate] for name, duplicate in columns.duplicates.items()},
        "duplicates": duplicates(columns, found),
        **split_sizes(columns, found),
    }
    return found.model_copy(update=figures)


def _changes(now: exp.Expr) -> dict[str, exp.Expr]:
    return {
        "added": exp.CountIf(this=exp.EQ(this=column("_created_at"), expression=now)),
        "touched": exp.CountIf(this=exp.EQ(this=column("_updated_at"), expression=now.copy())),
    }


def _refresh_counts(run: PreparedRun, found: VisibleRows) -> RefreshCounts:
    """Compare the rows with those of the previous publication; `touched` counts the added rows, too."""
    rows, added = found.statistics.row_count, found.totals["added"]
    earlier = int(run.previous.record["counts"]["rows"]) if run.previous else 0
    kept, changed = rows - added, found.totals["touched"] - added
    return RefreshCounts.compared(rows, kept, changed, earlier)
