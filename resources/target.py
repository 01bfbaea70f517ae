"""Reads a target: one YAML file that names engine, warehouse and resolvers (DESIGN section 7)."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from dataset_assets.contract.loading import build
from dataset_assets.contract.reader import Document, read_file
from dataset_assets.contract.wording import dotted, nearest
from dataset_assets.errors import ContractError, Fault, raise_all
from dataset_assets.model import Identifier, Model, Text
from dataset_assets.periods.calendar import Calendars
from dataset_assets.ports import Target
from resources.delta_warehouse import DeltaWarehouseSettings
from resources.duckdb_engine import DuckDBEngine, DuckDBSettings
from resources.resolvers.base import LocalResolver, Place
from resources.resolvers.known import AnyResolver
from resources.settings import PROJECT, Settings

TARGETS = PROJECT / "resources" / "targets"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TargetFile(Model):
    """What the file says."""

    engine: DuckDBSettings
    warehouse: DeltaWarehouseSettings
    default_resolver: Text
    resolvers: Annotated[Mapping[Identifier, AnyResolver], Field(min_length=1)]

    @model_validator(mode="after")
    def _default_is_one_of_them(self) -> Self:
        if self.default_resolver not in self.resolvers:
            raise ValueError(f"default_resolver {self.default_resolver!r} is not one of `resolvers`")
        return self

    def open(self, name: str, place: Place) -> Target:
        """The parts, put together. The engine reaches the roots of resolvers and warehouse, no more."""
        warehouse = self.warehouse.open(place)
        resolvers: dict[str, LocalResolver[Any]] = {
            key: settings.open(key, place) for key, settings in self.resolvers.items()
        }
        directories = [path for resolver in resolvers.values() for path in resolver.directories]
        files = [path for resolver in resolvers.values() for path in resolver.files]
        spill = place.path(self.engine.spill) if self.engine.spill else warehouse.root / "_spill"
        engine = DuckDBEngine(self.engine, (warehouse.root, *directories), spill, tuple(files))
        return Target(name, engine, warehouse, resolvers, self.default_resolver)


def load_target(name_or_path: str | None = None, calendars: Calendars | None = None) -> Target:
    """The target of a name in `resources/targets/` or of a path; by default `DATASET_ASSETS_TARGET`'s.

    Relative paths in a target of the project begin at the project's folder, wherever the process runs; in
    a target given by its path, at the folder of that file. Raises ContractError with all faults.
    """
    wanted = name_or_path or Settings.from_env().target
    path, base = _find(wanted)
    document = read_file(path)
    document = replace(document, data=_substituted(document, os.environ))
    settings = build(document, TargetFile, "target")
    return settings.open(path.stem, Place(base, calendars or Calendars()))


def _find(wanted: str) -> tuple[Path, Path]:
    """The file, and the folder its relative paths begin at."""
    if not wanted.endswith((".yaml", ".yml")) and os.sep not in wanted:
        known = sorted(path.stem for path in TARGETS.glob("*.yaml"))
        if wanted not in known:
            meant = nearest(wanted, known)
            hint = f"did you mean {meant!r}? " if meant else ""
            mend = f"{hint}known: {', '.join(known)}; or give the path of a .yaml file"
            raise ContractError(Fault(f"there is no target {wanted!r}", mend=mend))
        return TARGETS / f"{wanted}.yaml", PROJECT
    path = Path(wanted).expanduser().resolve()
    return path, PROJECT if path.parent == TARGETS else path.parent


def _substituted(document: Document, environ: Mapping[str, str]) -> Any:
    """The data with `${NAME}` replaced in every value. ContractError for those that are not set."""
    faults = []
    for loc, text in _texts(document.data, ()):
        for name in _VARIABLE.findall(text):
            if name not in environ:
                message = f"the environment variable {name} is not set"
                faults.append(Fault(message, dotted(loc), f"set {name}", document.position(loc)))
    raise_all(ContractError, faults)
    return _replaced(document.data, environ)


def _texts(value: Any, loc: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield loc, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield from _texts(child, (*loc, step))


def _replaced(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: environ[match[1]], value)
    if isinstance(value, dict):
        return {key: _replaced(child, environ) for key, child in value.items()}
    return [_replaced(child, environ) for child in value] if isinstance(value, list) else value
