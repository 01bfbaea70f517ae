"""Check the names and types of a `where` against the columns that it can read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault
from dataset_assets.sql.where.syntax import (
    Between,
    ColumnName,
    Comparison,
    IsNull,
    Label,
    Like,
    Literal,
    OneOf,
    Operand,
    Predicate,
    Truth,
    operands,
)
from dataset_assets.sql.where.tokens import position
from dataset_assets.text.wording import did_you_mean, listed, shown

LABELS = "labels"
"""The type of the column that `label('key')` reads."""
NUMBERS = frozenset({"integer", "decimal"})
_SHOWN_COLUMNS = 12
_BAD_ESCAPE = re.compile(r"(?:[^\\]|\\[%_\\])*+(?P<bad>\\)", re.DOTALL)
_HINTS = {
    "string": "write texts in single quotes: 'text'",
    "integer": "write numbers without quotes: 5",
    "decimal": "write numbers without quotes: 1.50",
    "boolean": "write TRUE or FALSE",
    "date": "write dates as DATE '2017-12-31'",
    "timestamp": "write timestamps as TIMESTAMP '2017-12-31 23:59:59', in UTC",
}


@dataclass(frozen=True)
class ColumnTypes:
    """The columns that a `where` can read, with their types; their names are found whatever their case."""

    types: Mapping[str, str]

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {name.lower(): name for name in reversed([*self.types])}

    def find(self, name: str) -> str | None:
        """Return a column's name as it is declared; None if there is no such column."""
        return self._names.get(name.lower())

    @property
    def labels(self) -> str | None:
        """The name of the column with the labels; None without one."""
        return next((name for name, kind in self.types.items() if kind == LABELS), None)

    def type_of(self, operand: Operand) -> str:
        """Return the type of an operand whose column exists."""
        match operand:
            case Literal(kind):
                return kind
            case Label():
                return "string"
            case ColumnName(name):
                return str(self.types[self.find(name) or name])


@dataclass(frozen=True)
class Checker:
    """Finds the faults of predicates of a text."""

    text: str
    columns: ColumnTypes

    def faults(self, predicate: Predicate) -> Iterator[Fault]:
        """Yield the faults of the predicate's names or, if there are none, of its types."""
        unknown = [fault for each in operands(predicate) for fault in self._unknown(each)]
        yield from unknown or self._types(predicate)

    def _unknown(self, operand: Operand) -> Iterator[Fault]:
        match operand:
            case Label() if self.columns.labels is None:
                yield self._fault(operand, "the rows have no labels", "leave label('…') out")
            case ColumnName(name):
                found = self.columns.find(name)
                if found is None:
                    yield self._fault(operand, f"there is no column {shown(name)}", self._meant(operand))
                elif self.columns.types[found] == LABELS:
                    hint = "compare one of them: label('key') = 'value'"
                    yield self._fault(operand, f"{shown(name)} is all labels of a row", hint)

    def _meant(self, operand: ColumnName) -> str:
        if self.text[operand.at] == '"':
            return _HINTS["string"]
        return did_you_mean(
            operand.name, self.columns.types, f"it has: {listed(self.columns.types, _SHOWN_COLUMNS)}"
        )

    def _types(self, predicate: Predicate) -> Iterator[Fault]:
        match predicate:
            case Truth(operand):
                yield from self._condition(operand)
            case Like(operand, pattern):
                yield from self._pattern(operand, pattern)
            case Comparison(left, operator, right):
                yield from self._same(left, right)
                if operator not in {"=", "<>"}:
                    yield from self._ordered(left)
            case Between(operand, low, high):
                yield from self._same(operand, low)
                yield from self._same(operand, high)
                yield from self._ordered(operand)
            case OneOf(operand, options):
                for each in options:
                    yield from self._same(operand, each)
            case IsNull():
                return

    def _same(self, left: Operand, right: Operand) -> Iterator[Fault]:
        kinds = [self.columns.type_of(each) for each in (left, right)]
        if kinds[0] == kinds[1] or NUMBERS.issuperset(kinds):
            return
        message = f"{self._shown(left)} is not comparable with {self._shown(right)}"
        hint = _HINTS[kinds[0]] if isinstance(right, Literal) else _HINTS[kinds[1]]
        between = not isinstance(left, Literal) and not isinstance(right, Literal)
        yield self._fault(right, message, "compare columns of one type" if between else hint)

    def _ordered(self, operand: Operand) -> Iterator[Fault]:
        if self.columns.type_of(operand) == "boolean":
            message = f"{self._shown(operand)} is neither less nor greater than another"
            yield self._fault(operand, message, "compare it with = or <>")

    def _condition(self, operand: Operand) -> Iterator[Fault]:
        if self.columns.type_of(operand) != "boolean":
            hint = "compare it with something, or write IS NULL or IS NOT NULL"
            yield self._fault(operand, f"{self._shown(operand)} is not a condition", hint)

    def _pattern(self, operand: Operand, pattern: Literal) -> Iterator[Fault]:
        if self.columns.type_of(operand) != "string":
            yield self._fault(operand, f"{self._shown(operand)} is not a text", "LIKE is for texts")
        if _BAD_ESCAPE.match(str(pattern.value)):
            hint = r"write \%, \_ and \\ for these characters themselves"
            yield self._fault(pattern, r"the pattern has a \ that is before no %, _ or \ ", hint)

    def _shown(self, operand: Operand) -> str:
        """Return an operand with its type for messages: `price` (decimal)."""
        match operand:
            case Label(key):
                written = f"label({shown(key)})"
            case Literal(_, str(value)):
                written = shown(value)
            case Literal(_, value):
                written = str(value)
            case ColumnName(name):
                written = f"`{name}`"
        return f"{written} ({self.columns.type_of(operand)})"

    def _fault(self, operand: Operand, message: str, hint: str) -> Fault:
        return Fault(message, hint=hint, position=position(self.text, operand.at))
