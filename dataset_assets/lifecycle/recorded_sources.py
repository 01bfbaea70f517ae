"""Resolve the sources of a publication in the versions that its record names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from typing_extensions import override

from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import PastVersion, gone
from dataset_assets.publishing.nested_versions import nested_version
from dataset_assets.publishing.recorded_columns import publication_of_version
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.rows.visible_rows import visible_relation


@dataclass(frozen=True, kw_only=True)
class RecordedSources(SourceLocator):
    """Locates each source in the version that `versions` has for its key, as it was read at `read_at`.

    A source whose version is gone is read as it is now, and `gone` receives the reason by the source's key:
    only the digest then shows whether its rows are still the same.
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
                return self._nested(source, source.nested, past, session)
            resolver = self.resolvers[source.name]
            return self.table_rows(source, lambda request: resolver.resolve_past(request, past, session))
        except DatasetAssetsError as error:
            self.gone[key] = error.faults[0]
        try:
            return super().resolve_source(source, session)
        except DatasetAssetsError:
            raise ResolveError(self.gone[key]) from None

    def _nested(self, source: Source, nested: NamedDataset, past: PastVersion, session: Session) -> Relation:
        period, read = self.same_period(nested), self.time_range(source)
        own = self.target.warehouse
        for warehouse in (own, *(each.warehouse for each in self.target.reads_from)):
            found = publication_of_version(
                warehouse,
                nested.stem,
                period,
                past.version,
                session,
                lambda record: nested_version(record, source, read),
            )
            if found is not None and not found.expired_at:
                break
        what = f"the publication of {nested.stem} with the digest {past.version[:12]}, which was read"
        if found is None or found.expired_at:
            raise ResolveError(gone(what, past, found.expired_at if found else None))
        readable = warehouse.current(nested.stem, found.period, session, found.table_version)
        if readable is None:
            raise ResolveError(gone(what, past, None))
        return replace(visible_relation(readable), version=past.version)
