"""Locate each declared column in a CSV file by the names in its header."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dataset_assets.adapters.csv.errors import CsvFault
from dataset_assets.adapters.csv.scan import ScanResult
from dataset_assets.contract.model import ColumnDef
from dataset_assets.text.wording import listed, nearest_first, shown


@dataclass(frozen=True)
class DeclaredColumns:
    """The columns that a contract declares for a table, with the target's settings for them."""

    columns: tuple[ColumnDef, ...]
    physical_name: Callable[[str], str]
    may_be_missing: bool = False
    has_header: bool = True

    @property
    def is_sensitive(self) -> bool:
        """Whether a text of the file can be of a sensitive column (BR-206)."""
        return any(column.sensitive for column in self.columns)


def column_positions(scan: ScanResult, declared: DeclaredColumns) -> tuple[int | None, ...]:
    """Return the position of each declared column in a row; None for a column that the file may lack.

    Raises an ExceptionGroup of CsvFault with all faults of the header.
    """
    if not declared.has_header:
        _refuse_other_width(scan, declared)
        return tuple(range(len(declared.columns)))
    positions, faults = [], []
    for column in declared.columns:
        try:
            positions.append(_position(scan, declared.physical_name(column.name), declared))
        except CsvFault as fault:
            faults.append(fault)
    if faults:
        raise ExceptionGroup("the header is not what is declared", list(_merged(faults, scan)))
    return tuple(positions)


def _refuse_other_width(scan: ScanResult, declared: DeclaredColumns) -> None:
    if scan.width != len(declared.columns):
        values = "one value" if scan.width == 1 else f"{scan.width:,} values"
        message = f"has {values}, and {len(declared.columns):,} columns are declared"
        hint = "without a header all columns of a file are declared, in its order; or check `delimiter`"
        raise ExceptionGroup("the file is not what is declared", [CsvFault(scan.header_line, message, hint)])


def _position(scan: ScanResult, name: str, declared: DeclaredColumns) -> int | None:
    """Return the position of a name: of the exact match, else of the only one that differs only in case."""
    exact = [at for at, each in enumerate(scan.header) if each == name]
    alike = exact or [at for at, each in enumerate(scan.header) if each.lower() == name.lower()]
    line = scan.header_line
    if len(alike) == 1:
        return alike[0]
    if exact:
        hint = "rename one of them, so that it is clear which is meant"
        raise CsvFault(line, f"has the column {shown(name)} {len(exact)} times", hint)
    if alike:
        names = listed([shown(scan.header[at]) for at in alike], between=" and ")
        hint = "name one of them exactly in the target: `columns: {name: Name}`"
        raise CsvFault(line, f"has {names}, and it is open which of them is {shown(name)}", hint)
    if declared.may_be_missing:
        return None
    raise _Missing(line, name)


class _Missing(CsvFault):
    """Raised for a declared column that the header lacks; `message` is its name."""


def _merged(faults: Sequence[CsvFault], scan: ScanResult) -> Iterator[CsvFault]:
    """Yield the faults, with one fault for all missing columns."""
    names = [fault.message for fault in faults if isinstance(fault, _Missing)]
    yield from (fault for fault in faults if not isinstance(fault, _Missing))
    if names:
        columns = "column" if len(names) == 1 else "columns"
        message = f"has no {columns} {listed([shown(name) for name in names])}"
        yield CsvFault(scan.header_line, message, _hint(names, scan))


def _hint(names: Sequence[str], scan: ScanResult) -> str:
    has = f"it has: {listed([shown(name) for name in scan.header], 12)}"
    other = next((mark for mark in ";\t|," if scan.width == 1 and mark in "".join(scan.header)), None)
    if other:
        return f"say `delimiter: {other!r}` in the target? {has}"
    return nearest_first(names[0].strip(), map(str.strip, scan.header), has) if len(names) == 1 else has
