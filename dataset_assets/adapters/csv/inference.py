"""Find the type to declare for each column of a CSV file whose columns were read as texts.

A type fits if every value of the column is a valid text of it. The order of preference is that of
`CANDIDATES`. A column without values is a string, and so is one with numbers that begin with zeros or that
exceed 64 bits.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp

from dataset_assets.adapters.csv.casts import matches
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.csv.values import text_pattern
from dataset_assets.adapters.duckdb.nodes import quoted
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import DataError
from dataset_assets.ports.engine import Session

CANDIDATES = (
    ColumnType.INTEGER,
    ColumnType.DECIMAL,
    ColumnType.DATE,
    ColumnType.TIMESTAMP,
    ColumnType.BOOLEAN,
)
_CODE = "0[0-9]+"
"""Matches a code such as `007`, which is no number: as one it would lose its zeros."""

Resolve = Callable[[Sequence[ColumnDef]], exp.Expr]
"""Returns the rows of the table with the given declared columns."""


def fitting_columns(
    texts: exp.Expr, names: Sequence[str], csv_format: CsvFormat, resolve: Resolve, session: Session
) -> tuple[ColumnDef, ...]:
    """Return the columns with their fitting types. `texts` are the rows with all columns as texts."""
    columns = [ColumnDef.model_construct(name=name, type=ColumnType.STRING) for name in names]
    if not columns:
        return ()
    counts = session.rows(_count_matches(texts, names, csv_format))[0]
    fitting = [
        column.model_copy(update={"type": _fitting(place, counts)}) for place, column in enumerate(columns)
    ]
    if _are_values(fitting, resolve, session):
        return tuple(fitting)
    pairs = zip(columns, fitting, strict=True)
    return tuple(typed if _are_values([typed], resolve, session) else text for text, typed in pairs)


def _fitting(place: int, counts: dict[str, int]) -> ColumnType:
    values = counts[f"values_{place}"]
    if not values or counts[f"codes_{place}"]:
        return ColumnType.STRING
    fits = (each for each in CANDIDATES if counts[f"{each.value}_{place}"] == values)
    return next(fits, ColumnType.STRING)


def _count_matches(texts: exp.Expr, names: Sequence[str], csv_format: CsvFormat) -> exp.Query:
    """Return a query of how many values of each column match the pattern of each type."""
    counts = []
    for place, name in enumerate(names):
        value = quoted(name)
        patterns = {"codes": _CODE}
        patterns |= {each.value: _pattern(each, csv_format) for each in CANDIDATES}
        counts.append(exp.alias_(exp.Count(this=value), f"values_{place}"))
        counts += [
            exp.alias_(exp.CountIf(this=matches(value, pattern)), f"{kind}_{place}")
            for kind, pattern in patterns.items()
        ]
    return exp.select(*counts).from_(texts.copy())


def _pattern(kind: ColumnType, csv_format: CsvFormat) -> str:
    found = text_pattern(kind, csv_format)
    return found.pattern if found else ".*"


def _are_values(columns: Sequence[ColumnDef], resolve: Resolve, session: Session) -> bool:
    """Return whether all texts can be cast to their types: 2026-02-31 only looks like a date."""
    rows = resolve(columns)
    greatest = [exp.alias_(exp.Max(this=quoted(each.name)), each.name, quoted=True) for each in columns]
    try:
        session.rows(exp.select(*greatest).from_(rows.copy()))
    except DataError:
        return False
    return True
