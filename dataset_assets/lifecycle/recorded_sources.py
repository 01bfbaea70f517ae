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
from dataset_assets.ports.warehouse import Publication, Record, Warehouse
from dataset_assets.publishing.source_locator import SourceLocator, source_key

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
        if found is None:
            newest = warehouse.latest(nested.stem, session)
            since = datetime.fromisoformat(newest.record["published_at"]) if newest else None
            what = f"the publication of {nested.stem} with the digest {past.version[:12]}, which was read"
            raise ResolveError(gone(what, past, since))
        return replace(found.relation, version=past.version)


def publication_with_digest(
    warehouse: Warehouse, stem: str, period: str | None, digest: str, session: Session
) -> Publication | None:
    """Return the newest readable publication whose rows have this digest; None if there is none.

    Without `period` it is one of the dataset's last Period, as for a nested dataset without partitions.
    """
    for publication in _earlier_and_earlier(warehouse, stem, period, session):
        if publication.record["digest"] == digest:
            return publication
    return None


def _earlier_and_earlier(
    warehouse: Warehouse, stem: str, period: str | None, session: Session
) -> Iterator[Publication]:
    """Yield the publications of a Period from the current one back to the first that can be read."""
    publication = warehouse.current(stem, period, session) if period else warehouse.latest(stem, session)
    while publication:
        yield publication
        replaced = publication.record["replaces"]
        if replaced is None:
            return
        try:
            publication = warehouse.current(stem, publication.period, session, replaced)
        except ResolveError:  # retention or time travel has ended there
            return


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
