"""List all datasets with what people choose them by: status, age, tables, rows, date range, version, owner.

Rows and date range are those of the last publication, from its record: no row is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.errors import DatasetAssetsError, Fault, fault_count
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record


class DateRange(Model):
    """The instants between which the rows of a publication are: `start` is included, `end` is not."""

    start: Instant
    end: Instant


class LastPublication(Model):
    """What a list shows of a dataset's last publication."""

    row_count: int | None = None
    date_range: DateRange | None = None
    published_at: Instant | None = None
    period: str | None = None


@dataclass(frozen=True)
class ListedFacts:
    """The publications, last uses and read errors that a target has of datasets, by stem."""

    publications: Mapping[str, LastPublication] = field(default_factory=dict)
    used: Mapping[str, datetime] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why facts are missing, as sentences."""
        return tuple(f"what is published is unknown: {fault}" for fault in self.faults)


class ListedDataset(LastPublication):
    """One dataset. A file with faults has only its stem and their number."""

    dataset: str
    id: str | None = None
    name: str | None = None
    description: str = ""
    status: Status | None = None
    ml_model: str | None = None
    owner: str | None = None
    version: int | None = None
    version_pending: bool = False
    created_at: Instant | None = None
    updated_at: Instant | None = None
    last_used_at: Instant | None = None
    partitions: str | None = None
    tables: tuple[str, ...] = ()
    faults: int = 0


class DatasetList(Model):
    """The datasets of a folder by stem, and why facts of publications are missing, if they are."""

    datasets: tuple[ListedDataset, ...]
    remarks: tuple[str, ...] = ()


def list_datasets(
    catalog: Catalog,
    open_target: Callable[[], Target] | None = None,
    *,
    archived: bool = False,
    status: Status | None = None,
    ml_model: str | None = None,
) -> DatasetList:
    """Return all datasets but archived ones, or those with a status or an `ml_model`; broken ones included.

    A target that cannot be opened or read leaves facts of publications empty, with a remark.
    """
    entries = [entry for entry in catalog.entries.values() if _is_listed(entry, archived, status, ml_model)]
    facts = listed_facts([entry.stem for entry in entries], open_target) if open_target else ListedFacts()
    listed = (with_facts(listed_dataset(catalog, entry), facts) for entry in entries)
    return DatasetList(datasets=tuple(listed), remarks=facts.remarks)


def _is_listed(entry: Entry, archived: bool, status: Status | None, ml_model: str | None) -> bool:
    if entry.dataset is None or not entry.ok:
        return status is None and ml_model is None
    if ml_model is not None and entry.dataset.ml_model != ml_model:
        return False
    if status is not None:
        return entry.dataset.status is status
    return archived or entry.dataset.status is not Status.ARCHIVED


def listed_facts(stems: Sequence[str], open_target: Callable[[], Target]) -> ListedFacts:
    """Read the last record and the last use of each dataset in one session. Raises nothing."""
    try:
        target = open_target()
        with target.engine.connect(JobContext("datasets")) as session:
            last = target.warehouse.last_records(stems, session)
            used = target.warehouse.last_uses(stems, session)
    except DatasetAssetsError as error:
        return ListedFacts(faults=error.faults)
    publications = {stem: _publication(record) for stem, record in last.records.items()}
    return ListedFacts(publications, used, last.faults)


def listed_dataset(catalog: Catalog, entry: Entry) -> ListedDataset:
    """Return what the file and the lock of a dataset say, without its publications."""
    dataset = entry.dataset
    if dataset is None or not entry.ok:
        name = dataset.name if dataset else None
        return ListedDataset(dataset=entry.stem, name=name, faults=fault_count(entry.faults))
    version = entry.lock.version_of(dataset)
    lines = entry.lock.lines
    return ListedDataset(
        dataset=entry.stem,
        id=str(dataset.id) if dataset.id else None,
        name=dataset.name,
        description=dataset.description,
        status=dataset.status,
        ml_model=dataset.ml_model,
        owner=dataset.owner,
        version=version.number,
        version_pending=version.pending,
        created_at=dataset.created_at or (lines[0].locked_at if lines else None),
        updated_at=lines[-1].locked_at if lines else dataset.updated_at,
        partitions=_partitions(dataset),
        tables=tuple(dict.fromkeys(_tables(catalog, entry))),
    )


def with_facts(listed: ListedDataset, facts: ListedFacts) -> ListedDataset:
    """Return a dataset with what is known of its publications and uses. One with faults has none."""
    if listed.faults:
        return listed
    published = facts.publications.get(listed.dataset)
    update = {name: getattr(published, name) for name in LastPublication.model_fields} if published else {}
    return listed.model_copy(update={**update, "last_used_at": facts.used.get(listed.dataset)})


def _partitions(dataset: Dataset) -> str | None:
    return f"{dataset.partitions.period} from {dataset.partitions.start}" if dataset.partitions else None


def _tables(catalog: Catalog, entry: Entry) -> Iterator[str]:
    return (source.reads for source in catalog.scope(entry).sources)


def _publication(record: Record) -> LastPublication:
    """Return the facts of a publication; none if the record was lost."""
    if not record:
        return LastPublication()
    window = record.get("window")
    return LastPublication(
        row_count=record["counts"]["rows"],
        date_range=DateRange(start=window[0], end=window[1]) if window else None,
        published_at=record["published_at"],
        period=record["period"],
    )
