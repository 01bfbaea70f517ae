"""Compare two publications of a dataset by their records: rows, definition, columns and their statistics.

No rows are read, so that publications whose rows are gone can be compared as well.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.structures import structure
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope, sensitive_names
from dataset_assets.contract.structural_diff import Kind, difference
from dataset_assets.errors import Fault, NotStoredError, ResolveError
from dataset_assets.lifecycle.diff import ChangeInWords, changes_in_words
from dataset_assets.lifecycle.history import unknown_period
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import known_as_of
from dataset_assets.stats.statistics import ColumnStatistics
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import listed, shown

_SEARCHED = 200
"""The publications of a Period among which a digest is searched."""
_REFERENCE = re.compile(r"(?P<period>[^@]*)(?:@(?P<digest>[0-9a-f]{4,64}))?")
_SHORT = 12


class ComparedPublication(Model):
    """One of two publications. `reference` names it: its Period, `@`, and the beginning of its digest."""

    reference: str
    period: str | None
    version: int
    as_of: Instant
    published_at: Instant
    run_id: str
    digest: str
    row_count: int
    size_bytes: int | None
    splits: Mapping[str, int]


class ComparedColumn(Model):
    """A column and its statistics in both publications; None where the publication lacks the column.

    A column that is sensitive in either definition, or now, has only counts (BR-206).
    """

    name: str
    type_before: str | None
    type_after: str | None
    sensitive: bool
    before: ColumnStatistics | None
    after: ColumnStatistics | None

    @property
    def changed(self) -> bool:
        """Whether the type or any statistic differs."""
        return self.type_before != self.type_after or self.before != self.after


class PublicationComparison(Model):
    """Two publications of a dataset. `same_rows` says whether their digests are equal.

    `changes` are the differences of their definitions in words, `kind` says whether they break consumers.
    """

    dataset: str
    before: ComparedPublication
    after: ComparedPublication
    same_rows: bool
    kind: Kind
    changes: tuple[ChangeInWords, ...]
    columns: tuple[ComparedColumn, ...]


def publication_reference(record: Record) -> str:
    """Return the text that names a publication: `2017-12@8cc9a2c5e3a3`, `@8cc9a2c5e3a3` if unpartitioned."""
    return f"{record['period'] or ''}@{record['digest'][:_SHORT]}"


@system_errors_as_faults()
def compare_publications(
    catalog: Catalog, target: Target, entry: Entry, before: str, after: str
) -> PublicationComparison:
    """Compare two publications that `publication_reference` names; a Period alone is its newest one.

    Raises ResolveError if there is no such publication.
    """
    with target.engine.connect(JobContext(entry.stem)) as session:
        old = find_publication(target, entry.stem, before, session)
        new = find_publication(target, entry.stem, after, session)
    definitions = [Dataset.model_validate(each["definition"]) for each in (old, new)]
    found = difference(*map(structure, definitions))
    hidden = _sensitive(catalog, entry, definitions, (old, new))
    return PublicationComparison(
        dataset=entry.stem,
        before=_publication(old),
        after=_publication(new),
        same_rows=old["digest"] == new["digest"],
        kind=found.kind,
        changes=changes_in_words(found),
        columns=tuple(_columns(old, new, hidden)),
    )


def find_publication(target: Target, dataset: str, reference: str, session: Session) -> Record:
    """Return the record of the publication that a reference names. Raises ResolveError if there is none."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        hint = "write it as PERIOD, PERIOD@DIGEST or @DIGEST"
        raise ResolveError(Fault(f"{shown(reference)} names no publication", hint=hint))
    period, digest = match["period"] or None, match["digest"]
    published = target.warehouse.periods(dataset, session)
    if period not in published:
        if not published:
            hint = f"run `dataset-assets materialize {dataset}`"
            raise NotStoredError(Fault(f"{dataset} is not published", hint=hint))
        raise unknown_period(period or "all Periods", published)
    last = _SEARCHED if digest else 1
    records = target.warehouse.recent(dataset, [period], session, last)
    for record in records:
        if record["digest"].startswith(digest or ""):
            return record
    hint = f"there are: {listed((each['digest'][:_SHORT] for each in records), _SHORT)}"
    of = f" of {period}" if period else ""
    raise NotStoredError(Fault(f"no publication{of} has the digest {digest}", hint=hint))


def masked_statistics(statistics: ColumnStatistics) -> ColumnStatistics:
    """Return only the counts of a column's statistics, as those of a sensitive column are (BR-206)."""
    return ColumnStatistics(
        type=statistics.type,
        sensitive=True,
        cardinality=statistics.cardinality,
        null_count=statistics.null_count,
        null_percent=statistics.null_percent,
    )


def record_statistics(record: Record, hidden: Iterable[str]) -> Mapping[str, ColumnStatistics]:
    """Return the statistics of a publication's columns; the `hidden` ones have only counts."""
    names = frozenset(hidden)
    columns: Mapping[str, Any] = record["statistics"]["columns"]
    built = {name: ColumnStatistics.model_validate(each) for name, each in columns.items()}
    return {
        name: masked_statistics(each) if name in names or each.sensitive else each
        for name, each in built.items()
    }


def sensitive_columns(catalog: Catalog, entry: Entry, record: Record) -> frozenset[str]:
    """Return the columns of a publication that its own definition or the present one marks as sensitive."""
    definition = Dataset.model_validate(record["definition"])
    return _sensitive(catalog, entry, [definition], [record])


def _sensitive(
    catalog: Catalog, entry: Entry, definitions: Iterable[Dataset], records: Iterable[Record]
) -> frozenset[str]:
    every = [*definitions, *([entry.dataset] if entry.dataset else [])]
    names = [name for record in records for name in record["statistics"]["columns"]]
    return sensitive_names([Scope(each, catalog.find) for each in every], names)


def _publication(record: Record) -> ComparedPublication:
    return ComparedPublication(
        reference=publication_reference(record),
        period=record["period"],
        version=record["version"],
        as_of=known_as_of(record),
        published_at=record["published_at"],
        run_id=record["run_id"],
        digest=record["digest"],
        row_count=record["counts"]["rows"],
        size_bytes=record["size_bytes"],
        splits=record["statistics"]["splits"],
    )


def _columns(old: Record, new: Record, hidden: frozenset[str]) -> Iterator[ComparedColumn]:
    before, after = (record_statistics(each, hidden) for each in (old, new))
    types = [{each["name"]: each["type"] for each in record["columns"]} for record in (old, new)]
    for name in dict.fromkeys((*after, *before)):
        yield ComparedColumn(
            name=name,
            type_before=types[0].get(name),
            type_after=types[1].get(name),
            sensitive=name in hidden,
            before=before.get(name),
            after=after.get(name),
        )
