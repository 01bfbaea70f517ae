"""The target as a Dagster resource, and what of it the asset graph shows before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.calendar import Calendars
from dataset_assets.ports.target import Target

RESOURCE = "target"
"""The key of the resource that every dataset's op requires, unless its Placement has another."""


class TargetResource(dg.ConfigurableResource):
    """Where datasets are read and published: a target by `name`, as the launchpad shows and overrides it.

    With `locked`, a structure that its lock does not hold is refused (BR-115). `project` is the folder
    whose `resources/targets/` has the name, and at which the target's relative paths begin; by default the
    one around the current folder. The target is loaded in the run, so that a code location starts without
    an engine.
    """

    name: str
    locked: bool = False
    project: str = ""

    def load(self, calendars: Calendars) -> Target:
        """Read the target, whose tables may be stored by Periods of these calendars; raises ContractError."""
        from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415 - loads no engine at start

        return load_target(self.name, calendars, Path(self.project) if self.project else None)


@dataclass(frozen=True)
class TargetBinding:
    """What a code location asks of its target: where tables come from and datasets go.

    `faults` are those of a target that cannot be read; nothing else may be asked of it then. `key` is that of
    its resource. `made_here`: tables that other assets of the code location make, by name.
    """

    target: Target | None
    faults: tuple[Fault, ...] = ()
    key: str = RESOURCE
    made_here: Mapping[str, dg.AssetKey] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        resource: TargetResource,
        calendars: Calendars,
        key: str = RESOURCE,
        made_here: Mapping[str, dg.AssetKey] | None = None,
    ) -> "TargetBinding":
        """A target that is broken is no reason for a code location not to load."""
        target, faults = None, ()
        try:
            target = resource.load(calendars)
        except DatasetAssetsError as error:
            faults = error.faults
        return cls(target, faults, key, made_here or {})

    @property
    def kinds(self) -> set[str]:
        """What the assets are computed with and kept as, for badges."""
        return {self.target.engine.dialect.name, self.target.warehouse.kind} if self.target else set()
