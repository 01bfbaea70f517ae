"""A target: the named environment of an engine, a warehouse, and the resolvers of source tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.resolver import Resolver
from dataset_assets.ports.warehouse import Warehouse


@dataclass(frozen=True)
class PublishingTarget:
    """The name and the warehouse of a target whose publications are read."""

    name: str
    warehouse: Warehouse


@dataclass(frozen=True)
class Target:
    """An engine, a warehouse and resolvers. `routes` maps tables to resolvers other than the default one.

    `reads_from` are targets whose publications are read of nested datasets that this one does not publish
    itself; the first that has the dataset is read. Nothing is written there (BR-139).
    """

    name: str
    engine: Engine
    warehouse: Warehouse
    resolvers: Mapping[str, Resolver]
    default_resolver: str
    routes: Mapping[str, str] = field(default_factory=dict)
    reads_from: tuple[PublishingTarget, ...] = ()

    def publisher(self, dataset: str, session: Session) -> PublishingTarget:
        """Return the target whose publications of a nested dataset are read.

        It is this one if it has any or if no target has.
        """
        own = PublishingTarget(self.name, self.warehouse)
        if not self.reads_from or self.warehouse.version(dataset, session) is not None:
            return own
        others = (each for each in self.reads_from if each.warehouse.version(dataset, session) is not None)
        return next(others, own)

    def resolver(self, resolver_id: str | None) -> Resolver:
        """Return the Resolver of that name, or the default one. Raises ResolveError if there is none."""
        name = resolver_id or self.default_resolver
        if name not in self.resolvers:
            message = f"target {self.name!r} has no resolver {name!r}"
            known = ", ".join(sorted(self.resolvers))
            raise ResolveError(Fault(message, "dataset.resolver_id", f"it has: {known}"))
        return self.resolvers[name]

    def resolver_of(self, dataset: Dataset, table: str) -> Resolver:
        """Return the Resolver of a dataset's table: that of its `resolver_id`, its route, or the default.

        The tables of one dataset can be in different stores; its file does not name them (BR-004).
        """
        return self.resolver(dataset.resolver_id or self.routes.get(table))
