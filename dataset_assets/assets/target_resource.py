"""Provide the target to Dagster: as the resource of runs, and to the asset graph before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.target import Target

RESOURCE = "target"
"""Default key of the resource that the ops of all datasets require."""


class TargetResource(dg.ConfigurableResource):
    """The target with this `name`, from which sources are read and to which datasets are published.

    The launchpad can override it. With `locked`, a structure that its lock does not have is refused (BR-115).
    `project` is the folder whose `resources/targets/` has the name, and at which the target's relative paths
    begin; by default the one around the current folder. The target is loaded in the run, so that a code
    location starts without an engine.
    """

    name: str
    locked: bool = False
    project: str = ""

    def load(self, calendars: Calendars) -> Target:
        """Load the target, whose tables may be stored by Periods of these calendars.

        Raises ContractError with all faults of its file.
        """
        from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415 - loads no engine at start

        return load_target(self.name, calendars, Path(self.project) if self.project else None)


@dataclass(frozen=True)
class TargetBinding:
    """The target of a code location, or the `faults` of a target that cannot be loaded.

    `key` is the key of the resource. `upstream_assets` maps the tables that other assets of the code location
    write to the keys of those assets.
    """

    target: Target | None
    faults: tuple[Fault, ...] = ()
    key: str = RESOURCE
    upstream_assets: Mapping[str, dg.AssetKey] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        resource: TargetResource,
        calendars: Calendars,
        key: str = RESOURCE,
        upstream_assets: Mapping[str, dg.AssetKey] | None = None,
    ) -> "TargetBinding":
        """Load the target of a resource, or keep its faults: an invalid target still lets Dagster load."""
        target, faults = None, ()
        try:
            target = resource.load(calendars)
        except DatasetAssetsError as error:
            faults = error.faults
        return cls(target, faults, key, upstream_assets or {})

    @property
    def kinds(self) -> set[str]:
        """Names of the engine and the warehouse, which Dagster shows as badges of the assets."""
        return {self.target.engine.dialect.name, self.target.warehouse.kind} if self.target else set()
