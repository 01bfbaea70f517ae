"""Read and open a target: one YAML file with the settings of an engine, a warehouse and resolvers.

Reading a target imports no engine; opening it does.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from dataset_assets.adapters.shared.local_files import ReadableFolders
from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.adapters.targets.target_files import find_target_file, read_document
from dataset_assets.errors import ContractError, Fault, PeriodError, raise_all
from dataset_assets.model import Identifier, Model, ResolverName, Text
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.target import PublishingTarget, Target
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document

AnyEngine = Annotated[DuckDBSettings | BigQueryEngineSettings, Field(discriminator="type")]
AnyWarehouse = Annotated[DeltaWarehouseSettings | BigQueryWarehouseSettings, Field(discriminator="type")]


class TargetFile(Model):
    """The contents of a target's file. `routes` maps tables to other resolvers than the default one.

    `reads_from` is the name or the path of a target whose publications are read of nested datasets that this
    one does not publish.
    """

    engine: AnyEngine
    warehouse: AnyWarehouse
    default_resolver: Text
    resolvers: Annotated[Mapping[ResolverName, BuiltInResolver], Field(min_length=1)]
    routes: Mapping[Identifier, ResolverName] = Field(default_factory=dict)
    reads_from: Text | None = None

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

    def open(self, name: str, context: TargetContext, others: Sequence[tuple[str, AnyWarehouse]]) -> Target:
        """Open the target. Its engine can read the roots of its resolvers and warehouses, and nothing else.

        `others` are the names and the warehouses of the targets that it reads from, as seen from elsewhere.
        """
        context = replace(context, connection=self.engine.connection())
        resolvers = {key: settings.open(key, context) for key, settings in self.resolvers.items()}
        folders = ReadableFolders(tuple(path for _, each in others for path in each.folders))
        engine = self.engine.open(context, self.warehouse, (*resolvers.values(), folders))
        warehouse = self.warehouse.open(context)
        reads_from = tuple(PublishingTarget(key, each.open(context)) for key, each in others)
        return Target(name, engine, warehouse, resolvers, self.default_resolver, self.routes, reads_from)


@dataclass(frozen=True)
class ParsedTarget:
    """A target's file that was read and validated. Its relative paths are relative to `base`.

    `others` are the targets that it reads from, the nearest first.
    """

    name: str
    base: Path
    file: TargetFile
    others: tuple["ParsedTarget", ...] = ()

    def open(self, calendars: Calendars) -> Target:
        """Open the target without reading any data."""
        others = [
            (each.name, each.file.warehouse.seen_from_elsewhere(each.base, each.file.engine))
            for each in self.others
        ]
        return self.file.open(self.name, TargetContext(self.base, calendars), others)


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
    return _read(name_or_path, calendars or Calendars(), project, ())


def _read(name_or_path: str, calendars: Calendars, project: Path, readers: tuple[Path, ...]) -> ParsedTarget:
    """Read a target and those that it reads from. `readers` are the files of those that read from it."""
    path, base = find_target_file(name_or_path, project)
    document = read_document(path)
    file = _build(document)
    raise_all(ContractError, _unknown_period_faults(document, file, calendars))
    parsed = ParsedTarget(path.stem, base, file)
    if file.reads_from is None:
        return parsed
    with _faults_of_other(document):
        other, circle = _other_file(file.reads_from, base, project), (*readers, path)
        if other in circle:
            names = " → ".join(each.stem for each in (*circle[circle.index(other) :], other))
            hint = "let one of them read from no other target"
            raise ContractError(Fault(f"targets read from each other in a circle: {names}", hint=hint))
        found = _read(str(other), calendars, project, circle)
        if found.file.engine.type != file.engine.type:
            message = (
                f"{found.name!r} has the engine {found.file.engine.type}, this target {file.engine.type}"
            )
            raise ContractError(Fault(message, hint="read from a target of the same engine"))
    return replace(parsed, others=(found, *found.others))


def _other_file(name_or_path: str, base: Path, project: Path) -> Path:
    """Return the file of the target that another one reads from; a relative path is relative to `base`."""
    if name_or_path.endswith((".yaml", ".yml")):
        name_or_path = str(base / Path(name_or_path).expanduser())
    return find_target_file(name_or_path, project)[0]


@contextmanager
def _faults_of_other(document: Document) -> Generator[None]:
    """Raise faults that have no position with the position of the reference to the other target."""
    try:
        yield
    except ContractError as error:
        place = ("target", "reads_from")
        faults = (
            each if each.position else Fault(each.message, dotted(place), each.hint, document.position(place))
            for each in error.faults
        )
        raise ContractError(*faults) from None


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
