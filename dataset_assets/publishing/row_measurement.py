"""Measure staged rows in one pass: statistics, the digest, and the number of new and changed rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Staged
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.publishing.selected_rows import SelectedRows
from dataset_assets.rows.encoding import digest_parts, fold_digest
from dataset_assets.rows.stamping import instant
from dataset_assets.sql.build import column
from dataset_assets.stats.profile import profile
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class RowMeasurement:
    """Figures of staged rows. `digest` is the SHA-256 of their content (BR-116)."""

    statistics: Statistics
    counts: RefreshCounts
    digest: str


def measure(
    run: PreparedRun, staged: Staged, selected: SelectedRows | None, session: Session
) -> RowMeasurement:
    """Compute the figures of the staged rows of a run in one pass over them.

    If they are as many as the `selected` rows that they were staged from, they have the digest of those.
    """
    now = instant(run.row_stamp)
    known = selected.digest if selected and selected.rows == staged.relation.row_count else None
    parts = {} if known else digest_parts(run.digest_columns)
    extra = {
        **parts,
        "added": exp.CountIf(this=exp.EQ(this=column("_created_at"), expression=now)),
        "touched": exp.CountIf(this=exp.EQ(this=column("_updated_at"), expression=now.copy())),
    }
    statistics = row_statistics(run, staged.relation.source, session, extra)
    totals = {name: int(Decimal(total or 0)) for name, total in statistics.extra.items()}
    digest = known or fold_digest(run.digest_columns, {name: totals[name] for name in parts})
    counts = _refresh_counts(run, statistics.row_count, totals["added"], totals["touched"])
    return RowMeasurement(statistics, counts, digest)


def row_statistics(
    run: PreparedRun, rows: exp.Expr, session: Session, extra: Mapping[str, exp.Expr] | None = None
) -> Statistics:
    """Return the statistics of all published columns of a run's rows; `extra` are further aggregates."""
    split = "split" if run.inputs.dataset.split_config else None
    found = profile(session, rows, run.profiled_columns, split, extra)
    columns = {name: found.columns[duplicate] for name, duplicate in run.duplicate_columns.items()}
    return found.model_copy(update={"columns": columns})


def _refresh_counts(run: PreparedRun, rows: int, added: int, touched: int) -> RefreshCounts:
    """Compare the rows with those of the previous publication; `touched` counts the added rows, too."""
    earlier = int(run.previous.record["counts"]["rows"]) if run.previous else 0
    kept, changed = rows - added, touched - added
    return RefreshCounts(rows, added, changed, kept - changed, earlier - kept)
