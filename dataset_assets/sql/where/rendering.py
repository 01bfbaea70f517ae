"""Render a checked `where` as a condition of SQL that means the same on every engine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from sqlglot import exp

from dataset_assets.periods.instants import Moment
from dataset_assets.sql.build import Columns, boundary, number, text
from dataset_assets.sql.nodes import LabelValue
from dataset_assets.sql.where.checks import ColumnTypes
from dataset_assets.sql.where.syntax import (
    AllOf,
    AnyOf,
    Between,
    ColumnName,
    Comparison,
    Condition,
    IsNull,
    Label,
    Like,
    Literal,
    Not,
    OneOf,
    Operand,
    Predicate,
    Truth,
    operands,
)

DECIMAL = "DECIMAL(38, 9)"
_COMPARISONS: Mapping[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_WILDCARDS = {"%": ".*", "_": "."}
_PATTERN_PART = re.compile(r"\\(.)|(.)", re.DOTALL)


@dataclass(frozen=True)
class Renderer:
    """Renders conditions on columns of these types; `read` returns the expression that reads a column."""

    columns: ColumnTypes
    read: Columns

    def condition(self, condition: Condition) -> exp.Expr:
        """Return a condition as SQL."""
        match condition:
            case Not(inner):
                return exp.Not(this=self._part(inner))
            case AllOf(parts):
                return _joined(exp.And, [self._part(each) for each in parts])
            case AnyOf(parts):
                return _joined(exp.Or, [self._part(each) for each in parts])
            case _:
                return self._predicate(condition)

    def _part(self, condition: Condition) -> exp.Expr:
        """Return a part of a condition, in parentheses if it has parts itself."""
        found = self.condition(condition)
        return found if isinstance(condition, Predicate) else exp.paren(found, copy=False)

    def _predicate(self, predicate: Predicate) -> exp.Expr:
        """Return a predicate as SQL. Numbers are compared as decimals if one of them is a decimal."""
        exact = any(self.columns.type_of(each) == "decimal" for each in operands(predicate))
        values = [self._operand(each, exact=exact) for each in operands(predicate)]
        match predicate:
            case Comparison(_, operator, _):
                return _COMPARISONS[operator](this=values[0], expression=values[1])
            case OneOf():
                return exp.In(this=values[0], expressions=values[1:])
            case Between():
                return exp.Between(this=values[0], low=values[1], high=values[2])
            case Like(_, pattern):
                return _like(values[0], str(pattern.value))
            case IsNull():
                return exp.Is(this=values[0], expression=exp.null())
            case Truth():
                return values[0]
            case _:
                assert_never(predicate)

    def _operand(self, operand: Operand, *, exact: bool) -> exp.Expr:
        match operand:
            case Literal():
                return constant(operand, exact=exact)
            case Label(key):
                return LabelValue(this=self.read(self.columns.labels or ""), key=text(key))
            case ColumnName(name):
                value = self.read(self.columns.find(name) or name)
                is_integer = self.columns.type_of(operand) == "integer"
                return exp.cast(value, DECIMAL) if exact and is_integer else value


def _joined(of: type[exp.Connector], parts: list[exp.Expr]) -> exp.Expr:
    """Return conditions joined by AND or OR as a balanced tree: engines limit the depth of expressions."""
    while len(parts) > 1:
        pairs = [parts[at : at + 2] for at in range(0, len(parts), 2)]
        parts = [of(this=pair[0], expression=pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]


def constant(literal: Literal, *, exact: bool) -> exp.Expr:
    """Return a constant as SQL; `exact` makes a number a decimal."""
    match literal.value:
        case bool(value):
            return exp.Boolean(this=value)
        case str(value):
            return text(value)
        case datetime() as value:
            return boundary(Moment(value, value.date()), "TIMESTAMPTZ")
        case date() as value:
            return exp.cast(text(value.isoformat()), "DATE")
        case value if exact:
            return exp.cast(text(f"{value:f}" if literal.type == "decimal" else str(value)), DECIMAL)
        case value:
            return number(str(value))


def _like(value: exp.Expr, pattern: str) -> exp.Expr:
    r"""Return whether a text has the form of a pattern.

    Only BigQuery's LIKE knows `\%`, so a pattern with it is a regular expression, of which both engines have
    the same.
    """
    if "\\" not in pattern:
        return exp.Like(this=value, expression=text(pattern))
    parts = (
        re.escape(escaped) if escaped else _WILDCARDS.get(plain, re.escape(plain))
        for escaped, plain in _PATTERN_PART.findall(pattern)
    )
    return exp.RegexpLike(this=value, expression=text(rf"(?s)\A{''.join(parts)}\z"))
