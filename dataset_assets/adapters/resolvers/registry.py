"""Map the `type` of a resolver in a target's file to the settings class that reads it.

The library has the types of `BuiltIn`. An installed package adds one by an entry point of the group
`dataset_assets.resolvers`, whose name is the type and whose object is a subclass of ResolverSettings.
Installed packages are listed only when a file is not valid with the built-in types, and a package is imported
only when the file uses its type.
"""

from collections.abc import Mapping
from functools import cache, reduce
from importlib.metadata import EntryPoint, entry_points
from operator import or_
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, create_model

from dataset_assets.adapters.resolvers.base import ResolverSettings
from dataset_assets.adapters.resolvers.bigquery_settings import BigQuerySettings
from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.duckdb import DuckDBFileSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.model import Model
from dataset_assets.text.wording import listed

GROUP = "dataset_assets.resolvers"

BuiltIn = ParquetSettings | CsvSettings | DeltaSettings | DuckDBFileSettings | BigQuerySettings
"""The settings of the library's own types. A new one is a file with its settings, and its entry here."""

BuiltInResolver = Annotated[BuiltIn, Field(discriminator="type")]
"""Settings of any built-in resolver, chosen by `type`."""


def _type_of(settings: type[Model]) -> str:
    """Return the value of the class's `type: Literal["..."]`; an empty text if it declares none."""
    field = settings.model_fields.get("type")
    values = get_args(field.annotation) if field else ()
    return values[0] if len(values) == 1 else ""


BUILT_IN_TYPES = frozenset(map(_type_of, get_args(BuiltIn)))


@cache
def installed_types() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the entry points of installed packages by type. More than one for a type is a conflict."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for each in sorted(entry_points(group=GROUP), key=_package):
        found[each.name] = (*found.get(each.name, ()), each)
    return found


@cache
def any_resolver(used: frozenset[str]) -> Any:
    """Return the annotation of settings of any built-in or installed type, chosen by `type`.

    Only the packages of the types in `used` are imported. A type that cannot be used because of its package
    is part of the union too: pydantic then reports one sentence at the `type` in the file.
    """
    installed = {name: entries for name, entries in installed_types().items() if name not in BUILT_IN_TYPES}
    added = [_settings_of(name, entries, name in used) for name, entries in installed.items()]
    union: Any = reduce(or_, added, BuiltIn)
    return Annotated[union, Field(discriminator="type")]


def built_in_conflict(name: str) -> str:
    """Return a sentence if a package registers this built-in type, without effect; else an empty text."""
    entries = installed_types().get(name, ()) if name in BUILT_IN_TYPES else ()
    return f"is {name!r}, a built-in type that {_packages(entries)} too" if entries else ""


def _settings_of(name: str, entries: tuple[EntryPoint, ...], is_used: bool) -> type[Model]:
    """Return the settings class that a package registers for a type, or a substitute that reports a fault."""
    if not is_used:
        return _stand_in(name, "")
    who = _packages(entries)
    if len(entries) > 1:
        return _stand_in(name, f"is {name!r}, which {who}; uninstall all but one of them")
    try:
        settings = entries[0].load()
    except Exception as error:  # noqa: BLE001 - the import of a package can raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return _stand_in(name, f"is {name!r}, which {who} but which cannot be loaded: {reason}; reinstall it")
    if not (isinstance(settings, type) and issubclass(settings, ResolverSettings)):
        problem = f"is {name!r}, for which {who} {entries[0].value}, not a subclass of ResolverSettings"
        return _stand_in(name, f"{problem}; correct the package's entry point")
    if _type_of(settings) != name:
        problem = f"is {name!r}, which {who} with settings whose `type` is {_type_of(settings)!r}"
        return _stand_in(name, f"{problem}; declare both alike in the package")
    return settings


class _StandIn(Model):
    """Settings of a type that cannot be used. Other keys are accepted, so that only one fault is reported."""

    model_config = ConfigDict(extra="allow")


def _stand_in(name: str, problem: str) -> type[Model]:
    """Return settings that accept the type `name` and report `problem` as the fault of its value."""

    def refuse(_: str) -> str:
        raise ValueError(problem)

    kind = Annotated[Literal[name], AfterValidator(refuse)]  # ty: ignore[invalid-type-form]
    return create_model(f"Unusable_{name}", __base__=_StandIn, type=(kind, ...))


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _packages(entries: tuple[EntryPoint, ...]) -> str:
    """Return subject and verb of a sentence: `the package a registers`, `the packages a and b register`."""
    names = listed((_package(each) for each in entries), between=" and ")
    return f"the package {names} registers" if len(entries) == 1 else f"the packages {names} register"
