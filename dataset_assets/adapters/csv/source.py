"""Build the SQL that reads the scanned CSV files of one table, with values of the declared types."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dataset_assets.adapters.csv import casts
from dataset_assets.adapters.csv.lines import compression_of
from dataset_assets.adapters.csv.scan import ScanResult, scan
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.sql.build import identifier

if TYPE_CHECKING:
    from dataset_assets.adapters.duckdb.engine import DuckDBSession

_DEFAULT_LINE_SIZE = 2_000_000
"""The longest row in bytes that DuckDB reads without `max_line_size`."""


@dataclass(frozen=True)
class SourceFile:
    """A scanned file with the FROM item that reads it, and the position of each declared column in a row.

    `reader` reads the file itself, or a copy that DuckDB can read. A position is None for a column that the
    file lacks and that is read as NULL.
    """

    scan: ScanResult
    reader: exp.Table
    positions: tuple[int | None, ...]


def scan_file(
    path: Path, csv_format: CsvFormat, session: "DuckDBSession", copy_name: str
) -> tuple[ScanResult, exp.Table]:
    """Scan a file and return the FROM item that reads it: a view over a copy if DuckDB cannot read the file.

    Raises CsvFault if the file is not a table. The view has the same name in each run, so that equal queries
    have equal texts.
    """
    if not csv_format.is_rewritten:
        result = scan(path, csv_format)
        return result, _reader(result, path, csv_format)
    rewritten = session.folder / f"{copy_name}.csv"
    with rewritten.open("wb") as file:
        result = scan(path, csv_format, file.write)
    view = exp.Table(this=identifier(copy_name, quoted=True))
    if result.rows:
        query = exp.select("*").from_(_reader(result, rewritten, csv_format))
        session.run(exp.Create(this=view, kind="VIEW", replace=True, expression=query))
    return result, view.copy()


def group_files(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Group neighbouring files that one `read_csv` can read: equal options and equal column positions."""

    def key(file: SourceFile) -> tuple[Any, ...]:
        is_file = isinstance(file.reader.this, exp.ReadCSV)
        options = [each.sql() for each in file.reader.this.expressions] if is_file else file.reader.sql()
        return file.positions, options

    for _, alike in itertools.groupby(files, key):
        group = list(alike)
        if isinstance(group[0].reader.this, exp.ReadCSV):
            yield group
        else:
            yield from ([each] for each in group)


def read_group(files: Sequence[SourceFile]) -> exp.Table:
    """Return the FROM item that reads one group of files."""
    reader = files[0].reader.copy()
    if len(files) > 1:
        reader.this.set("this", duckdb_nodes.literal([each.scan.path for each in files]))
    return reader


def typed_rows(
    files: Sequence[SourceFile], columns: Sequence[ColumnDef], csv_format: CsvFormat, zone: str
) -> exp.Subquery:
    """Return the declared columns of all files as a subquery, which has no rows if there are no files."""
    selects = [_select(group, columns, csv_format, zone) for group in group_files(files)]
    if not selects:
        nothing = (
            exp.alias_(exp.cast(exp.null(), SQL_TYPES[each.type]), each.name, quoted=True) for each in columns
        )
        return exp.select(*nothing).where(exp.false()).subquery()
    if len(selects) == 1:
        return selects[0].subquery()
    return exp.union(*selects, distinct=False).subquery()


def _reader(result: ScanResult, path: Path, csv_format: CsvFormat) -> exp.Table:
    """Return `read_csv` of a file.

    One thread reads values that span lines: several would guess row starts.
    """
    options: dict[str, Any] = {
        "skip": 1 if csv_format.header else 0,
        "parallel": not result.quotes_line_ends,
    }
    if result.quotes_line_ends and not result.has_crlf:
        options["new_line"] = "\\n"  # else DuckDB takes a quoted CRLF in the first row for the end of rows
    if result.longest > _DEFAULT_LINE_SIZE:
        options["max_line_size"] = result.longest + 1
    options["compression"] = compression_of(path) or "none"
    return casts.read([path], result.width, csv_format, options)


def _select(
    files: Sequence[SourceFile], columns: Sequence[ColumnDef], csv_format: CsvFormat, zone: str
) -> exp.Select:
    values = (
        exp.cast(exp.null(), SQL_TYPES[column.type])
        if position is None
        else casts.declared(duckdb_nodes.quoted(casts.name_of(position)), column, csv_format, zone)
        for column, position in zip(columns, files[0].positions, strict=True)
    )
    pairs = zip(values, columns, strict=True)
    named = (exp.alias_(value, column.name, quoted=True) for value, column in pairs)
    return exp.select(*named).from_(read_group(files))
