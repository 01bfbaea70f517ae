"""Find the values of CSV files that do not have their declared type, after a query failed on one.

The files are read a second time, with Python's own reader. This is slow, and happens only after a failure.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dataset_assets.adapters.csv.lines import Lines
from dataset_assets.adapters.csv.scan import ScanResult, reader_options
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.csv.values import ValueCheck, text_pattern
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault
from dataset_assets.text.wording import shown

_LONGEST = 2**31 - 1


@dataclass
class _ColumnFailures:
    """The failed values of one column. `first` is the file, line and text of the first one."""

    check: ValueCheck
    count: int = 0
    first: tuple[str, int, str] = ("", 0, "")


@dataclass(frozen=True)
class CsvFile:
    """A scanned file with the position of each column in a row. `name` is the file's name in messages."""

    name: str
    scan: ScanResult
    positions: dict[str, int | None] = field(default_factory=dict)


def cast_failures(
    files: Sequence[CsvFile], columns: Sequence[ColumnDef], csv_format: CsvFormat
) -> Iterator[Fault]:
    """Yield a fault for each column with failed values: the first value, and the number of them."""
    failures = {column.name: _ColumnFailures(ValueCheck(column, csv_format)) for column in columns}
    for file in files:
        checked = [
            (position, failures[name])
            for name, position in file.positions.items()
            if position is not None and name in failures
        ]
        for line, values in rows(file.scan, csv_format):
            for position, each in checked:
                if not each.check.accepts(values[position]):
                    each.count += 1
                    each.first = each.first if each.first[0] else (file.name, line, values[position])
    yield from (_fault(each, csv_format) for each in failures.values() if each.count)


def rows(scan: ScanResult, csv_format: CsvFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the values of each row of a scanned file."""
    lines = Lines(scan.path, csv_format)
    stand_in = csv_format.delimiter if len(csv_format.delimiter) == 1 else "\x1f"
    text = (line.replace(csv_format.delimiter, stand_in) for line in _text(lines))
    limit = csv.field_size_limit(_LONGEST)
    try:
        reader = csv.reader(text, **reader_options(csv_format, stand_in))
        begin, has_header = 1, csv_format.header
        for values in reader:
            if values and not has_header:
                yield lines.number(begin), values
            has_header = has_header and not values
            begin = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def _text(lines: Lines) -> Iterator[str]:
    for block in lines.blocks():
        yield from io.StringIO(block.decode(), newline="\n")


def _fault(failures: _ColumnFailures, csv_format: CsvFormat) -> Fault:
    column, (file, line, text) = failures.check.column, failures.first
    pattern = text_pattern(column.type, csv_format)
    value = "a value that is hidden" if column.sensitive else shown(text)
    more = f"; {failures.count:,} values do not fit" if failures.count > 1 else ""
    expected = pattern.example if pattern else column.type.value
    return Fault(
        f"line {line:,} of {file}: {value} is not {expected}{more}",
        column.name,
        pattern.hint if pattern else "",
    )
