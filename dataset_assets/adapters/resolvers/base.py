"""Base classes of resolvers and of their settings, and the check that a path is below a resolver's root."""

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import Field
from typing_extensions import override

from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.adapters.resolvers.file_states import combined_state, read_file_states
from dataset_assets.adapters.shared.column_names import AmbiguousNameError, find_column
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.adapters.shared.local_files import LocalFiles
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.model import Identifier, Model, Text
from dataset_assets.periods.instants import UTC_ZONE
from dataset_assets.periods.zones import Zone
from dataset_assets.ports.resolver import Resolver, StoredTable, Survey, TableState
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import nearest_first, shown

if TYPE_CHECKING:
    from dataset_assets.adapters.duckdb.engine import DuckDBEngine
    from dataset_assets.adapters.parquet.file_groups import RequestedColumn


class TableSettings(Model):
    """Settings of one table: its location relative to the root, and the names of its columns in its store.

    `zone` is the zone of its naive timestamps (BR-128). `columns` maps a declared column to its physical
    name, which may be any text. `missing_columns` decides whether a declared column that a file lacks is an
    error or is read as NULL.
    """

    location: Location
    zone: Zone | None = None
    columns: Mapping[Identifier, Text] = Field(default_factory=dict)
    missing_columns: Literal["error", "null"] = "error"

    def physical_name(self, column: str) -> str:
        """Return the name of a declared column in the table's store."""
        return self.columns.get(column, column)

    def requested_columns(self, columns: Sequence[ColumnDef]) -> "list[RequestedColumn]":
        """Return the declared columns with their physical names, as the Parquet reader receives them."""
        from dataset_assets.adapters.parquet.file_groups import RequestedColumn  # noqa: PLC0415 - a target is read without engines

        is_optional = self.missing_columns == "null"
        return [
            RequestedColumn(each.name, self.physical_name(each.name), each, is_optional=is_optional)
            for each in columns
        ]


class ResolverSettings(Model, ABC):
    """Settings of a resolver in a target's file. A subclass declares its own `type: Literal["..."]`.

    `zone` is the zone of naive timestamps in all tables that have no zone of their own (BR-128).
    """

    zone: Zone | None = None
    tables: Mapping[Identifier, TableSettings] = Field(default_factory=dict)

    @abstractmethod
    def open(self, name: str, context: TargetContext) -> Resolver:
        """Return the resolver that these settings describe. Nothing is read yet."""


S = TypeVar("S", bound=ResolverSettings)


class ConfiguredResolver(Resolver, ABC, Generic[S]):
    """A resolver with settings from a target's file. By default each of its tables is one piece."""

    settings: S

    @override
    def tables(self) -> Sequence[StoredTable]:
        """Return the tables that the target's file configures."""
        return [StoredTable(name) for name in sorted(self.settings.tables)]

    @override
    def cadence(self, table: str) -> str | None:
        return None

    @override
    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        return {None: self.state(table)}

    @override
    def survey(self, table: str) -> Survey:
        state = self.state(table)
        return lambda _: state

    @override
    def stored_name(self, table: str, column: str) -> str:
        own = self.settings.tables.get(table)
        return own.physical_name(column) if own else column

    def zone(self, table: str) -> str:
        """Return the zone of the table's naive timestamps; UTC by default (BR-128)."""
        own = self.settings.tables.get(table)
        zone = (own.zone if own else None) or self.settings.zone
        return zone.key if zone else UTC_ZONE.key

    def version(self, table: str, data: str) -> str:
        """Return the version of a table's data together with the settings that change how it is read."""
        own = self.settings.tables.get(table)
        irrelevant = {"location", "period", "zone"}
        settings = own.model_dump(mode="json", exclude=irrelevant, exclude_defaults=True) if own else {}
        settings |= {"zone": self.zone(table)} if self.zone(table) != UTC_ZONE.key else {}
        return digest([data, json.dumps(settings, sort_keys=True)]) if data and settings else data

    def match_columns(
        self, table: str, columns: Sequence[ColumnDef], names: Sequence[str]
    ) -> list[tuple[ColumnDef, str | None]]:
        """Return each declared column with its physical name among `names`, the columns of the table's store.

        The name is None for a column that the store lacks and that the target allows to be NULL. The list is
        empty if another column is missing, which the schema check then reports. Raises ResolveError if the
        target gives a column a name that the store lacks, and if a name is ambiguous.
        """
        matched: list[tuple[ColumnDef, str | None]] = []
        faults = []
        settings = self.settings.tables.get(table)
        for column in columns:
            physical = settings.physical_name(column.name) if settings else column.name
            try:
                name = find_column(physical, names)
            except AmbiguousNameError as error:
                faults.append(
                    Fault(str(error), f"{table}.{column.name}", "say which in the target's `columns`")
                )
                continue
            if name is not None or (settings and settings.missing_columns == "null"):
                matched.append((column, name))
            elif physical != column.name:
                message = f"the target says that it is called {physical!r}, and there is no such column"
                faults.append(Fault(message, f"{table}.{column.name}", nearest_first(physical, names)))
        raise_all(ResolveError, faults)
        return matched if len(matched) == len(columns) else []

    def table_error(self, table: str, message: str, hint: str = "") -> ResolveError:
        """Return a ResolveError about a table of this resolver, or about all of them if `table` is empty."""
        place = f"resolver {self.name!r}" + (f", table {shown(table)}" if table else "")
        return ResolveError(Fault(f"{place}: {message}", hint=hint))

    def unknown_table_error(self, table: str, known: Iterable[str]) -> ResolveError:
        """Return a ResolveError for a table that does not exist; its hint lists the `known` ones."""
        names = sorted(set(known))
        listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "") or "none"
        hint = nearest_first(table, names, f"it has: {listed}")
        return self.table_error(table, "there is no such table", hint)


class LocalResolver(LocalFiles, ConfiguredResolver[S], ABC):
    """Base of resolvers of files on this machine, which DuckDB reads."""

    reads_with = DUCKDB.name

    @override
    def engine(self) -> "DuckDBEngine":
        """Return a DuckDB engine that can read only this resolver's paths."""
        from dataset_assets.adapters.duckdb.engine import DuckDBEngine  # noqa: PLC0415 - a target is read without it

        spill = Path(tempfile.gettempdir()) / "dataset-assets-spill"
        return DuckDBEngine(DuckDBSettings(type="duckdb"), self.directories, spill, self.files)


def path_inside_root(root: Path, location: str, resolver: LocalResolver[Any], table: str) -> Path:
    """Return the path at `location` with links resolved.

    Raises ResolveError if it is not below `root` (BR-205).
    """
    try:
        path = (root / location).resolve()
    except (OSError, ValueError, RuntimeError):
        raise resolver.table_error(table, f"the location {shown(location)} is not a path") from None
    if path == root or not path.is_relative_to(root):
        message = f"the location {shown(location)} leads out of the root {root}"
        raise resolver.table_error(table, message, "nothing outside of a resolver's root is read")
    return path


def files_state(root: Path, paths: Iterable[Path], rows: int | None) -> TableState:
    """Return the state of files now; its version is a digest of their paths and fingerprints.

    Raises OSError.
    """
    return combined_state([replace(read_file_states(root, paths), rows=rows)])
