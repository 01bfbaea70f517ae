"""Validate the structure of a CSV file: every line belongs to a row, and all rows are equally wide.

The rules are those of RFC 4180, by which a file has only one reading: a quote opens a value at its start and
closes it at its end. The number of rows that DuckDB reads later is compared with the number of this scan.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_assets.adapters.csv.errors import CsvFault
from dataset_assets.adapters.csv.lines import Lines
from dataset_assets.adapters.csv.settings import CsvFormat

if TYPE_CHECKING:
    from dataset_assets.adapters.csv.records import Records

LONGEST_ROW = 1 << 26
"""Bytes after which a row that has not ended is reported as a quoted value without its closing quote."""


@dataclass(frozen=True)
class ScanResult:
    """The shape of a scanned file.

    `header` are the names of its columns, if any; `width` is the number of columns.

    `longest` is the length of the longest row in bytes. `quotes_line_ends`: whether a quoted value spans
    lines. `has_crlf`: whether rows end in CRLF instead of LF.
    """

    path: Path
    header: tuple[str, ...] = ()
    header_line: int = 1
    width: int = 0
    rows: int = 0
    longest: int = 0
    quotes_line_ends: bool = False
    has_crlf: bool = False


@dataclass
class _State:
    """The progress of a scan. `ends_with` is the line end of the first line."""

    width: int = 0
    ends_with: bytes = b""
    header: tuple[str, ...] = ()
    repeats: tuple[bytes, ...] = ()
    records: int = 0
    lines: int = 0
    longest: int = 0
    quotes_line_ends: bool = False
    blank: bytes = b""
    rest: bytes = b""


def scan(path: Path, csv_format: CsvFormat, copy: Callable[[bytes], Any] = lambda _: None) -> ScanResult:
    """Scan a file once. `copy` receives its bytes in UTF-8. Raises CsvFault for the first fault."""
    lines = Lines(path, csv_format)
    scanner = _Scanner(csv_format, lines)
    for block in lines.blocks():
        copy(block)
        scanner.add(block)
    return scanner.finished(path)


@dataclass
class _Scanner:
    csv_format: CsvFormat
    lines: Lines
    state: _State = field(default_factory=_State)

    def add(self, block: bytes) -> None:
        """Scan a block of whole lines.

        Empty lines at its end are kept for later: the end of a file may be empty.
        """
        state = self.state
        block = state.blank + block
        filled = block.rstrip(b"\r\n")
        if not filled:
            state.blank = block
            return
        end = block.find(b"\n", len(filled)) + 1 or len(block)
        state.blank = block[end:]
        self._scan_block(state.rest + block[:end])

    def finished(self, path: Path) -> ScanResult:
        """Return the result for the whole file. Raises CsvFault if the file ends within a row."""
        state = self.state
        if state.rest:
            self._scan_block(state.rest + state.blank + (state.ends_with or b"\n"))
            state.blank = b""
        if state.rest:
            self._fail(0, "begins a quoted value that has no end", "close its quote")
        if state.blank and state.width == 1:
            hint = 'write a row without a value as "", or remove the line'
            self._fail(0, "is empty, which leaves open whether it is a row", hint)
        rows = state.records - (1 if self.csv_format.header and state.records else 0)
        first = self.lines.number(1)
        return ScanResult(
            path,
            state.header,
            first,
            state.width,
            rows,
            state.longest,
            state.quotes_line_ends,
            has_crlf=state.ends_with == b"\r\n",
        )

    def _scan_block(self, block: bytes) -> None:
        state = self.state
        from dataset_assets.adapters.csv.records import Records  # noqa: PLC0415 - a target is read without numpy

        records = Records(block, self.csv_format)
        if records.fault:
            self._fail_at(records, *records.fault)
        if not records.ends.size:
            state.rest = block
            if len(block) > LONGEST_ROW:
                self._fail(0, "begins a quoted value that has no end within 64 MiB", "close its quote")
            return
        if not state.width:
            self._set_format(records)
        for check in (records.line_end_fault, records.width_fault):
            if fault := check(state.ends_with, state.width):
                self._fail_at(records, *fault)
        self._refuse_second_header(records)
        state.records += records.ends.size
        state.lines += records.lines
        state.longest = max(state.longest, records.longest)
        state.quotes_line_ends |= records.quotes_line_ends
        state.rest = records.rest

    def _set_format(self, records: "Records") -> None:
        """Set the number of columns, the line end and the header by the first record."""
        state = self.state
        state.width = records.values_of(0)
        first = records.record(0)
        state.ends_with = b"\r\n" if first.endswith(b"\r\n") else b"\n"
        if self.csv_format.header:
            text = first.removesuffix(state.ends_with)
            names = split(text.decode(), self.csv_format)
            state.header = tuple(names)
            mark = self.csv_format.quote
            quoted = (f"{mark}{name}{mark}" for name in names)
            plain, all_quoted = (self.csv_format.delimiter.join(each).encode() for each in (names, quoted))
            state.repeats = tuple(each + state.ends_with for each in {text, plain, all_quoted})

    def _refuse_second_header(self, records: "Records") -> None:
        for repeat in self.state.repeats:
            at = records.find(repeat, after=not self.state.records)
            if at is not None:
                hint = "a file has one header; where the names are values, say `header: false, skip: 1`"
                self._fail_at(records, at, "repeats the header", hint)

    def _fail_at(self, records: "Records", record: int, message: str, hint: str = "") -> None:
        line, text = records.line_of(record), records.record(record).rstrip(b"\r\n")
        raise CsvFault(
            self.lines.number(self.state.lines + line), message, hint, text.decode(errors="replace")
        )

    def _fail(self, line: int, message: str, hint: str) -> None:
        raise CsvFault(self.lines.number(self.state.lines + line + 1), message, hint)


def split(record: str, csv_format: CsvFormat) -> list[str]:
    """Return the values of one record, which may go over lines, as text."""
    stand_in = csv_format.delimiter
    if len(stand_in) > 1:
        free = (chr(each) for each in (*range(1, 10), *range(14, 32)))
        stand_in = next(each for each in free if each not in record)
        record = record.replace(csv_format.delimiter, stand_in)
    values = next(csv.reader(io.StringIO(record, newline=""), **reader_options(csv_format, stand_in)), [""])
    return [value.replace(stand_in, csv_format.delimiter) for value in values]


def reader_options(csv_format: CsvFormat, delimiter: str) -> dict[str, Any]:
    """Return a format as the options of Python's `csv.reader`."""
    quoting = csv.QUOTE_MINIMAL if csv_format.quote else csv.QUOTE_NONE
    return {
        "delimiter": delimiter,
        "quotechar": csv_format.quote or None,
        "quoting": quoting,
        "doublequote": csv_format.doubles_quotes,
        "escapechar": None if csv_format.doubles_quotes else csv_format.escape,
        "strict": True,
    }
