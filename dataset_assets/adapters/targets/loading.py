"""Read and open a target: one YAML file with the settings of an engine, a warehouse and resolvers.

Reading a target imports no engine; opening it does.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, create_model, model_validator

from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings, BigQueryWarehouseSettings
from dataset_assets.adapters.delta.settings import DeltaWarehouseSettings
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.adapters.resolvers.by_period import PartitionedTableSettings
from dataset_assets.adapters.resolvers.registry import (
    BuiltInResolver,
    any_resolver,
    built_in_conflict,
    installed_types,
)
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.targets.environment import TARGETS, Settings
from dataset_assets.errors import ContractError, Fault, PeriodError, raise_all
from dataset_assets.model import Identifier, Model, ResolverName, Text
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.target import Target
from dataset_assets.text.wording import dotted, nearest_first, shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file

AnyEngine = Annotated[DuckDBSettings | BigQueryEngineSettings, Field(discriminator="type")]
AnyWarehouse = Annotated[DeltaWarehouseSettings | BigQueryWarehouseSettings, Field(discriminator="type")]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TargetFile(Model):
    """The contents of a target's file. `routes` maps tables to other resolvers than the default one."""

    engine: AnyEngine
    warehouse: AnyWarehouse
    default_resolver: Text
    resolvers: Annotated[Mapping[ResolverName, BuiltInResolver], Field(min_length=1)]
    routes: Mapping[Identifier, ResolverName] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.default_resolver not in self.resolvers:
            raise ValueError(f"default_resolver {self.default_resolver!r} is not one of `resolvers`")
        for table, name in self.routes.items():
            if name not in self.resolvers:
                raise ValueError(f"routes: {table} goes to {name!r}, which is not one of `resolvers`")
        if self.warehouse.needs != self.engine.type:
            kind, needs = self.warehouse.type, self.warehouse.needs
            raise ValueError(f"a {kind} warehouse needs the engine {needs}, not {self.engine.type}")
        return self

    def open(self, name: str, context: TargetContext) -> Target:
        """Open the target. Its engine can read the roots of its resolvers and warehouse, and nothing else."""
        context = replace(context, connection=self.engine.connection())
        resolvers = {key: settings.open(key, context) for key, settings in self.resolvers.items()}
        engine = self.engine.open(context, self.warehouse, tuple(resolvers.values()))
        warehouse = self.warehouse.open(context)
        return Target(name, engine, warehouse, resolvers, self.default_resolver, self.routes)


@dataclass(frozen=True)
class ParsedTarget:
    """A target's file that was read and validated. Its relative paths are relative to `base`."""

    name: str
    base: Path
    file: TargetFile

    def open(self, calendars: Calendars) -> Target:
        """Open the target without reading any data."""
        return self.file.open(self.name, TargetContext(self.base, calendars))


def load_target(
    name_or_path: str | None = None, calendars: Calendars | None = None, project: Path | None = None
) -> Target:
    """Read and open a target. Raises ContractError as `read_target` does."""
    return read_target(name_or_path, calendars, project).open(calendars or Calendars())


def read_target(
    name_or_path: str | None = None, calendars: Calendars | None = None, project: Path | None = None
) -> ParsedTarget:
    """Read a target by its name in the project's `resources/targets/`, or by its path.

    The defaults are `DATASET_ASSETS_TARGET` and the project of `Settings`; without need of a default no
    variable is read for them. Relative paths in a target of the project are relative to the project's folder,
    in any other target to the folder of its file. Raises ContractError with all faults.
    """
    if not name_or_path or project is None:
        settings = Settings.from_env(project=project)
        name_or_path, project = name_or_path or settings.target, settings.project
    path, base = _find_file(name_or_path, project)
    document = read_file(path)
    document = replace(document, data=_with_variables(document, os.environ))
    file = _build(document)
    raise_all(ContractError, _unknown_period_faults(document, file, calendars or Calendars()))
    return ParsedTarget(path.stem, base, file)


def _build(document: Document) -> TargetFile:
    """Return the model of a target's file. Raises ContractError with all faults.

    Installed packages are searched for resolvers only if the file is not valid with the built-in ones.
    """
    try:
        return build(document, TargetFile, "target")
    except ContractError as error:
        used = dict(_resolver_types(document.data))
        if not installed_types():
            raise
        built_in_faults = error.faults
    try:
        return build(document, _extended_model(frozenset(used.values())), "target")
    except ContractError as error:
        raise ContractError(*error.faults, *_conflicts(document, used, built_in_faults)) from None


@cache
def _extended_model(used: frozenset[str]) -> type[TargetFile]:
    """Return the model of a file that uses these resolver types; some are defined by installed packages."""
    settings: Any = any_resolver(used)
    resolvers = Annotated[Mapping[ResolverName, settings], Field(min_length=1)]
    return create_model("TargetFile", __base__=TargetFile, resolvers=(resolvers, ...))


def _resolver_types(data: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the type of each resolver in a file, as far as the file has the expected shape."""
    target = data.get("target") if isinstance(data, dict) else None
    resolvers = target.get("resolvers") if isinstance(target, dict) else None
    for name, settings in resolvers.items() if isinstance(resolvers, dict) else ():
        if isinstance(settings, dict) and isinstance(settings.get("type"), str):
            yield name, settings["type"]


def _conflicts(document: Document, used: Mapping[str, str], faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield a fault for each resolver that has faults and whose built-in type a package registers as well."""
    for name, resolver_type in used.items():
        location = ("target", "resolvers", name)
        message = built_in_conflict(resolver_type)
        if message and any(fault.field.startswith(f"{dotted(location)}.") for fault in faults):
            place = (*location, "type")
            hint = "the built-in resolver is used; the package has to register another type"
            yield Fault(message, dotted(place), hint, document.position(place))


def _unknown_period_faults(document: Document, file: TargetFile, calendars: Calendars) -> Iterator[Fault]:
    """Yield a fault for each table that is stored by a Period which no calendar defines.

    Grains of named calendars are checked only if calendars are given: some callers have none, and an invalid
    `periods.yaml` has faults of its own.
    """
    for name, resolver in file.resolvers.items():
        for table, stored in resolver.tables.items():
            period = stored.period if isinstance(stored, PartitionedTableSettings) else None
            if not period or ("." in period and not calendars.calendars):
                continue
            try:
                calendars.cadence(period)
            except PeriodError as error:
                loc = ("target", "resolvers", name, "tables", table, "period")
                fault = error.faults[0]
                yield Fault(fault.message, dotted(loc), fault.hint, document.position(loc))


def _find_file(name_or_path: str, project: Path) -> tuple[Path, Path]:
    """Return the target's file, and the folder that its relative paths are relative to."""
    targets = project / TARGETS
    if not name_or_path.endswith((".yaml", ".yml")) and os.sep not in name_or_path:
        names = sorted(path.stem for path in targets.glob("*.yaml"))
        if name_or_path not in names:
            existing = f"known: {', '.join(names)}" if names else f"{targets} has none"
            hint = nearest_first(name_or_path, names, f"{existing}; or give the path of a .yaml file")
            raise ContractError(Fault(f"there is no target {shown(name_or_path)}", hint=hint))
        return targets / f"{name_or_path}.yaml", project
    try:
        path = Path(name_or_path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        hint = "give the path of a .yaml file"
        raise ContractError(Fault(f"there is no target {shown(name_or_path)}", hint=hint)) from None
    return path, project if path.parent == targets.resolve() else path.parent


def _with_variables(document: Document, environ: Mapping[str, str]) -> Any:
    """Return the document's data with `${NAME}` replaced by the environment's values.

    Raises ContractError with a fault for each variable that is not set or not closed.
    """
    faults = []
    for loc, text in _texts(document.data, ()):
        position = document.position(loc)
        for name in _VARIABLE.findall(text):
            if name not in environ:
                message = f"the environment variable {name} is not set"
                faults.append(Fault(message, dotted(loc), f"set {name}", position))
        if "${" in _VARIABLE.sub("", text):
            message = f"is {shown(text)}, in which a `${{` begins no variable"
            faults.append(Fault(message, dotted(loc), "write a variable as ${NAME}", position))
    raise_all(ContractError, faults)
    return _replace_variables(document.data, environ)


def _texts(value: Any, loc: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield loc, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield from _texts(child, (*loc, step))


def _replace_variables(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: environ[match[1]], value)
    if isinstance(value, dict):
        return {key: _replace_variables(child, environ) for key, child in value.items()}
    return [_replace_variables(child, environ) for child in value] if isinstance(value, list) else value
