"""Select the rows of an earlier publication again, from the versions of the sources that it recorded.

Nothing is published. Equal digests prove that the rows are those of the publication, whatever release of the
library selected them (BR-116).
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.scope import Scope, sensitive_names
from dataset_assets.contract.system_columns import VALID_FROM, VALID_TO
from dataset_assets.lifecycle.past_run import PastRun, RebuildRequest, find_record
from dataset_assets.lifecycle.recorded_sources import RecordedSources
from dataset_assets.model import Instant, Model
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.bitemporal_measurement import segment_columns
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.transfer import SourceTransfer
from dataset_assets.rows.encoding import counted_digest
from dataset_assets.rows.visible_rows import deleted_rows, selected_digest
from dataset_assets.sql.build import assemble, column, table
from dataset_assets.text.progress import Progress
from dataset_assets.text.wording import size_text


class RebuiltSource(Model):
    """A source by its key, `resolver/table` or `datasets/stem`, and the version that the publication read.

    `gone` says why that version cannot be read any more; the source was then read as it is now.
    """

    source: str
    version: str
    gone: str = ""


class Rebuild(Model):
    """A publication and the rows that were selected again. `same` says whether their digests are equal."""

    dataset: str
    version: int
    period: str | None
    as_of: Instant
    published_at: Instant
    row_count: int
    digest: str
    rebuilt_row_count: int
    rebuilt_digest: str
    same: bool
    sources: tuple[RebuiltSource, ...]

    @property
    def reason(self) -> str:
        """Why the rows differ: the sources that are gone; empty if the digests are equal."""
        if self.same:
            return ""
        gone = [each.gone for each in self.sources if each.gone]
        return "; ".join(gone) or "every source is as it was, so a later release selects other rows"


@dataclass(frozen=True)
class RebuiltRows:
    """Rebuilt rows that can be read while their session is open, without system columns.

    `columns` are in the order of the publication, `sensitive` names those to mask on a screen (BR-206).
    """

    result: Rebuild
    columns: tuple[str, ...]
    sensitive: frozenset[str]
    session: Session
    query: exp.Query

    @property
    def total(self) -> int:
        """Number of rows."""
        return self.result.rebuilt_row_count

    def tables(self) -> Iterator[Any]:
        """Yield the rows as one pyarrow Table."""
        yield self.session.arrow(self.query)


@contextmanager
def open_rebuild(
    catalog: Catalog, target: Target, entry: Entry, request: RebuildRequest, progress: Progress
) -> Generator[RebuiltRows]:
    """Select the rows of an earlier publication again, and yield them with the comparison of the digests.

    A source whose version is gone is read as it is now. Raises ResolveError if there is no such publication,
    or if a source cannot be read at all, and BudgetError before more is read than the target permits.
    """
    job = JobContext(entry.stem, request.period, request.version)
    with target.engine.connect(job) as session, ExitStack() as stack:
        progress("finding the publication")
        record = find_record(target.warehouse, entry.stem, request, session)
        past = PastRun(catalog, target, entry, record, session)
        progress("finding the tables")
        locator, sources = past.resolve(job, stack)
        run = past.prepare(sources.with_transferred(SourceTransfer(session, progress)))
        rows = _rows(run, past.period).subquery("selected_rows")
        reads = session.estimate(exp.select("*").from_(rows))
        progress(f"selecting the rows{f', which reads {size_text(reads)}' if reads is not None else ''}")
        columns = segment_columns(run.published) if run.is_bitemporal else run.published.digested
        row_count, digest = counted_digest(session, rows, columns)
        result = _comparison(entry, record, locator, row_count, digest)
        yield RebuiltRows(
            result,
            _columns(run),
            _sensitive(catalog, entry, run),
            session,
            _ordered(run, rows),
        )


def _rows(run: PreparedRun, period: Period | None) -> exp.Query:
    """Return the query of the selected rows, of a bitemporal dataset as the segments of its snapshot."""
    selection = run.selection
    if not run.is_bitemporal or period is None:
        return assemble(selection)
    return assemble((*selection, *run.snapshot(table(selection[-1].name), period).segments()))


def _columns(run: PreparedRun) -> tuple[str, ...]:
    """Return the names of the published columns, of a bitemporal dataset with the valid time."""
    times = (VALID_FROM, VALID_TO) if run.is_bitemporal else ()
    return (*(each.name for each in run.columns), *times)


def _comparison(
    entry: Entry, record: Record, locator: RecordedSources, row_count: int, digest: str
) -> Rebuild:
    reasons = {key: fault.message for key, fault in locator.gone.items()}
    return Rebuild(
        dataset=entry.stem,
        version=record["version"],
        period=record["period"],
        as_of=locator.as_of.instant,
        published_at=record["published_at"],
        row_count=_row_count(record),
        digest=selected_digest(record),
        rebuilt_row_count=row_count,
        rebuilt_digest=digest,
        same=digest == selected_digest(record),
        sources=tuple(
            RebuiltSource(source=key, version=version, gone=reasons.get(key, ""))
            for key, version in locator.versions.items()
        ),
    )


def _row_count(record: Record) -> int:
    """Return how many rows were selected; the deleted rows of a bitemporal table are of all its loads."""
    rows = int(record["counts"]["rows"])
    return rows if loads_of(record) else rows + deleted_rows(record)


def _sensitive(catalog: Catalog, entry: Entry, run: PreparedRun) -> frozenset[str]:
    """Return the columns that the rebuilt or the present definition marks as sensitive (BR-206)."""
    present = (Scope(entry.dataset, catalog.find),) if entry.dataset else ()
    return sensitive_names((run.inputs.scope, *present), (each.name for each in run.columns))


def _ordered(run: PreparedRun, rows: exp.Subquery) -> exp.Query:
    """Return the query of the published columns, ordered by the natural key or else by all columns."""
    names, key = _columns(run), run.inputs.dataset.natural_key_columns
    order = (*key, VALID_FROM) if run.is_bitemporal else key or names
    return exp.select(*map(column, names)).from_(rows).order_by(*map(column, order))
