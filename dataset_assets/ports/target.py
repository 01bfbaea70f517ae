"""One named environment: where datasets are computed, where their tables come from, where they go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.resolver import Resolver
from dataset_assets.ports.warehouse import Warehouse


@dataclass(frozen=True)
class Target:
    """Engine, warehouse and resolvers. `routes`: tables that another resolver than the default one has."""

    name: str
    engine: Engine
    warehouse: Warehouse
    resolvers: Mapping[str, Resolver]
    default_resolver: str
    routes: Mapping[str, str] = field(default_factory=dict)

    def resolver(self, resolver_id: str | None) -> Resolver:
        """The Resolver of that name, or the default one. Raises ResolveError."""
        name = resolver_id or self.default_resolver
        if name not in self.resolvers:
            message = f"target {self.name!r} has no resolver {name!r}"
            known = ", ".join(sorted(self.resolvers))
            raise ResolveError(Fault(message, "dataset.resolver_id", f"it has: {known}"))
        return self.resolvers[name]

    def resolver_of(self, dataset: Dataset, table: str) -> Resolver:
        """The Resolver of a Dataset's table: by its `resolver_id`, by the table's route, or the default.

        So the tables of one Dataset may lie in different places, of which it knows nothing (BR-004).
        """
        return self.resolver(dataset.resolver_id or self.routes.get(table))
