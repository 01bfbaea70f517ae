"""Rules on the quality rules of a file: names, the columns and lookups that they name, conditions, bounds."""

import re
from collections.abc import Iterator, Mapping

from dataset_assets.catalog.rule_input import LIST_OF_LOOKUPS, Loc, RuleInput, RuleViolation, name_hint
from dataset_assets.catalog.selection_rules import naming, published_names, too_many_columns
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.quality import BetweenRule, QualityRule, ReferencesRule, UniqueRule, WhereRule
from dataset_assets.errors import Fault, WhereError
from dataset_assets.sql.where.checks import NUMBERS
from dataset_assets.sql.where.where import named_columns, with_place
from dataset_assets.text.wording import shown


def quality_names_differ(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a quality rule that has the name of an earlier one: both would be the same check."""
    seen: dict[str, int] = {}
    for number, rule in enumerate(inputs.dataset.quality):
        first = seen.setdefault(rule.name.lower(), number)
        if first != number:
            place = ("quality", number, "name")
            yield RuleViolation(
                place, f"is {shown(rule.name)}, as a rule before", "rename one", (("quality", first, "name"),)
            )


def quality_columns_are_published(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a column of a quality rule that the dataset does not publish, and a lookup that it lacks."""
    for number, rule in _rules(inputs):
        named = published_names(inputs)
        for loc, name in _named_columns(rule):
            if name.lower() not in named:
                hint, message = name_hint(name, named), f"is {shown(name)}, which is no published column"
                yield RuleViolation(("quality", number, *loc), message, hint, naming(inputs, name))
        if isinstance(rule, ReferencesRule) and rule.lookup.lower() not in inputs.lookup_numbers:
            hint = name_hint(rule.lookup, inputs.lookup_numbers) or "this dataset has no lookups"
            message = f"is {shown(rule.lookup)}, but there is no such lookup"
            yield RuleViolation(("quality", number, "lookup"), message, hint, (LIST_OF_LOOKUPS,))


def _rules(inputs: RuleInput) -> Iterator[tuple[int, QualityRule]]:
    """Yield each quality rule with its number; none if there are too many columns to list."""
    if inputs.dataset.quality and not too_many_columns(inputs):
        yield from enumerate(inputs.dataset.quality)


def _types(inputs: RuleInput) -> dict[str, str]:
    return {each.name: each.definition.type.value for each in inputs.scope.outputs}


def _named_columns(rule: QualityRule) -> Iterator[tuple[Loc, str]]:
    if isinstance(rule, BetweenRule):
        yield ("column",), rule.column
    elif isinstance(rule, UniqueRule):
        yield from ((("columns", index), name) for index, name in enumerate(rule.columns))


def quality_conditions_are_valid(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a `where` that does not fit the published columns, with all its faults."""
    for number, rule in _rules(inputs):
        if isinstance(rule, WhereRule) and (faults := _where_faults(rule, _types(inputs))):
            message = "; ".join(map(with_place, faults))
            depends_on = _reading(inputs, rule.where)
            yield RuleViolation(("quality", number, "where"), message, faults[0].hint, depends_on)


def _where_faults(rule: WhereRule, types: Mapping[str, str]) -> tuple[Fault, ...]:
    try:
        rule.condition(types)
    except WhereError as error:
        return error.faults
    return ()


def _reading(inputs: RuleInput, condition: str) -> tuple[Loc, ...]:
    """Return the places that decide whether a condition fits: the types and the names of its columns."""
    try:
        names = named_columns(condition)
    except WhereError:
        return ()
    return tuple(place for name in sorted(names) for place in _deciding(inputs, name))


def _deciding(inputs: RuleInput, name: str) -> tuple[Loc, ...]:
    """Return the places that decide the type of a published column, or whether there is such a column."""
    for each in inputs.scope.outputs:
        if each.name.lower() == name.lower():
            return ((*inputs.declaration(each.reference), "type"),) if each.reference else ()
    return naming(inputs, name)


def quality_bounds_are_of_the_columns_type(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a bound that is no value of its column's type, and bounds of a column that has no order."""
    for number, rule in _rules(inputs):
        if not isinstance(rule, BetweenRule):
            continue
        types = {name.lower(): kind for name, kind in _types(inputs).items()}
        place, kind = ("quality", number), types.get(rule.column.lower())
        depends_on = _deciding(inputs, rule.column)
        if kind == ColumnType.BOOLEAN:
            message = f"is {shown(rule.column)}, a boolean, which has no bounds"
            yield RuleViolation((*place, "column"), message, "use a rule of type `where`", depends_on)
            continue
        for key, bound in (("min", rule.min), ("max", rule.max)):
            if bound is not None and kind in _EXAMPLES and not _is_constant(kind, bound):
                message = f"is {shown(bound)}, but {rule.column} is of type {kind}"
                yield RuleViolation((*place, key), message, _EXAMPLES[kind], depends_on)


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EXAMPLES = {
    "integer": "write a whole number, such as 5",
    "decimal": "write a number, such as 1.50",
    "date": "write a date, such as 2026-01-31",
    "timestamp": "write a timestamp in UTC, such as 2026-01-31 12:00:00, or one with an offset",
}


def _is_constant(kind: str, value: str) -> bool:
    """Return whether a bound is a constant with which a column of the type can be compared."""
    if kind in NUMBERS and not _NUMBER.fullmatch(value):
        return False
    rule = BetweenRule(name="bound", type="between", column="value", min=value)
    try:
        rule.condition({"value": kind})
    except WhereError:
        return False
    return True


QUALITY_RULES = (
    quality_names_differ,
    quality_columns_are_published,
    quality_conditions_are_valid,
    quality_bounds_are_of_the_columns_type,
)
