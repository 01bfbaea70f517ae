"""Rules on the tables, columns, lookups and joins of a dataset (BR-001 to BR-014)."""

from collections.abc import Iterator, Sequence
from functools import partial

from dataset_assets.catalog.rule_input import (
    ANY,
    MAIN,
    Loc,
    RuleInput,
    RuleViolation,
    later_lookup,
    lookup_name,
    name_hint,
    with_name,
)
from dataset_assets.contract.model import DatasetTarget, JoinCondition, Partitions
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.text.wording import shown


def br_001_table_names_differ(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report tables of the dataset that have the same name, whatever its case (BR-001)."""
    named = [((*loc, "name"), table.name) for loc, table in inputs.tables()]
    for loc, name, _ in _repeated(named):
        message = f"is {shown(name)}, which another table of this dataset is called"
        yield RuleViolation(loc, message, "give each table a name of its own")


def br_002_lookup_names_differ(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report lookups that the file would refer to by the same alias or name (BR-002)."""
    named: list[tuple[Loc, str]] = [((*MAIN, "name"), inputs.dataset.main_table.name)]
    for number, lookup, source in inputs.numbered_lookups():
        name = lookup_name(lookup, source)
        key = ("alias",) if lookup.alias else ("target", "name" if source and not source.nested else "id")
        if name:
            named.append((("lookups", number, *key), name))
    for loc, name, first in _repeated(named):
        other = "the main table" if first == (*MAIN, "name") else "another lookup"
        yield RuleViolation(
            loc, f"names the lookup {shown(name)}, as {other}", "give it another `alias`", (first,)
        )


def br_005_nested_datasets_exist(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report nested Datasets that do not exist, have faults or contain this one (BR-005, BR-122)."""
    for number, lookup, source in inputs.numbered_lookups():
        if source is None and isinstance(lookup.target, DatasetTarget):
            message, hint = inputs.unusable_reason(lookup.target.id)
            yield RuleViolation(("lookups", number, "target", "id"), message, hint)


def br_005_nested_periods_match(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report nested Datasets with Periods of another cadence: both are read for the same Period (BR-122).

    An unpartitioned nested Dataset is read whole; an unpartitioned parent reads the latest Period.
    """
    for number, stem, own, nested in _partitioned(inputs):
        if nested.period != own.period:
            yield RuleViolation(
                ("lookups", number, "target", "id"),
                f"is the dataset `{stem}`, which is published by `{nested.period}`, "
                f"this one by `{own.period}`",
                "partition both alike, or leave one unpartitioned",
                (("partitions", "period"),),
            )


def br_005_nested_periods_cover(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report nested Datasets that have no publication for some Period of this one (BR-122)."""
    for number, stem, own, nested in _partitioned(inputs):
        missing = _missing_periods(inputs.calendars, own, nested) if nested.period == own.period else ""
        if missing:
            hint = "let it have all Periods of this one, or leave it unpartitioned"
            message = f"is the dataset `{stem}`, which {missing}"
            yield RuleViolation(("lookups", number, "target", "id"), message, hint, (("partitions",),))


def _partitioned(inputs: RuleInput) -> Iterator[tuple[int, str, Partitions, Partitions]]:
    """Yield (number, stem, own Periods, nested Periods) of each nested Dataset, if both have Periods."""
    own = inputs.dataset.partitions
    for number, _, source in inputs.numbered_lookups():
        if source and source.is_bitemporal:
            continue  # one table holds all Periods, and every Period of the reader finds what it knows
        if own and source and source.nested and source.nested.dataset.partitions:
            yield number, source.nested.stem, own, source.nested.dataset.partitions


def _missing_periods(calendars: Calendars | None, own: Partitions, nested: Partitions) -> str:
    """Return as a clause which Periods of `own` are not in `nested`; empty if none or if it is unknown."""
    try:
        cadence = calendars.cadence(own.period) if calendars else None
        if cadence is None:
            return ""
        if cadence.parse(nested.start).start > cadence.parse(own.start).start:
            return f"begins with {nested.start}, after {own.start}"
        if nested.end and (own.end is None or cadence.parse(nested.end).start < cadence.parse(own.end).start):
            return f"ends with {nested.end}, before {own.end or 'this one, which has no end'}"
    except PeriodError:  # periods_are_known reports it
        pass
    return ""


def br_011_column_names_differ(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report columns of a table that have the same name, whatever its case (BR-011)."""
    for place, table in inputs.tables():
        named = [
            ((*place, "columns", number, "name"), each.name) for number, each in enumerate(table.columns)
        ]
        for loc, name, first in _repeated(named):
            message = f"is {shown(name)}, as in `columns[{first[-2]}]`"
            yield RuleViolation(loc, message, "remove or rename one")


def br_014_natural_key_exists(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report natural key columns that are not in the main table or are named twice (BR-014)."""
    keys = [(("natural_key_columns", n), name) for n, name in enumerate(inputs.dataset.natural_key_columns)]
    for loc, name in keys:
        yield from inputs.unresolved(loc, name)
    for loc, name, _ in _repeated(keys):
        yield RuleViolation(loc, f"is {shown(name)} once more", "remove it")


def br_003_join_columns_exist(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report join columns that do not exist or belong to a later lookup (BR-003, BR-112)."""
    for number, index, condition in _conditions(inputs):
        loc = ("lookups", number, "join_conditions", index)
        source, at_source = condition.source_column, (*loc, "source_column")
        later = later_lookup(inputs, number, source)
        if later:
            hint = "join from the main table or a lookup before it, or reorder them"
            yield RuleViolation(at_source, f"is {shown(source)}, but `{later}` is not joined yet", hint)
        else:
            yield from inputs.unresolved(at_source, source)
        target = inputs.lookup_sources[number]
        if target and not target.column(condition.target_column):
            owner = with_name("the lookup", target.name)
            message = f"is {shown(condition.target_column)}, which {owner} does not have"
            hint = partial(name_hint, condition.target_column, [each.name for each in target.columns])
            names = ("lookups", number, "target", "columns", ANY, "name")
            yield RuleViolation((*loc, "target_column"), message, hint, (names,))


def br_003_join_types_match(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report joins of columns of different types: an engine's implicit cast would decide what matches."""
    for number, index, condition in _conditions(inputs):
        target = inputs.lookup_sources[number]
        left = inputs.scope.find(condition.source_column)
        right = target.column(condition.target_column) if target else None
        if target and left and right and left.column.type != right.type:
            column = target.numbers[right.name.lower()]
            place = ("lookups", number, "target", "columns", column, "type")
            yield RuleViolation(
                ("lookups", number, "join_conditions", index),
                f"joins {condition.source_column} ({left.column.type}) "
                f"to {condition.target_column} ({right.type})",
                "declare both with the same type",
                ((*inputs.declaration(left), "type"), place),
            )


STRUCTURE_RULES = (
    br_001_table_names_differ,
    br_002_lookup_names_differ,
    br_003_join_columns_exist,
    br_003_join_types_match,
    br_005_nested_datasets_exist,
    br_005_nested_periods_match,
    br_005_nested_periods_cover,
    br_011_column_names_differ,
    br_014_natural_key_exists,
)


def _repeated(named: Sequence[tuple[Loc, str]]) -> Iterator[tuple[Loc, str, Loc]]:
    """Yield (place, name, first place) of each name that occurred before, whatever its case."""
    seen: dict[str, Loc] = {}
    for loc, name in named:
        first = seen.setdefault(name.lower(), loc)
        if first != loc:
            yield loc, name, first


def _conditions(inputs: RuleInput) -> Iterator[tuple[int, int, JoinCondition]]:
    for number, lookup in enumerate(inputs.dataset.lookups):
        for index, condition in enumerate(lookup.join_conditions):
            yield number, index, condition
