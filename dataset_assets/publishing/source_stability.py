"""Makes sure that all that a run reads of a source is one version of it."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dataset_assets.contract.scope import Source
from dataset_assets.errors import (
    AccessError,
    ChangedError,
    DatasetAssetsError,
    Fault,
    ResolveError,
    SupersededError,
    raise_all,
)
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.publishing.source_locator import SourceLocator


@dataclass(frozen=True)
class Stability:
    """The sources of one run as they were when they were resolved, by the source's name."""

    places: SourceLocator
    relations: Mapping[str, Relation]
    session: Session

    def confirm(self) -> None:
        """Raises ChangedError with every source that is not the version any more that was resolved."""
        raise_all(ChangedError, self._faults())

    @contextmanager
    def explain(self) -> Generator[None]:
        """Raise ChangedError instead of an error that a source which changed may have caused.

        What an engine says of rows that are half one version and half the next, or of a file that is gone,
        leads nobody to the cause.
        """
        try:
            yield
        except (AccessError, ChangedError, SupersededError):
            raise
        except Exception as error:
            try:
                faults = tuple(self._faults())
            except DatasetAssetsError:
                raise error from None
            if faults:
                raise ChangedError(*faults) from None
            raise

    def _faults(self) -> Iterator[Fault]:
        scope = self.places.scope
        changed = (each for each in scope.sources if not self._holds(each))
        for name in dict.fromkeys(each.nested.stem if each.nested else each.table for each in changed):
            yield Fault(f"{name} changed while it was read", hint="run again")

    def _holds(self, source: Source) -> bool:
        version = self.relations[source.name].version
        try:
            if source.nested:
                keeps = self.places.target.warehouse.keeps_rows
                return keeps or self.places.relation(source, self.session).version == version
            resolver = self.places.resolvers[source.name]
            return resolver.holds(self.places.request(source), version)
        except ResolveError:
            return False
