"""Resolve the sources of a publication in the versions that its record names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from typing_extensions import override

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import PastVersion, gone
from dataset_assets.ports.retention import RecordedPublication
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.rows.visible_rows import visible_relation

NESTED = "datasets/"
"""What the key of a nested dataset begins with in a record's `sources`."""


@dataclass(frozen=True, kw_only=True)
class RecordedSources(SourceLocator):
    """Locates each source in the version that `versions` has for its key, as it was read at `read_at`.

    A source whose version is gone is read as it is now, and `gone` receives the reason by the source's key:
    only the digest can then tell whether its rows are still the same.
    """

    versions: Mapping[str, str]
    read_at: datetime
    gone: dict[str, Fault] = field(default_factory=dict)

    @override
    def resolve_source(self, source: Source, session: Session) -> Relation:
        key = source_key(source, self.scope.dataset, self.target)
        past = PastVersion(self.versions.get(key, ""), self.read_at)
        try:
            if source.nested:
                return self._nested(source.nested, past, session)
            request = self.table_request(source)
            return self.resolvers[source.name].resolve_past(request, past, session)
        except DatasetAssetsError as error:
            self.gone[key] = error.faults[0]
        try:
            return super().resolve_source(source, session)
        except DatasetAssetsError:
            raise ResolveError(self.gone[key]) from None

    def _nested(self, nested: NamedDataset, past: PastVersion, session: Session) -> Relation:
        period, warehouse = self.same_period(nested), self.target.warehouse
        found = publication_with_digest(warehouse, nested.stem, period, past.version, session)
        what = f"the publication of {nested.stem} with the digest {past.version[:12]}, which was read"
        if found is None or found.expired_at:
            raise ResolveError(gone(what, past, found.expired_at if found else None))
        readable = warehouse.current(nested.stem, found.period, session, found.table_version)
        if readable is None:
            raise ResolveError(gone(what, past, None))
        return replace(visible_relation(readable), version=past.version)


def publication_with_digest(
    warehouse: Warehouse, stem: str, period: str | None, digest: str, session: Session
) -> RecordedPublication | None:
    """Return the newest publication whose rows have this digest, readable or not; None if there is none.

    Without `period` it is one of the dataset's last Period, as for a nested dataset without partitions. A
    readable publication is returned even if a newer one with the same rows is expired.
    """
    expired: RecordedPublication | None = None
    for publication in _earlier_and_earlier(warehouse, stem, period, session):
        if publication.record["digest"] == digest:
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
        found = publication_with_digest(self.warehouse, present.stem, period, digest, self.session)
        if found is None:
            return present
        definition = Dataset.model_validate(found.record["definition"])
        return NamedDataset(present.stem, definition, replace(self, record=found.record))
