"""`where`: the language in which files, commands and the API say which rows are meant.

A text is checked against the columns of the rows before anything runs: `parse_where` raises all faults at
once, each with its line and column. `docs/where.md` describes the language for its users.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.errors import MOST_FAULTS, Fault, WhereError
from dataset_assets.sql.build import Columns, column
from dataset_assets.sql.where.checks import Checker, ColumnTypes
from dataset_assets.sql.where.parser import parse
from dataset_assets.sql.where.rendering import Renderer, constant
from dataset_assets.sql.where.syntax import (
    ColumnName,
    Condition,
    Label,
    Predicate,
    equal_constants,
    operands,
    predicates,
)
from dataset_assets.sql.where.tokens import position


@dataclass(frozen=True)
class Where:
    """A checked condition on rows: its text as it was written, and the names of the columns that it reads."""

    text: str
    columns: frozenset[str]
    _condition: Condition
    _types: ColumnTypes

    def reported(self, sensitive: Collection[str]) -> str:
        """Return the text for records and reports; without its values if it reads a sensitive column."""
        hidden = sorted(self.columns.intersection(sensitive))
        return f"(a condition on sensitive columns: {', '.join(hidden)})" if hidden else self.text

    def condition(self, read: Columns = column) -> exp.Expr:
        """Return the condition in SQL, for WHERE or beside AND; `read` returns what reads a column.

        As in SQL it is true, false or NULL for a row; only a row for which it is true is meant.
        """
        return exp.paren(Renderer(self._types, read).condition(self._condition), copy=False)

    def named_values(self) -> Mapping[str, list[exp.Expr]]:
        """Return the constants with which each column is compared by `=` or IN, by the column's name."""
        found: dict[str, list[exp.Expr]] = {}
        for each in predicates(self._condition):
            name, constants = equal_constants(each)
            if name and (column_name := self._types.find(name)):
                exact = self._types.types[column_name] == "decimal"
                found.setdefault(column_name, []).extend(constant(value, exact=exact) for value in constants)
        return found


def parse_where(text: str, columns: Mapping[str, str]) -> Where:
    """Check a condition on rows with these columns, name to type, and return it.

    The types are those of `ColumnType`, and `labels` for the column that `label('key')` reads. Raises
    WhereError with all faults.
    """
    types = ColumnTypes(columns)
    condition, faults = parse(text)
    found = predicates(condition) if condition else []
    checker = Checker(text, types)
    faults += [fault for each in found for fault in checker.faults(each)]
    if condition is None or faults:
        raise WhereError(*_first(faults))
    return Where(text, frozenset(_columns_read(found, types)), condition, types)


def with_place(fault: Fault) -> str:
    """Return the message of a fault with its place in the condition, which stands in a file."""
    at = fault.position
    return f"{fault.message} (line {at.line}, column {at.column} of the condition)" if at else fault.message


def named_columns(text: str) -> frozenset[str]:
    """Return the columns that a condition names, in lower case, whatever rows it is about.

    Raises WhereError if the text is no condition.
    """
    condition, faults = parse(text)
    if condition is None or faults:
        raise WhereError(*_first(faults))
    found = (operand for predicate in predicates(condition) for operand in operands(predicate))
    return frozenset(each.name.lower() for each in found if isinstance(each, ColumnName))


def _first(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield the first MOST_FAULTS faults in the order of the text, then one that counts the others."""
    ordered = sorted(faults, key=lambda fault: fault.position or position("", 0))
    yield from ordered[:MOST_FAULTS]
    if (more := len(ordered) - MOST_FAULTS) > 0:
        last = ordered[MOST_FAULTS]
        message = f"and {more:,} more fault{'s' * (more != 1)}"
        yield Fault(message, hint="fix those above first", position=last.position, more=more)


def _columns_read(found: Iterable[Predicate], types: ColumnTypes) -> Iterator[str]:
    for predicate in found:
        for operand in operands(predicate):
            match operand:
                case ColumnName(name):
                    yield types.find(name) or name
                case Label():
                    yield types.labels or ""
