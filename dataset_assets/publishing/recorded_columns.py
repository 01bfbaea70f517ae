"""Find the columns of a publication by its record, which the files of today may describe otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.retention import RecordedPublication
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.text.wording import listed

NESTED = "datasets/"
"""What the key of a nested dataset begins with in a record's `sources`."""


def recorded_scope(catalog: Catalog, warehouse: Warehouse, record: Record, session: Session) -> Scope:
    """Return the sources that a publication was read from, as they were then."""
    datasets = RecordedDatasets(catalog, warehouse, session, record)
    return Scope(Dataset.model_validate(record["definition"]), datasets, catalog.calendars)


def recorded_columns(
    catalog: Catalog, warehouse: Warehouse, record: Record, session: Session
) -> PublishedColumns:
    """Return the columns that a dataset's publication has. Raises PublishError if they are not all known."""
    columns = PublishedColumns(recorded_scope(catalog, warehouse, record, session))
    names, recorded = [each.name for each in columns.stored], [each["name"] for each in record["columns"]]
    if names != recorded:
        missing = listed([*sorted(set(recorded).symmetric_difference(names))], 5)
        message = f"the definition of the columns {missing} is not known"
        raise PublishError(Fault(message, hint="restore the datasets that this one nests, as they were"))
    return columns


def _digest_of(record: Record) -> str:
    return record["digest"]


def publication_of_version(
    warehouse: Warehouse,
    stem: str,
    period: str | None,
    version: str,
    session: Session,
    version_of: Callable[[Record], str] = _digest_of,
) -> RecordedPublication | None:
    """Return the newest publication that has this version, readable or not; None if there is none.

    The version of a publication is the digest of its rows, unless `version_of` returns another one.

    Without `period` it is one of the dataset's last Period, as for a nested dataset without partitions. A
    readable publication is returned even if a newer one with the same rows is expired.
    """
    expired: RecordedPublication | None = None
    for publication in _earlier_and_earlier(warehouse, stem, period, session):
        if version_of(publication.record) == version:
            if publication.expired_at is None:
                return publication
            expired = expired or publication
    return expired


def _earlier_and_earlier(
    warehouse: Warehouse, stem: str, period: str | None, session: Session
) -> Iterator[RecordedPublication]:
    """Yield the publications of a Period from the current one back to the first that is recorded."""
    version = warehouse.version(stem, session)
    periods = warehouse.periods(stem, session)
    chosen = period or (periods[-1] if periods else None)
    while version is not None:
        found = warehouse.recorded(stem, [chosen], version, session)
        yield from found
        version = found[0].record["replaces"] if found else None


@dataclass(frozen=True, eq=False)
class RecordedDatasets:
    """Finds nested datasets with the definitions that their publications had, by the digests in a record.

    A nested dataset whose publication is gone has its present definition.
    """

    catalog: Catalog
    warehouse: Warehouse
    session: Session
    record: Record

    def __call__(self, id: UUID) -> NamedDataset | None:  # noqa: A002 - the specification's word
        """Return the nested Dataset with this id; None if no file has it."""
        present = self.catalog.find(id)
        digest = self.record["sources"].get(f"{NESTED}{present.stem}") if present else None
        if present is None or digest is None:
            return present
        period = self.record["period"] if present.dataset.partitions else None
        found = publication_of_version(self.warehouse, present.stem, period, digest, self.session)
        if found is None:
            return present
        definition = Dataset.model_validate(found.record["definition"])
        return NamedDataset(present.stem, definition, replace(self, record=found.record))
