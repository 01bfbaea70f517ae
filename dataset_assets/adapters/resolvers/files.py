"""Resolve tables that are files below a root: one file, a folder of files, or one file a Period."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import Field
from typing_extensions import override

from dataset_assets.adapters.resolvers.base import (
    LocalResolver,
    ResolverSettings,
    files_state,
    path_inside_root,
)
from dataset_assets.adapters.resolvers.by_period import (
    PERIOD,
    PartitionedTableSettings,
    StoredPieces,
    parse_period,
)
from dataset_assets.adapters.resolvers.file_states import FileStates, combined_state, read_file_states
from dataset_assets.adapters.resolvers.listing import children, files_below, unconfigured
from dataset_assets.adapters.shared.context import Location
from dataset_assets.errors import ResolveError
from dataset_assets.model import Identifier
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import (
    StoredTable,
    Survey,
    TableAddress,
    TableRequest,
    TableState,
    TimeRange,
)


class FileTableSettings(PartitionedTableSettings):
    """Settings of one table. `location` is a file, a folder of files, or a path with `{period}` in it."""


class FileSettings(ResolverSettings):
    """Settings of a resolver of files. A table that `tables` does not name is `<table><suffix>` in `root`."""

    root: Location
    tables: Mapping[Identifier, FileTableSettings] = Field(default_factory=dict)


@dataclass(eq=False)
class FileResolver(LocalResolver[FileSettings], ABC):
    """Locates the files of a table; a subclass reads their content."""

    name: str
    settings: FileSettings
    root: Path
    calendars: Calendars

    @property
    @abstractmethod
    def suffix(self) -> str:
        """Return the suffix of the files, such as `.parquet`."""

    @abstractmethod
    def row_count(self, paths: list[Path]) -> int | None:
        """Return the number of rows in the files, or None if only a scan of their rows would count them."""

    @abstractmethod
    def read_files(self, request: TableRequest, paths: list[Path], session: Session) -> Relation:
        """Return the rows of the files as a relation whose version is empty. Raises ResolveError."""

    @property
    @override
    def directories(self) -> tuple[Path, ...]:
        return (self.root,)

    @override
    def tables(self) -> Sequence[StoredTable]:
        """Return the configured tables, and the files and folders of the root that hold rows.

        A folder is a table of its own name only if that ends with the suffix.
        """
        configured = super().tables()
        paths = [path for path in children(self, self.root) if self._has_rows(path)]
        return [*configured, *unconfigured(self.root, paths, self.suffix, self.settings)]

    def _has_rows(self, path: Path) -> bool:
        """Return whether a path is a file of this resolver, or a folder that holds one.

        A Delta table is none: some of its files may hold rows that were deleted.
        """
        if not path.is_dir():
            return path.name.endswith(self.suffix) and path.stat().st_size > 0
        if (path / "_delta_log").is_dir():
            return False
        try:
            return any(files_below(self, self.root, path, path.name, self.suffix))
        except ResolveError:  # reading the table reports it
            return path.name.endswith(self.suffix)

    @override
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        paths = self.paths(request.table, request.time_range)
        # The version is computed before the files are read, so that a later change is noticed.
        version = self.files_version(request.table, paths)
        return replace(self.read_files(request, paths, session), version=version)

    @override
    def cadence(self, table: str) -> str | None:
        return self.table(table).period

    @override
    def state(self, table: str) -> TableState:
        return self._state(table, self.paths(table, None))

    @override
    def periods(self, table: str) -> Mapping[str, Period]:
        found = self.table(table)
        if found.period is None:
            return {}
        return self._stored_pieces(table, found.location, found.period).present

    @override
    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether the table's files still have this version; their rows are not counted."""
        paths = self.paths(request.table, request.time_range)
        return self.files_version(request.table, paths) == version

    def files_version(self, table: str, paths: list[Path]) -> str:
        """Return the version of a table that has these files now. Raises ResolveError."""
        try:
            return self.version(table, files_state(self.root, paths, None).version)
        except OSError as error:
            raise self.table_error(table, f"{error.filename}: {error.strerror}") from None

    @override
    def survey(self, table: str) -> Survey:
        """Return a function from a time range to the state of its files.

        The folder is listed once, and the metadata of each file is read once.
        """
        found = self.table(table)
        if found.period is None:
            return super().survey(table)
        pieces = self._stored_pieces(table, found.location, found.period)

        @cache
        def piece(period: str) -> FileStates:
            return self._read_states(table, self._files(table, _fill(found.location, period)))

        def touched(time_range: TimeRange | None) -> TableState:
            return self._combined(table, [piece(period.id) for period in pieces.required(time_range)])

        return touched

    @override
    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        found = self.table(table)
        if found.period is None:
            return super().pieces(table)
        present = self._stored_pieces(table, found.location, found.period).in_order
        return {period.id: self._piece(table, _fill(found.location, period.id)) for period in present}

    def _piece(self, table: str, location: str) -> TableState:
        """Return the state of one Period's files.

        Files that cannot be read have no version, but the reason why.
        """
        try:
            return self._state(table, self._files(table, location))
        except ResolveError as error:
            return TableState("", None, None, error.faults[0].message)

    def _state(self, table: str, paths: list[Path]) -> TableState:
        return self._combined(table, [self._read_states(table, paths)])

    def _combined(self, table: str, states: Sequence[FileStates]) -> TableState:
        found = combined_state(states)
        return replace(found, version=self.version(table, found.version))

    def _read_states(self, table: str, paths: list[Path]) -> FileStates:
        """Return the states of files. Raises ResolveError for files that are removed or written meanwhile."""
        try:
            found = read_file_states(self.root, paths)
            rows = self.row_count(paths)
            changed = read_file_states(self.root, paths) != found
        except OSError as error:
            raise self.table_error(table, f"{error.filename}: {error.strerror}") from None
        if changed:
            raise self.table_error(table, "its files are being written")
        return replace(found, rows=rows)

    def table(self, name: str) -> FileTableSettings:
        """Return the table's settings; the default is a file with the table's name.

        Raises ResolveError if the target does not name the table and this file does not exist.
        """
        if name in self.settings.tables:
            return self.settings.tables[name]
        default = FileTableSettings.model_construct(location=f"{name}{self.suffix}", period=None, zone=None)
        if not path_inside_root(self.root, default.location, self, name).exists():
            self._check_root(name)
            found = (path.stem for path in self.root.glob(f"*{self.suffix}"))
            raise self.unknown_table_error(name, [*self.settings.tables, *found])
        return default

    def paths(self, table: str, time_range: TimeRange | None) -> list[Path]:
        """Return the table's files, or those of the Periods in `time_range`. Raises ResolveError."""
        found = self.table(table)
        if found.period is None:
            return self._files(table, found.location)
        periods = self._stored_pieces(table, found.location, found.period).required(time_range)
        return [path for period in periods for path in self._files(table, _fill(found.location, period.id))]

    @override
    def address(self, table: str) -> TableAddress:
        own = self.settings.tables.get(table)
        return TableAddress("file", str(self.root / (own.location if own else f"{table}{self.suffix}")))

    def _check_root(self, table: str) -> None:
        if not self.root.is_dir():
            raise self.table_error(
                table, f"the root {self.root} is not there", "create it, or fix the target"
            )

    def _files(self, table: str, location: str) -> list[Path]:
        path = path_inside_root(self.root, location, self, table)
        if path.is_dir():
            found = list(files_below(self, self.root, path, table, self.suffix))
            if not found:
                message = f"the folder {path} has no {self.suffix} file in it"
                raise self.table_error(table, message, "hidden files (`.`, `_`) and empty ones do not count")
            return found
        if not path.is_file():
            raise self.table_error(table, f"{path} is not there", "create it, or fix the table's `location`")
        return [path]

    def _stored_pieces(self, table: str, location: str, cadence_name: str) -> StoredPieces:
        """Return the Periods that have files. Files whose names contain no Period are ignored."""
        cadence = self.calendars.cadence(cadence_name)
        self._check_root(table)
        path_inside_root(self.root, _fill(location, "_"), self, table)
        first, *others = (re.escape(part) for part in location.rstrip("/").split(PERIOD))
        pattern = re.compile(first + "(?P<id>[^/]+)" + "(?P=id)".join(others))
        found: dict[str, Period] = {}
        for path in self.root.glob(location.replace(PERIOD, "*")):
            match = pattern.fullmatch(path.relative_to(self.root).as_posix())
            period = parse_period(cadence, match["id"]) if match else None
            if match and period and period.id == match["id"]:
                found[period.id] = period
        return StoredPieces(self, table, cadence, found)


def _fill(location: str, period: str) -> str:
    return location.replace(PERIOD, period)
