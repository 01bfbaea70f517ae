"""CSV files, read as the contract and the target declare them."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from sqlglot import exp

from dataset_assets.adapters.csv import casts
from dataset_assets.adapters.csv.cast_failures import PlacedFile, cast_failures
from dataset_assets.adapters.csv.errors import CsvFault
from dataset_assets.adapters.csv.layout import Declared, places
from dataset_assets.adapters.csv.lines import compression_of
from dataset_assets.adapters.csv.scan import Scan, scan
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.resolvers.files import FileResolver, FileSettings, FileTable
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.model import Identifier
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.ports.resolver import TableRequest
from dataset_assets.sql.build import identifier

if TYPE_CHECKING:
    from dataset_assets.adapters.duckdb.engine import DuckDBSession

MOST_FAULTS = 20
"""Faults of one table that are told at once."""
_QUOTE_ALL = "quote all values of the file, with one byte as its delimiter, or write it anew"
_LONGEST_ROW = 2_000_000
"""Bytes of a row that DuckDB reads unasked."""
_NATIVE: Mapping[ColumnType, str] = {
    ColumnType.DECIMAL: "DECIMAL(38,9)",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}


class CsvTable(CsvFormat, FileTable):
    """Where a table's files are, and the format that all of them have."""


class CsvSettings(FileSettings):
    """Tables are `<table>.csv` in `root`, unless `tables` says otherwise."""

    type: Literal["csv"]
    tables: Mapping[Identifier, CsvTable] = Field(default_factory=dict)

    def open(self, name: str, context: TargetContext) -> "CsvResolver":
        """The resolver."""
        return CsvResolver(name, self, context.path(self.root), context.calendars)


@dataclass(frozen=True)
class _File:
    """A file that was scanned: what DuckDB reads (the file, or a copy), and where the columns are."""

    scan: Scan
    read: exp.Table
    places: tuple[int | None, ...]


@dataclass(eq=False)
class CsvResolver(FileResolver):
    """Holds each file against the contract; the query itself then turns texts into values."""

    suffix = ".csv"

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """As the port says. Reads each file once, to prove that all of its lines are rows.

        Raises ResolveError with everything that is wrong with the files. Without declared columns each
        column of the file is text.
        """
        from dataset_assets.adapters.duckdb.engine import DuckDBSession  # noqa: PLC0415 - a target is checked without it

        table = request.table
        if not isinstance(session, DuckDBSession):
            raise self.refuse(table, "only the DuckDB engine reads CSV files")
        form, paths = self.format(table), self.paths(table, request.time_range)
        version = self.files_version(table, paths)  # before anything is read, so that a later change shows
        scans = self._scans(request, form, paths, session)
        columns = request.columns or _texts(scans)
        files = self._files_of(replace(request, columns=columns), form, scans)
        self._count(table, files, session)
        source = _union([each for each in files if each.scan.rows], columns, form, self.zone(table))
        physical = tuple(_physical(column) for column in columns)
        rows = sum(each.scan.rows for each in files)
        placed = [self._placed(each, columns) for each in files]
        find = partial(self._cast_failures, table, placed, form)
        return Relation(source, physical, version, rows, self.zone(table), find_cast_failures=find)

    def row_count(self, paths: list[Path]) -> None:  # noqa: ARG002
        """Nobody knows without reading it."""
        return

    def format(self, table: str) -> CsvTable:
        """Return the format of a table's files, by default that of RFC 4180."""
        found = self.table(table)
        return found if isinstance(found, CsvTable) else CsvTable(location=found.location)

    def _scans(
        self, request: TableRequest, form: CsvFormat, paths: Sequence[Path], session: "DuckDBSession"
    ) -> list[tuple[Scan, exp.Table]]:
        """Scan the files that hold anything. Raises ResolveError with a fault for each that is no table."""
        found, faults = [], list[Fault]()
        masked = any(column.sensitive for column in request.columns)
        for number, path in enumerate(paths):
            try:
                copy = f"csv_{self.name}_{request.table}_{number}"
                found.append(_scanned(path, form, session, copy))
            except CsvFault as fault:
                faults.append(self._fault(request.table, path, fault, masked=masked))
        raise_all(ResolveError, faults[:MOST_FAULTS])
        return [each for each in found if each[0].width]

    def _files_of(
        self, request: TableRequest, form: CsvTable, scans: Sequence[tuple[Scan, exp.Table]]
    ) -> list[_File]:
        """Find the declared columns in each file. Raises ResolveError with all faults of all headers."""
        may_be_missing = form.missing_columns == "null"
        declared = Declared(request.columns, form.physical_name, may_be_missing, form.header)
        found, faults = [], list[Fault]()
        for each, read in scans:
            try:
                found.append(_File(each, read, places(each, declared)))
            except ExceptionGroup as group:
                faults += [
                    self._fault(request.table, each.path, fault, masked=False)
                    for fault in group.exceptions
                    if isinstance(fault, CsvFault)
                ]
        raise_all(ResolveError, faults[:MOST_FAULTS])
        return found

    def _count(self, table: str, files: Sequence[_File], session: Session) -> None:
        """DuckDB has to find the rows that are there. Raises ResolveError where it finds others."""
        for same in _alike([each for each in files if each.scan.rows]):
            expected = sum(each.scan.rows for each in same)
            query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "row_count")).from_(_read_all(same))
            names = self._name(same[0].scan.path) + (f" and {len(same) - 1} more" if same[1:] else "")
            try:
                found = session.rows(query)[0]["row_count"]
            except DatasetAssetsError as error:
                message = f"DuckDB cannot read {names}: {error.faults[0].message}"
                raise self.refuse(table, message, _QUOTE_ALL) from None
            if found != expected:
                message = f"{names} has {expected:,} rows, and DuckDB reads {found:,} of them"
                raise self.refuse(table, message, _QUOTE_ALL)

    def _cast_failures(
        self, table: str, files: Sequence[PlacedFile], form: CsvFormat, columns: Sequence[ColumnDef]
    ) -> Iterator[Fault]:
        for fault in itertools.islice(cast_failures(files, columns, form), MOST_FAULTS):
            yield replace(fault, field=f"{table}.{fault.field}")

    def _placed(self, file: _File, columns: Sequence[ColumnDef]) -> PlacedFile:
        names = (column.name for column in columns)
        return PlacedFile(self._name(file.scan.path), file.scan, dict(zip(names, file.places, strict=True)))

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def _fault(self, table: str, path: Path, fault: CsvFault, *, masked: bool) -> Fault:
        sentence = fault.sentence(self._name(path), masked=masked)
        return self.refuse(table, sentence, fault.hint).faults[0]


def _scanned(path: Path, form: CsvFormat, session: "DuckDBSession", copy: str) -> tuple[Scan, exp.Table]:
    """Scan a file, and return what DuckDB reads: a view over a copy where it cannot read the file itself.

    The view has the same name in each run, so that equal queries have equal texts.
    """
    if not form.is_rewritten:
        found = scan(path, form)
        return found, _reader(found, path, form)
    rewritten = session.folder / f"{copy}.csv"
    with rewritten.open("wb") as file:
        found = scan(path, form, file.write)
    view = exp.Table(this=identifier(copy, quoted=True))
    if found.rows:
        query = exp.select("*").from_(_reader(found, rewritten, form))
        session.run(exp.Create(this=view, kind="VIEW", replace=True, expression=query))
    return found, view.copy()


def _reader(found: Scan, path: Path, form: CsvFormat) -> exp.Table:
    """Values that go over lines are read by one thread: others would have to guess where a row begins."""
    options: dict[str, Any] = {"skip": 1 if form.header else 0, "parallel": not found.quotes_line_ends}
    if found.quotes_line_ends and not found.has_crlf:
        options["new_line"] = "\\n"  # else DuckDB takes a quoted CRLF in the first row for the end of rows
    if found.longest > _LONGEST_ROW:
        options["max_line_size"] = found.longest + 1
    options["compression"] = compression_of(path) or "none"
    return casts.read([path], found.width, form, options)


def _alike(files: Sequence[_File]) -> Iterator[list[_File]]:
    """Group files that DuckDB can read in one go: those of the same columns at the same places."""

    def key(file: _File) -> tuple[Any, ...]:
        is_file = isinstance(file.read.this, exp.ReadCSV)
        options = [each.sql() for each in file.read.this.expressions] if is_file else file.read.sql()
        return file.places, options

    for _, same in itertools.groupby(files, key):
        found = list(same)
        if isinstance(found[0].read.this, exp.ReadCSV):
            yield found
        else:
            yield from ([each] for each in found)


def _read_all(files: Sequence[_File]) -> exp.Table:
    """Read files that are alike."""
    read = files[0].read.copy()
    if len(files) > 1:
        read.this.set("this", duckdb_nodes.literal([each.scan.path for each in files]))
    return read


def _union(files: Sequence[_File], columns: Sequence[ColumnDef], form: CsvFormat, zone: str) -> exp.Subquery:
    """Return the declared columns of all files, or of none."""
    selects = [_select(same, columns, form, zone) for same in _alike(files)]
    if not selects:
        nothing = (
            exp.alias_(exp.cast(exp.null(), SQL_TYPES[each.type]), each.name, quoted=True) for each in columns
        )
        return exp.select(*nothing).where(exp.false()).subquery()
    if len(selects) == 1:
        return selects[0].subquery()
    return exp.union(*selects, distinct=False).subquery()


def _select(files: Sequence[_File], columns: Sequence[ColumnDef], form: CsvFormat, zone: str) -> exp.Select:
    values = (
        exp.cast(exp.null(), SQL_TYPES[column.type])
        if place is None
        else casts.declared(duckdb_nodes.quoted(casts.name_of(place)), column, form, zone)
        for column, place in zip(columns, files[0].places, strict=True)
    )
    pairs = zip(values, columns, strict=True)
    named = (exp.alias_(value, column.name, quoted=True) for value, column in pairs)
    return exp.select(*named).from_(_read_all(files))


def _texts(scans: Sequence[tuple[Scan, exp.Table]]) -> tuple[ColumnDef, ...]:
    """Return the columns of the first file as text, for a table that no contract describes."""
    found = scans[0][0] if scans else None
    names = (found.header or [casts.name_of(at) for at in range(found.width)]) if found else ()
    return tuple(ColumnDef.model_construct(name=name, type=ColumnType.STRING) for name in names)


def _physical(column: ColumnDef) -> PhysicalColumn:
    native = _NATIVE.get(column.type, SQL_TYPES[column.type])
    return PhysicalColumn(column.name, PhysicalType(column.type.value), native)
