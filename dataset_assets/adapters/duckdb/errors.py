"""Translate errors of DuckDB into sentences that contain no value of the data.

DuckDB's own messages quote values, which can be of a sensitive column (BR-206). A sentence about such an
error names only the type, the line and the column.
"""

import re
from collections.abc import Mapping

import duckdb

from dataset_assets.adapters.duckdb.exactness import REFUSED
from dataset_assets.adapters.duckdb.nodes import CAST_FAILURE
from dataset_assets.errors import DataError, DatasetAssetsError, Fault, ResolveError

_TYPE = re.compile(r"\bto (?:type )?([A-Z][A-Z0-9_]+(?:\([0-9, ]+\))?)")
_CSV_LINE = re.compile(r"CSV Error on Line: ([0-9]+)")
_CSV_FILE = re.compile(r"^\s*file\s*=\s*(.+)$", re.MULTILINE)


def user_error(error: duckdb.Error, memory_limit: str) -> Exception:
    """Return a DatasetAssetsError if data, disk or limits caused the error; else the error itself, a bug."""
    text = str(error)
    if isinstance(error, duckdb.InvalidInputException) and REFUSED in text:
        about, _, message = text.partition(REFUSED)[2].partition(": ")
        return ResolveError(Fault(message, about, "correct the source, or declare the type that it has"))
    fault = _fault(error, text, memory_limit)
    if fault is None:
        return error
    is_value = (
        isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException) or CAST_FAILURE in text
    )
    return DataError(fault) if is_value else DatasetAssetsError(fault)


_STREAMED: Mapping[str, type[duckdb.Error]] = {
    "Conversion Error": duckdb.ConversionException,
    "Out of Range Error": duckdb.OutOfRangeException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "Invalid Input Error": duckdb.InvalidInputException,
    "IO Error": duckdb.IOException,
}
"""The first words of an error's text → the class of DuckDB's error."""


def stream_error(error: OSError) -> duckdb.Error:
    """Return the error of DuckDB whose text an Arrow stream raised as an OSError."""
    text = str(error)
    kind = next((kind for begin, kind in _STREAMED.items() if text.startswith(begin)), duckdb.Error)
    return kind(text)


def _fault(error: duckdb.Error, text: str, memory_limit: str) -> Fault | None:  # noqa: PLR0911 - a table
    match error:
        case duckdb.OutOfMemoryException():
            return Fault(
                f"the query needs more than its {memory_limit} of memory, or than there is disk to spill to",
                hint="raise `memory_limit` of the target's engine, or free disk space",
            )
        case duckdb.InvalidInputException() if CAST_FAILURE in text:
            return Fault(_first_line(text), hint="fix the data, or declare the column as what it is")
        case duckdb.InvalidInputException() if line := _CSV_LINE.search(text):
            file = _CSV_FILE.search(text)
            where = f" of {file[1].strip()}" if file else ""
            return Fault(f"line {line[1]}{where} is not a row of its CSV file", hint="fix the file")
        case duckdb.InvalidInputException() if "CSV" in text:
            return Fault(
                "a CSV file is not in its declared format", hint="`dataset-assets doctor` says where"
            )
        case duckdb.ConversionException() | duckdb.OutOfRangeException():
            kind = _TYPE.search(text)
            return Fault(
                f"a value in the data cannot be turned into {kind[1] if kind else 'the type it is used as'}",
                hint="compare the table's values with its declared column types",
            )
        case duckdb.PermissionException():
            return Fault("the query reaches outside of the target's folders", hint="check resolver roots")
        case duckdb.IOException() | duckdb.HTTPException():
            message = f"a file cannot be read or written: {_first_line(text)}"
            return Fault(message, hint="look at the file, its folder and the disk")
        case duckdb.Error() if "parquet" in text.lower():
            message = f"a file is not readable Parquet: {_first_line(text)}"
            return Fault(message, hint="load it again, or point `location` at others")
    return None


def _first_line(text: str) -> str:
    return text.partition("\n")[0].partition(": ")[2] or text.partition("\n")[0]
