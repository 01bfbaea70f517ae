"""The syntax tree of a `where`: the classes here are all that can be said in it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Value = str | int | Decimal | bool | date | datetime


@dataclass(frozen=True)
class ColumnName:
    """A column by its name as written. `at` is the index of its first character in the text."""

    name: str
    at: int


@dataclass(frozen=True)
class Label:
    """The value of the label with a key: `label('key')`; NULL if the row has no such label."""

    key: str
    at: int


@dataclass(frozen=True)
class Literal:
    """A constant. `type` is that of a column with such values."""

    type: str
    value: Value
    at: int


Operand = ColumnName | Label | Literal


@dataclass(frozen=True)
class Comparison:
    """Two operands with `=`, `<>`, `<`, `<=`, `>` or `>=` between them."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class OneOf:
    """Whether an operand equals one of some constants: `IN`."""

    operand: Operand
    options: tuple[Literal, ...]


@dataclass(frozen=True)
class Between:
    """Whether an operand is between two others, both included."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True)
class Like:
    """Whether a text has the form of a pattern, in which `%` is any text and `_` any character."""

    operand: Operand
    pattern: Literal


@dataclass(frozen=True)
class IsNull:
    """Whether an operand is NULL."""

    operand: Operand


@dataclass(frozen=True)
class Truth:
    """Whether a boolean operand is true."""

    operand: Operand


@dataclass(frozen=True)
class Not:
    """The opposite of a condition; NULL stays NULL."""

    condition: "Condition"


@dataclass(frozen=True)
class AllOf:
    """Conditions that are joined by AND."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True)
class AnyOf:
    """Conditions that are joined by OR."""

    conditions: "tuple[Condition, ...]"


Predicate = Comparison | OneOf | Between | Like | IsNull | Truth
Condition = Predicate | Not | AllOf | AnyOf


def predicates(condition: Condition) -> list[Predicate]:
    """Return all predicates of a condition in the order of the text."""
    match condition:
        case Not(inner):
            return predicates(inner)
        case AllOf(parts) | AnyOf(parts):
            return [each for part in parts for each in predicates(part)]
        case _:
            return [condition]


def operands(predicate: Predicate) -> tuple[Operand, ...]:
    """Return the operands of a predicate in the order of the text."""
    match predicate:
        case Comparison(left, _, right):
            return left, right
        case OneOf(operand, options):
            return operand, *options
        case Between(operand, low, high):
            return operand, low, high
        case Like(operand, pattern):
            return operand, pattern
        case IsNull(operand) | Truth(operand):
            return (operand,)


def equal_constants(predicate: Predicate) -> tuple[str, tuple[Literal, ...]]:
    """Return the column that a predicate compares with constants by `=` or IN, and these; or no name."""
    match predicate:
        case Comparison(ColumnName(name), "=", Literal() as value) | Comparison(
            Literal() as value, "=", ColumnName(name)
        ):
            return name, (value,)
        case OneOf(ColumnName(name), options):
            return name, options
        case _:
            return "", ()
