"""Tables that are files of their own below a root: one file, one folder of files, or one file a Period."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import Field

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, files_state, inside
from dataset_assets.adapters.resolvers.by_period import PERIOD, StoredTable, ordered, parsed, pieces
from dataset_assets.adapters.shared.context import Location
from dataset_assets.errors import ResolveError
from dataset_assets.model import Identifier
from dataset_assets.periods.calendar import Cadence, Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import Survey, TableRequest, TableState, TimeRange


class FileTable(StoredTable):
    """`location` is a file, a folder (all files of the type in it), or has the ids of Periods in it."""


class FileSettings(ResolverSettings):
    """A table that `tables` does not name is `<table>.<type>` in the root."""

    root: Location
    tables: Mapping[Identifier, FileTable] = Field(default_factory=dict)


@dataclass(eq=False)
class FileResolver(LocalResolver[FileSettings], ABC):
    """Finds files; what is in them is the subclass's business."""

    name: str
    settings: FileSettings
    root: Path
    calendars: Calendars

    @property
    @abstractmethod
    def suffix(self) -> str:
        """Of the files: `.parquet`."""

    @abstractmethod
    def row_count(self, paths: list[Path]) -> int | None:
        """Where it costs no scan."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """The root alone."""
        return (self.root,)

    def cadence(self, table: str) -> str | None:
        """The cadence of a table that is stored by Period."""
        return self.table(table).period

    def state(self, table: str) -> TableState:
        """Of all files that the table has now."""
        return self._state(table, self.paths(table, None))

    def periods(self, table: str) -> Mapping[str, Period]:
        """Return the Periods that there are files for."""
        found = self.table(table)
        if found.period is None:
            return {}
        return self._present(table, found.location, self.calendars.cadence(found.period))

    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether the table's files are as they were; their rows are not counted for it."""
        paths = self.paths(request.table, request.time_range)
        return self.files_version(request.table, paths) == version

    def files_version(self, table: str, paths: list[Path]) -> str:
        """Return the version of a table that has these files now. Raises ResolveError."""
        try:
            return self.version(table, files_state(self.root, paths, None).version)
        except OSError as error:
            raise self.refuse(table, f"{error.filename}: {error.strerror}") from None

    def survey(self, table: str) -> Survey:
        """Of the files of the Periods that are touched; the folder is listed once."""
        found = self.table(table)
        if found.period is None:
            return super().survey(table)
        cadence = self.calendars.cadence(found.period)
        present = self._present(table, found.location, cadence)

        @cache
        def files(period: str) -> list[Path]:
            return self._files(table, _fill(found.location, period))

        def touched(time_range: TimeRange | None) -> TableState:
            wanted = pieces(self, table, cadence, present, time_range)
            return self._state(table, [path for period in wanted for path in files(period.id)])

        return touched

    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        """Of the files of each Period."""
        found = self.table(table)
        if found.period is None:
            return super().pieces(table)
        cadence = self.calendars.cadence(found.period)
        present = ordered(self, table, cadence, self._present(table, found.location, cadence))
        return {period.id: self._piece(table, _fill(found.location, period.id)) for period in present}

    def _piece(self, table: str, location: str) -> TableState:
        """One that cannot be told of does not stand in the way of the others."""
        try:
            return self._state(table, self._files(table, location))
        except ResolveError as error:
            return TableState("", None, None, error.faults[0].message)

    def _state(self, table: str, paths: list[Path]) -> TableState:
        """Files may go while they are looked at, or be looked at while they are written: ResolveError."""
        try:
            found = files_state(self.root, paths, None)
            rows = self.row_count(paths)
            changed = files_state(self.root, paths, None) != found
        except OSError as error:
            raise self.refuse(table, f"{error.filename}: {error.strerror}") from None
        if changed:
            raise self.refuse(table, "its files are being written")
        return replace(found, version=self.version(table, found.version), row_count=rows)

    def table(self, name: str) -> FileTable:
        """The table's settings, by default those of a file with its name. Raises ResolveError."""
        if name in self.settings.tables:
            return self.settings.tables[name]
        default = FileTable.model_construct(location=f"{name}{self.suffix}", period=None, zone=None)
        if not inside(self.root, default.location, self, name).exists():
            self._check_root(name)
            found = (path.stem for path in self.root.glob(f"*{self.suffix}"))
            raise self.unknown(name, [*self.settings.tables, *found])
        return default

    def paths(self, table: str, time_range: TimeRange | None) -> list[Path]:
        """The table's files, or those of the Periods that `time_range` touches. Raises ResolveError."""
        found = self.table(table)
        if found.period is None:
            return self._files(table, found.location)
        cadence = self.calendars.cadence(found.period)
        present = self._present(table, found.location, cadence)
        periods = pieces(self, table, cadence, present, time_range)
        return [path for period in periods for path in self._files(table, _fill(found.location, period.id))]

    def _check_root(self, table: str) -> None:
        if not self.root.is_dir():
            raise self.refuse(table, f"the root {self.root} is not there", "create it, or fix the target")

    def _files(self, table: str, location: str) -> list[Path]:
        path = inside(self.root, location, self, table)
        if path.is_dir():
            found = list(self._below(table, path, (path,)))
            if not found:
                message = f"the folder {path} has no {self.suffix} file in it"
                raise self.refuse(table, message, "hidden files (`.`, `_`) and empty ones do not count")
            return found
        if not path.is_file():
            raise self.refuse(table, f"{path} is not there", "create it, or fix the table's `location`")
        return [path]

    def _below(self, table: str, folder: Path, outer: tuple[Path, ...]) -> Iterator[Path]:
        """Yield the files in a folder and its sub-folders, in the order of their names.

        Hidden files and folders, and files of zero bytes, are nobody's. `outer` are the folders on the way:
        a link back to one of them is refused. Raises ResolveError.
        """
        try:
            names = sorted(child.name for child in folder.iterdir())
        except OSError as error:
            raise self.refuse(table, f"{error.filename}: {error.strerror}") from None
        for name in names:
            if name.startswith((".", "_")):
                continue
            given = folder / name
            path = inside(self.root, str(given), self, table)
            if path in outer:
                raise self.refuse(table, f"the link {given} leads back to {path}", "remove the link")
            if path.is_dir():
                yield from self._below(table, given, (*outer, path))
            elif name.endswith(self.suffix) and path.stat().st_size:
                yield given

    def _present(self, table: str, location: str, cadence: Cadence) -> dict[str, Period]:
        """The Periods that there are files for. Names that are no Period are somebody else's files."""
        self._check_root(table)
        inside(self.root, _fill(location, "_"), self, table)
        first, *others = (re.escape(part) for part in location.rstrip("/").split(PERIOD))
        pattern = re.compile(first + "(?P<id>[^/]+)" + "(?P=id)".join(others))
        found = {}
        for path in self.root.glob(location.replace(PERIOD, "*")):
            match = pattern.fullmatch(path.relative_to(self.root).as_posix())
            period = parsed(cadence, match["id"]) if match else None
            if match and period and period.id == match["id"]:
                found[period.id] = period
        return found


def _fill(location: str, period: str) -> str:
    return location.replace(PERIOD, period)
