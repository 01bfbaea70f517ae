"""Published rows on the screen, as Parquet, CSV or lines of JSON. A file appears whole or not at all."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.cli.console import Grid, cell, out, say
from dataset_assets.interfaces.cli.output_files import output_file
from dataset_assets.interfaces.frames import LABELS, NULL, as_dict, in_json, texts, values
from dataset_assets.interfaces.reading import Rows

if TYPE_CHECKING:
    import pyarrow as pa

SCREEN_ROWS = 20
"""Rows on the screen where no limit is given."""


def form_of(form: str | None, path: Path | None) -> str:
    """The format that is asked for, else the one of the file's suffix, else a table on the screen.

    Raises DatasetAssetsError for a file that would be none of them.
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


def to_screen(rows: Rows) -> None:
    """A table. Values of sensitive columns are not shown (BR-206)."""
    table = Grid(*rows.columns)
    for part in rows.tables():
        for row in texts(part):
            table.add_row(*(_cell(rows, *each) for each in zip(rows.columns, row, strict=True)))
    out().print(table)
    masked = f"; sensitive columns are masked: {', '.join(sorted(rows.sensitive))}" if rows.sensitive else ""
    say(f"{len(table.rows):,} of {rows.total:,} rows{masked}")


def _cell(rows: Rows, name: str, text: str) -> Text:
    """A value on the screen; that of a sensitive column is masked, and NULL is faint."""
    return cell(MASKED) if name in rows.sensitive else cell(text, "dim" if text == NULL else "")


def to_file(rows: Rows, kind: str, path: Path | None) -> None:
    """One of WRITERS; without a path to stdout.

    Raises DatasetAssetsError where the path cannot be written, and for sensitive columns on a terminal.
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


def _parquet(rows: Rows, sink: IO[bytes]) -> int:
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    return _write(rows.tables(), lambda schema: parquet.ParquetWriter(sink, schema, compression="zstd"))


def _csv(rows: Rows, sink: IO[bytes]) -> int:
    """Strings are quoted, NULL is an empty field without quotes; labels are JSON."""
    from pyarrow import csv  # noqa: PLC0415 - heavy

    return _write(map(_with_json_labels, rows.tables()), lambda schema: csv.CSVWriter(sink, schema))


def _jsonl(rows: Rows, sink: IO[bytes]) -> int:
    """One JSON object a line. Decimals, dates and times are strings, so that no digit is lost."""
    count = 0
    for table in rows.tables():
        for row in values(table):
            line = {name: in_json(value) for name, value in zip(rows.columns, row, strict=True)}
            sink.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        count += table.num_rows
    return count


WRITERS: Mapping[str, Callable[[Rows, IO[bytes]], int]] = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
"""File formats, by name and by the suffix of a file."""


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
    texts = [json.dumps(as_dict(each), ensure_ascii=False) for each in table[LABELS].to_pylist()]
    return table.set_column(place, LABELS, pa.array(texts, pa.string()))
