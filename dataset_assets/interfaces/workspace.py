"""Open what every command works with: the settings, the catalog of all files, and the target."""

from dataclasses import dataclass
from pathlib import Path

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.validation import Resolvers
from dataset_assets.errors import ContractError, Fault
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.target import Target


@dataclass(frozen=True)
class Workspace:
    """The settings of the environment. `target_name` is a target's name or path that replaces theirs."""

    settings: Settings
    target_name: str | None = None

    @classmethod
    def of(cls, target: str | None = None, definitions: Path | None = None) -> "Workspace":
        """Return the workspace of the environment, with another target or definitions folder if given.

        Raises ContractError if an environment variable is invalid.
        """
        settings = Settings.from_env()
        if definitions:
            settings = settings.model_copy(update={"definitions": definitions.resolve()})
        return cls(settings, target)

    @property
    def root(self) -> Path:
        """The definitions folder. Raises ContractError if it has no folder `datasets`."""
        root = self.settings.definitions
        if not (root / "datasets").is_dir():
            hint = "set DATASET_ASSETS_DEFINITIONS to a folder that has datasets/"
            raise ContractError(
                Fault(f"there are no definitions here: there is no folder {root / 'datasets'}", hint=hint)
            )
        return root

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of all files in the definitions folder. Raises ContractError as `root` does."""
        return load_catalog(self.root)

    @property
    def catalog_if_any(self) -> Catalog:
        """The catalog, or an empty one without a definitions folder: publications can be read even then."""
        root = self.settings.definitions
        if (root / "datasets").is_dir():
            return self.catalog
        return Catalog(root, {}, Calendars(), Users({}), {}, ())

    @cached_property
    def target(self) -> Target:
        """The target, loaded on first use. Raises ContractError with all faults of its file."""
        from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415 - loads engines

        return load_target(self.target_label, self.catalog_if_any.calendars, self.settings.project)

    @property
    def target_label(self) -> str:
        """The name or path of the target, as it was given."""
        return self.target_name or self.settings.target

    def over(self, catalog: Catalog) -> "Workspace":
        """Return this workspace with a newer catalog, and with the same target if it is loaded."""
        newer = Workspace(self.settings, self.target_name)
        shared = {"target": self.target} if "target" in vars(self) else {}
        vars(newer).update(shared, catalog=catalog)
        return newer

    def resolvers(self, calendars: Calendars) -> Resolvers:
        """Return the names of the target's resolvers without loading an engine.

        Raises ContractError as `target` does.
        """
        from dataset_assets.adapters.targets.loading import read_target  # noqa: PLC0415 - most commands need none

        target = read_target(self.target_label, calendars, self.settings.project)
        return Resolvers(target.name, tuple(target.file.resolvers))
