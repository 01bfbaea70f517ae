"""Resolve tables that are CSV files below a folder, with the format that the target declares."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.csv import casts
from dataset_assets.adapters.csv.cast_failures import CsvFile, cast_failures
from dataset_assets.adapters.csv.errors import CsvFault
from dataset_assets.adapters.csv.inference import fitting_columns
from dataset_assets.adapters.csv.layout import DeclaredColumns, column_positions
from dataset_assets.adapters.csv.scan import ScanResult
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.csv.source import SourceFile, group_files, read_group, scan_file, typed_rows
from dataset_assets.adapters.resolvers.files import FileResolver, FileSettings, FileTableSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.model import Identifier
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.ports.resolver import TableRequest

if TYPE_CHECKING:
    from dataset_assets.adapters.duckdb.engine import DuckDBSession

MAX_FAULTS = 20
"""The most faults of one table that are reported at once."""
_QUOTE_ALL = "quote all values of the file, with one byte as its delimiter, or write it again"
_NATIVE: Mapping[ColumnType, str] = {
    ColumnType.DECIMAL: "DECIMAL(38,9)",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}


class CsvTableSettings(CsvFormat, FileTableSettings):
    """Settings of one table: the location of its files, and the format that all of them have."""


class CsvSettings(FileSettings):
    """Settings of a CSV resolver. A table that `tables` does not name is `<table>.csv` in `root`."""

    type: Literal["csv"]
    tables: Mapping[Identifier, CsvTableSettings] = Field(default_factory=dict)

    @override
    def open(self, name: str, context: TargetContext) -> "CsvResolver":
        return CsvResolver(name, self, context.path(self.root), context.calendars)


@dataclass(eq=False)
class CsvResolver(FileResolver):
    """Checks each file against the contract; the query that reads the relation casts texts to values."""

    suffix = ".csv"

    @override
    def read_files(self, request: TableRequest, paths: list[Path], session: Session) -> Relation:
        """Return the rows of the files. Each file is read once here, to prove that all of its lines are rows.

        Raises ResolveError with all faults of the files. Without declared columns each column of the file is
        text.
        """
        from dataset_assets.adapters.duckdb.engine import DuckDBSession  # noqa: PLC0415 - a target is read without it

        table = request.table
        if not isinstance(session, DuckDBSession):
            raise self.table_error(table, "only the DuckDB engine reads CSV files")
        csv_format, zone = self.format(table), self.zone(table)
        scans = self._scan_files(request, csv_format, paths, session)
        columns = request.columns or _text_columns(scans)
        files = self._source_files(replace(request, columns=columns), csv_format, scans)
        self._compare_row_counts(table, files, session)
        source = typed_rows([each for each in files if each.scan.rows], columns, csv_format, zone)
        physical = tuple(_physical(column) for column in columns)
        checked = [self._csv_file(each, columns) for each in files]
        find = partial(self._cast_failures, table, checked, csv_format)
        rows = sum(each.scan.rows for each in files)
        return Relation(source, physical, "", rows, zone, find_cast_failures=find)

    @override
    def row_count(self, paths: list[Path]) -> None:
        """Return None: only reading a CSV file counts its rows."""
        return

    @override
    def fitting_columns(self, table: str, session: Session) -> tuple[ColumnDef, ...]:
        """Return the columns of the first file with the types that all of their texts are values of."""

        def resolve(columns: Sequence[ColumnDef]) -> exp.Expr:
            return self.resolve(TableRequest(table, tuple(columns)), session).source

        texts = self.resolve(TableRequest(table), session)
        names = [each.name for each in texts.columns]
        return fitting_columns(texts.source, names, self.format(table), resolve, session)

    def format(self, table: str) -> CsvTableSettings:
        """Return the format of a table's files, by default that of RFC 4180."""
        settings = self.table(table)
        if isinstance(settings, CsvTableSettings):
            return settings
        return CsvTableSettings(location=settings.location)

    def _scan_files(
        self, request: TableRequest, csv_format: CsvFormat, paths: Sequence[Path], session: "DuckDBSession"
    ) -> list[tuple[ScanResult, exp.Table]]:
        """Scan all files and leave out empty ones. Raises ResolveError with a fault for each invalid file."""
        scans, faults = [], list[Fault]()
        masked = any(column.sensitive for column in request.columns)
        for number, path in enumerate(paths):
            try:
                copy_name = f"csv_{self.name}_{request.table}_{number}"
                scans.append(scan_file(path, csv_format, session, copy_name))
            except CsvFault as fault:
                faults.append(self._fault(request.table, path, fault, masked=masked))
        raise_all(ResolveError, faults[:MAX_FAULTS])
        return [each for each in scans if each[0].width]

    def _source_files(
        self,
        request: TableRequest,
        csv_format: CsvTableSettings,
        scans: Sequence[tuple[ScanResult, exp.Table]],
    ) -> list[SourceFile]:
        """Locate the declared columns in each file. Raises ResolveError with the faults of all headers."""
        may_be_missing = csv_format.missing_columns == "null"
        declared = DeclaredColumns(
            request.columns, csv_format.physical_name, may_be_missing, csv_format.header
        )
        files, faults = [], list[Fault]()
        for result, reader in scans:
            try:
                files.append(SourceFile(result, reader, column_positions(result, declared)))
            except ExceptionGroup as group:
                faults += [
                    self._fault(request.table, result.path, fault, masked=False)
                    for fault in group.exceptions
                    if isinstance(fault, CsvFault)
                ]
        raise_all(ResolveError, faults[:MAX_FAULTS])
        return files

    def _compare_row_counts(self, table: str, files: Sequence[SourceFile], session: Session) -> None:
        """Raise ResolveError if DuckDB reads another number of rows than the scan of the files counted."""
        for group in group_files([each for each in files if each.scan.rows]):
            expected = sum(each.scan.rows for each in group)
            query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "row_count")).from_(read_group(group))
            names = self._name(group[0].scan.path) + (f" and {len(group) - 1} more" if group[1:] else "")
            try:
                count = session.rows(query)[0]["row_count"]
            except DatasetAssetsError as error:
                message = f"DuckDB cannot read {names}: {error.faults[0].message}"
                raise self.table_error(table, message, _QUOTE_ALL) from None
            if count != expected:
                message = f"{names} has {expected:,} rows, and DuckDB reads {count:,} of them"
                raise self.table_error(table, message, _QUOTE_ALL)

    def _cast_failures(
        self, table: str, files: Sequence[CsvFile], csv_format: CsvFormat, columns: Sequence[ColumnDef]
    ) -> Iterator[Fault]:
        for fault in itertools.islice(cast_failures(files, columns, csv_format), MAX_FAULTS):
            yield replace(fault, field=f"{table}.{fault.field}")

    def _csv_file(self, file: SourceFile, columns: Sequence[ColumnDef]) -> CsvFile:
        names = (column.name for column in columns)
        positions = dict(zip(names, file.positions, strict=True))
        return CsvFile(self._name(file.scan.path), file.scan, positions)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def _fault(self, table: str, path: Path, fault: CsvFault, *, masked: bool) -> Fault:
        sentence = fault.sentence(self._name(path), masked=masked)
        return self.table_error(table, sentence, fault.hint).faults[0]


def _text_columns(scans: Sequence[tuple[ScanResult, exp.Table]]) -> tuple[ColumnDef, ...]:
    """Return the columns of the first file as text, for a table that no contract describes."""
    result = scans[0][0] if scans else None
    names = (result.header or [casts.name_of(at) for at in range(result.width)]) if result else ()
    return tuple(ColumnDef.model_construct(name=name, type=ColumnType.STRING) for name in names)


def _physical(column: ColumnDef) -> PhysicalColumn:
    native = _NATIVE.get(column.type, SQL_TYPES[column.type])
    return PhysicalColumn(column.name, PhysicalType(column.type.value), native)
