"""What the resolvers of this machine share: settings of tables, and paths that stay inside a root."""

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import Field

from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.adapters.shared.column_names import AmbiguousNameError, matching
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.adapters.shared.fingerprint import SECOND, fingerprints
from dataset_assets.adapters.shared.local_files import LocalFiles
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.model import Identifier, Model, Text
from dataset_assets.periods.instants import UTC_ZONE
from dataset_assets.periods.zones import Zone
from dataset_assets.ports.resolver import Resolver, Survey, TableState
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import nearest, shown

if TYPE_CHECKING:
    from dataset_assets.adapters.duckdb.engine import DuckDBEngine
    from dataset_assets.adapters.parquet.file_groups import Wanted


class TableSettings(Model):
    """Where a table is, relative to the root, and what its columns are called there.

    `zone` is the zone of its naive timestamps (BR-128). `columns` maps a declared column to its
    physical name, which may be any text. `missing_columns` says whether a declared column that a file lacks
    is an error or NULL there.
    """

    location: Location
    zone: Zone | None = None
    columns: Mapping[Identifier, Text] = Field(default_factory=dict)
    missing_columns: Literal["error", "null"] = "error"

    def physical_name(self, column: str) -> str:
        """Return the name that a declared column has in the table's store."""
        return self.columns.get(column, column)

    def wanted(self, columns: Sequence[ColumnDef]) -> "list[Wanted]":
        """Return the declared columns as they are called in the table's files."""
        from dataset_assets.adapters.parquet.file_groups import Wanted  # noqa: PLC0415 - a target is checked without engines

        is_optional = self.missing_columns == "null"
        return [
            Wanted(each.name, self.physical_name(each.name), each, is_optional=is_optional)
            for each in columns
        ]


class ResolverSettings(Model, ABC):
    """Settings of a resolver: they open as one. `zone` holds for all tables that name no other."""

    zone: Zone | None = None
    tables: Mapping[Identifier, TableSettings] = Field(default_factory=dict)

    @abstractmethod
    def open(self, name: str, context: TargetContext) -> Resolver:
        """The resolver that these settings describe; nothing is read yet."""


S = TypeVar("S", bound=ResolverSettings)


class ConfiguredResolver(Resolver, ABC, Generic[S]):
    """A resolver that a target's file describes."""

    settings: S

    def cadence(self, table: str) -> str | None:  # noqa: ARG002
        """None: each table is one piece."""
        return None

    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        """One piece."""
        return {None: self.state(table)}

    def survey(self, table: str) -> Survey:
        """One piece, whatever is asked for."""
        state = self.state(table)
        return lambda _: state

    def zone(self, table: str) -> str:
        """The zone of the table's naive timestamps."""
        own = self.settings.tables.get(table)
        zone = (own.zone if own else None) or self.settings.zone
        return zone.key if zone else UTC_ZONE.key

    def version(self, table: str, data: str) -> str:
        """Of the table, by that of its `data`: read in another way, the same bytes are other values."""
        own = self.settings.tables.get(table)
        where = {"location", "period", "zone"}
        how = own.model_dump(mode="json", exclude=where, exclude_defaults=True) if own else {}
        how |= {"zone": self.zone(table)} if self.zone(table) != UTC_ZONE.key else {}
        return digest([data, json.dumps(how, sort_keys=True)]) if data and how else data

    def named(
        self, table: str, columns: Sequence[ColumnDef], names: Sequence[str]
    ) -> list[tuple[ColumnDef, str | None]]:
        """Return each declared column with its physical name among `names`, which the table's store has.

        The name is None for a column that is NULL because the store lacks it, where the target allows that.
        Nothing is returned where a column is missing: the schema check then reports it. Raises ResolveError
        for a name of the target that the store lacks, and for names that are ambiguous.
        """
        found: list[tuple[ColumnDef, str | None]] = []
        faults = []
        settings = self.settings.tables.get(table)
        for column in columns:
            wanted = settings.physical_name(column.name) if settings else column.name
            try:
                name = matching(wanted, names)
            except AmbiguousNameError as error:
                faults.append(
                    Fault(str(error), f"{table}.{column.name}", "say which in the target's `columns`")
                )
                continue
            if name is not None or (settings and settings.missing_columns == "null"):
                found.append((column, name))
            elif wanted != column.name:
                meant = nearest(wanted, names)
                message = f"the target says that it is called {wanted!r}, and there is no such column"
                faults.append(
                    Fault(message, f"{table}.{column.name}", f"did you mean {meant!r}?" if meant else "")
                )
        raise_all(ResolveError, faults)
        return found if len(found) == len(columns) else []

    def refuse(self, table: str, message: str, hint: str = "") -> ResolveError:
        """An error about a table of this resolver."""
        return ResolveError(Fault(f"resolver {self.name!r}, table {shown(table)}: {message}", hint=hint))

    def unknown(self, table: str, known: Iterable[str]) -> ResolveError:
        """There is no such table: which are there, and which was probably meant."""
        names = sorted(set(known))
        meant = nearest(table, names)
        listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "") or "none"
        suggested = f"did you mean {meant!r}? " if meant else ""
        return self.refuse(table, "there is no such table", f"{suggested}it has: {listed}")


class LocalResolver(LocalFiles, ConfiguredResolver[S], ABC):
    """A resolver of files on this machine, which DuckDB reads."""

    reads_with = DUCKDB.name

    def engine(self) -> "DuckDBEngine":
        """A DuckDB that reaches this resolver's paths alone, and spills to the system's folder."""
        from dataset_assets.adapters.duckdb.engine import DuckDBEngine  # noqa: PLC0415 - a target is checked without it

        spill = Path(tempfile.gettempdir()) / "dataset-assets-spill"
        return DuckDBEngine(DuckDBSettings(type="duckdb"), self.directories, spill, self.files)


def inside(root: Path, location: str, resolver: LocalResolver[Any], table: str) -> Path:
    """The path at `location`, links followed. ResolveError when it is not below `root` (BR-205)."""
    try:
        path = (root / location).resolve()
    except (OSError, ValueError, RuntimeError):
        raise resolver.refuse(table, f"the location {shown(location)} is not a path") from None
    if path == root or not path.is_relative_to(root):
        message = f"the location {shown(location)} leads out of the root {root}"
        raise resolver.refuse(table, message, "nothing outside of a resolver's root is read")
    return path


def files_state(root: Path, paths: Iterable[Path], rows: int | None) -> TableState:
    """Return the state of files as they are now: a version made of each path and fingerprint."""
    found = fingerprints(sorted(paths))
    lines = [f"{path.relative_to(root)}\0{fingerprint}" for path, fingerprint in found.items()]
    newest = max((each.modified for each in found.values()), default=None)
    modified = datetime.fromtimestamp(newest / SECOND, UTC) if newest is not None else None
    return TableState(digest(lines), rows, modified)
