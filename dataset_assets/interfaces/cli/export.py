"""Print published rows as a table, or write them as Parquet, CSV or lines of JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.cli.console import Grid, cell, masked_remark, out, say
from dataset_assets.interfaces.cli.output_files import output_file
from dataset_assets.interfaces.frames import LABELS, NULL, labels_dict, text_rows, to_json_value, value_rows

if TYPE_CHECKING:
    import pyarrow as pa


class ReadableRows(Protocol):
    """Rows that can be printed or written: published rows, or rows that were selected again."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        ...

    @property
    def sensitive(self) -> frozenset[str]:
        """The columns whose values are masked on a screen (BR-206)."""
        ...

    @property
    def total(self) -> int:
        """The number of rows, not counting a limit."""
        ...

    def tables(self) -> "Iterator[pa.Table]":
        """Yield the rows as Arrow tables."""
        ...


SCREEN_ROWS = 20
"""Number of rows that are printed if no limit is given."""


def choose_format(form: str | None, path: Path | None) -> str:
    """Return the format that is given, else the format of the file's suffix, else "table" for the screen.

    Raises DatasetAssetsError if a file is to be written and neither names a file format.
    """
    if form is None and path is not None:
        form = path.suffix.removeprefix(".").lower()
        if form not in WRITERS:
            message = f"the suffix of {path.name!r} is not that of a format"
            raise DatasetAssetsError(Fault(message, hint=f"say --format {' or '.join(WRITERS)}"))
    if path is not None and form not in WRITERS:
        raise DatasetAssetsError(
            Fault("a table is for the screen", hint=f"say --format {' or '.join(WRITERS)}")
        )
    return form or "table"


def print_rows(rows: ReadableRows) -> None:
    """Print the rows as a table in which the values of sensitive columns are masked (BR-206)."""
    table = Grid(*rows.columns)
    for part in rows.tables():
        for row in text_rows(part):
            table.add_row(*(_cell(rows, *each) for each in zip(rows.columns, row, strict=True)))
    out().print(table)
    say(f"{len(table.rows):,} of {rows.total:,} rows{masked_remark(rows.sensitive)}")


def _cell(rows: ReadableRows, name: str, text: str) -> Text:
    """Return a value for the screen: masked in a sensitive column, dim for NULL."""
    return cell(MASKED) if name in rows.sensitive else cell(text, "dim" if text == NULL else "")


def write_rows(rows: ReadableRows, kind: str, path: Path | None) -> None:
    """Write the rows in a format of WRITERS to a file, or to stdout without a path.

    Raises DatasetAssetsError if the path cannot be written, or if Parquet or sensitive columns would go to a
    terminal (BR-206).
    """
    if path is None:
        if sys.stdout.isatty() and (rows.sensitive or kind == "parquet"):
            message = f"{kind} is not shown on a terminal" if kind == "parquet" else "columns are sensitive"
            raise DatasetAssetsError(Fault(message, hint="write a file with -o FILE, or to a pipe"))
        WRITERS[kind](rows, sys.stdout.buffer)
        return
    with output_file(path) as sink:
        count = WRITERS[kind](rows, sink)
    say(f"{count:,} rows written to {path}")


def _parquet(rows: ReadableRows, sink: IO[bytes]) -> int:
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    return _write(rows.tables(), lambda schema: parquet.ParquetWriter(sink, schema, compression="zstd"))


def _csv(rows: ReadableRows, sink: IO[bytes]) -> int:
    """Write CSV: strings are quoted, NULL is an empty field without quotes, labels are JSON."""
    from pyarrow import csv  # noqa: PLC0415 - heavy

    return _write(map(_with_json_labels, rows.tables()), lambda schema: csv.CSVWriter(sink, schema))


def _jsonl(rows: ReadableRows, sink: IO[bytes]) -> int:
    """Write one JSON object a line. Decimals, dates and times are strings, so that no digit is lost."""
    count = 0
    for table in rows.tables():
        for row in value_rows(table):
            line = {name: to_json_value(value) for name, value in zip(rows.columns, row, strict=True)}
            sink.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        count += table.num_rows
    return count


WRITERS: Mapping[str, Callable[[ReadableRows, IO[bytes]], int]] = {
    "parquet": _parquet,
    "csv": _csv,
    "jsonl": _jsonl,
}
"""Name of a file format, which is also its suffix → the function that writes it and returns the row count."""


def _write(tables: Any, open_writer: Callable[[Any], Any]) -> int:
    writer, count = None, 0
    for table in tables:
        writer = writer or open_writer(table.schema)
        writer.write_table(table)
        count += table.num_rows
    if writer:
        writer.close()
    return count


def _with_json_labels(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    place = table.schema.get_field_index(LABELS)
    if place < 0:
        return table
    labels = [json.dumps(labels_dict(each), ensure_ascii=False) for each in table[LABELS].to_pylist()]
    return table.set_column(place, LABELS, pa.array(labels, pa.string()))
