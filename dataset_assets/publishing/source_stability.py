"""Check that every source still has the version that a run resolved.

A change is reported as the cause of the errors that it led to.
"""

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
class SourceStability:
    """The relations of one run's sources when they were resolved, by the source's name."""

    locator: SourceLocator
    relations: Mapping[str, Relation]
    session: Session

    def confirm(self) -> None:
        """Raise ChangedError with every source that no longer has the resolved version."""
        raise_all(ChangedError, self._faults())

    @contextmanager
    def explain(self) -> Generator[None]:
        """Raise ChangedError instead of an error that a changed source may have caused.

        An engine's error about rows of two versions, or about a deleted file, does not name this cause.
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
        scope = self.locator.scope
        changed = (each for each in scope.sources if not self._is_unchanged(each))
        for name in dict.fromkeys(each.nested.stem if each.nested else each.table for each in changed):
            yield Fault(f"{name} changed while it was read", hint="run again")

    def _is_unchanged(self, source: Source) -> bool:
        version = self.relations[source.name].version
        try:
            if source.nested:
                publisher = self.locator.target.publisher(source.nested.stem, self.session)
                keeps = publisher.warehouse.keeps_rows
                return keeps or self.locator.resolve_source(source, self.session).version == version
            resolver = self.locator.resolvers[source.name]
            return resolver.holds(self.locator.table_request(source), version)
        except ResolveError:
            return False
