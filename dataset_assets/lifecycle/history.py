"""List the versions of a dataset, as its lock has them, and its past publications."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.structural_diff import Kind
from dataset_assets.errors import Fault, LockError, NotStoredError, raise_all
from dataset_assets.lifecycle.row_change_words import row_change_in_words
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import known_as_of
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.text.wording import did_you_mean, listed, shown

_MOST_LISTED = 12


class VersionLine(Model):
    """One version. `locked_at` is None for the version that the file has and the lock does not know yet."""

    version: int
    kind: Kind
    locked_at: Instant | None
    summary: str


class PastPublication(Model):
    """One publication of a Period: its version, rows and changes, and the run that published it.

    `operation` is the change of rows by hand that made it, if any, and `by_hand` describes that in one line.
    No figure counts the `deleted` rows.
    """

    published_at: Instant
    period: str | None
    version: int
    rows: int
    added: int
    changed: int
    removed: int
    digest: str
    run_id: str
    as_of: Instant
    deleted: int = 0
    operation: Mapping[str, Any] | None = None
    by_hand: str = ""


class DatasetHistory(Model):
    """The versions of a dataset, the oldest first, and its publications, the newest first."""

    dataset: str
    id: str | None
    versions: tuple[VersionLine, ...]
    publications: tuple[PastPublication, ...] = ()


def dataset_history(
    catalog: Catalog, name: str, target: Target | None = None, period: str | None = None, last: int = 20
) -> DatasetHistory:
    """Return the versions and, with a target, the newest `last` publications, of one Period if it is named.

    Raises LockError for a lock that cannot be read, ResolveError for a Period that is not published.
    """
    entry = catalog.entry(name)
    raise_all(LockError, entry.lock.unreadable)
    records = past_records(target, entry.stem, period, last) if target else []
    return DatasetHistory(
        dataset=entry.stem,
        id=str(entry.lock.id) if entry.lock.id else None,
        versions=tuple(_versions(entry)),
        publications=tuple(map(_publication, records)),
    )


def past_records(target: Target, dataset: str, period: str | None, last: int) -> Sequence[Record]:
    """Return the records of the newest `last` publications, of one Period if it is named; the newest first.

    Raises ResolveError if that Period is not published.
    """
    with target.engine.connect(JobContext(dataset)) as session:
        periods = target.warehouse.periods(dataset, session)
        if period and period not in periods:
            raise unknown_period(period, periods)
        chosen = [period] if period else periods
        records = target.warehouse.recent(dataset, chosen, session, last) if chosen else []
    return sorted(records, key=lambda record: record["published_at"], reverse=True)[:last]


def not_published(dataset: str, catalog: Catalog | None = None) -> NotStoredError:
    """Return the error for a dataset without a publication; `catalog` recognizes names that nothing has."""
    message = f"{dataset} is not published"
    if catalog and dataset not in (known := {**catalog.entries, **catalog.outputs}):
        hint = did_you_mean(dataset, known, "`dataset-assets list` has all names")
        return NotStoredError(Fault(f"there is no dataset {shown(dataset)}", hint=hint))
    return NotStoredError(Fault(message, hint=f"run `dataset-assets materialize {dataset}`"))


def unknown_period(period: str, published: Sequence[str | None]) -> NotStoredError:
    """Return the error for a Period without a publication."""
    names = listed((each for each in published if each), _MOST_LISTED)
    hint = f"published are: {names}" if names else "it is not published by Period"
    return NotStoredError(Fault(f"there is no publication of {period}", hint=hint))


def _versions(entry: Entry) -> Iterator[VersionLine]:
    for line in entry.lock.lines:
        yield VersionLine(
            version=line.version, kind=line.kind, locked_at=line.locked_at, summary=line.summary
        )
    if entry.dataset and (version := entry.lock.version_of(entry.dataset)).pending:
        yield VersionLine(version=version.number, kind=version.kind, locked_at=None, summary=version.summary)


def _publication(record: Record) -> PastPublication:
    counts = record["counts"]
    return PastPublication(
        published_at=record["published_at"],
        period=record["period"],
        version=record["version"],
        rows=counts["rows"],
        added=counts["added"],
        changed=counts["changed"],
        removed=counts["removed"],
        digest=record["digest"],
        run_id=record["run_id"],
        as_of=known_as_of(record),
        deleted=deleted_rows(record),
        operation=record.get("operation"),
        by_hand=row_change_in_words(record),
    )
