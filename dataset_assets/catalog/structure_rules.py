"""Rules on tables, columns, lookups and joins: Entity's BR-001 to BR-014."""

from collections.abc import Iterator, Sequence
from functools import partial

from dataset_assets.catalog.rule_input import (
    ANY,
    MAIN,
    CheckFinding,
    Loc,
    RuleInput,
    called,
    lookup_name,
    suggestion,
)
from dataset_assets.contract.model import DatasetTarget, JoinCondition, Partitions, TableTarget
from dataset_assets.errors import PeriodError
from dataset_assets.periods.calendar import Calendars
from dataset_assets.text.wording import shown


def br_001_table_names_differ(about: RuleInput) -> Iterator[CheckFinding]:
    """Entity, TableRef: a table's name is unique within the Dataset; both engines fold case."""
    named: list[tuple[Loc, str]] = [((*MAIN, "name"), about.dataset.main_table.name)]
    for number, lookup in enumerate(about.dataset.lookups):
        if isinstance(lookup.target, TableTarget):
            named.append((("lookups", number, "target", "name"), lookup.target.name))
    for loc, name, _ in _repeated(named):
        message = f"is {shown(name)}, which another table of this dataset is called"
        yield CheckFinding(loc, message, "give each table a name of its own")


def br_002_lookup_names_differ(about: RuleInput) -> Iterator[CheckFinding]:
    """Entity, LookupDef: an alias is unique; so is the name that stands in for one."""
    named: list[tuple[Loc, str]] = [((*MAIN, "name"), about.dataset.main_table.name)]
    for number, (lookup, source) in enumerate(zip(about.dataset.lookups, about.sources, strict=True)):
        name = lookup_name(lookup, source)
        key = ("alias",) if lookup.alias else ("target", "name" if source and not source.nested else "id")
        if name:
            named.append((("lookups", number, *key), name))
    for loc, name, first in _repeated(named):
        other = "the main table" if first == (*MAIN, "name") else "another lookup"
        yield CheckFinding(
            loc, f"names the lookup {shown(name)}, as {other}", "give it another `alias`", (first,)
        )


def br_005_nested_datasets_exist(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-122: a nested Dataset is there, is sound, and does not contain this one."""
    for number, (lookup, source) in enumerate(zip(about.dataset.lookups, about.sources, strict=True)):
        if source is None and isinstance(lookup.target, DatasetTarget):
            message, hint = about.why_not(lookup.target.id)
            yield CheckFinding(("lookups", number, "target", "id"), message, hint)


def br_005_nested_periods_match(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-122: a nested Dataset is read for the same Period, so both are partitioned alike.

    An unpartitioned one is read whole; an unpartitioned parent reads the latest Period.
    """
    partitions = about.dataset.partitions
    for number, source in enumerate(about.sources):
        nested = source.nested.dataset.partitions if source and source.nested else None
        if source and source.nested and partitions and nested and nested.period != partitions.period:
            yield CheckFinding(
                ("lookups", number, "target", "id"),
                f"is the dataset `{source.nested.stem}`, which is published by `{nested.period}`, "
                f"this one by `{partitions.period}`",
                "partition both alike, or leave one unpartitioned",
                (("partitions", "period"),),
            )


def br_005_nested_periods_cover(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-122: a nested Dataset has a publication for every Period of this one."""
    own = about.dataset.partitions
    for number, source in enumerate(about.sources):
        nested = source.nested.dataset.partitions if source and source.nested else None
        if source and source.nested and own and nested and nested.period == own.period:
            lacks = _lacks(about.calendars, own, nested)
            if lacks:
                message = f"is the dataset `{source.nested.stem}`, which {lacks}"
                hint = "let it have all Periods of this one, or leave it unpartitioned"
                yield CheckFinding(("lookups", number, "target", "id"), message, hint, (("partitions",),))


def _lacks(calendars: Calendars | None, own: Partitions, nested: Partitions) -> str:
    """Which Periods of `own` are outside of those of `nested`; empty where none are, or nobody can say."""
    try:
        cadence = calendars.cadence(own.period) if calendars else None
        if cadence is None:
            return ""
        if cadence.parse(nested.start).start > cadence.parse(own.start).start:
            return f"begins with {nested.start}, after {own.start}"
        if nested.end and (own.end is None or cadence.parse(nested.end).start < cadence.parse(own.end).start):
            return f"ends with {nested.end}, before {own.end or 'this one, which has no end'}"
    except PeriodError:  # another rule tells of it
        pass
    return ""


def br_011_column_names_differ(about: RuleInput) -> Iterator[CheckFinding]:
    """Within a table; both engines fold case."""
    tables: list[tuple[Loc, Sequence[str]]] = [(MAIN, _names(about.dataset.main_table.columns))]
    for number, lookup in enumerate(about.dataset.lookups):
        if isinstance(lookup.target, TableTarget):
            tables.append((("lookups", number, "target"), _names(lookup.target.columns)))
    for table, names in tables:
        named = [((*table, "columns", number, "name"), name) for number, name in enumerate(names)]
        for loc, name, first in _repeated(named):
            yield CheckFinding(loc, f"is {shown(name)}, as in `columns[{first[-2]}]`", "remove or rename one")


def br_014_natural_key_exists(about: RuleInput) -> Iterator[CheckFinding]:
    """The natural key's columns are the main table's, each named once."""
    keys = [(("natural_key_columns", n), name) for n, name in enumerate(about.dataset.natural_key_columns)]
    for loc, name in keys:
        yield from about.unresolved(loc, name)
    for loc, name, _ in _repeated(keys):
        yield CheckFinding(loc, f"is {shown(name)} once more", "remove it")


def br_003_join_columns_exist(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-112: a join starts at the main table or at an earlier lookup."""
    for number, index, condition in _conditions(about):
        loc = ("lookups", number, "join_conditions", index)
        source, at_source = condition.source_column, (*loc, "source_column")
        later = _later_lookup(about, number, source)
        if later:
            hint = "join from the main table or a lookup before it, or reorder them"
            yield CheckFinding(at_source, f"is {shown(source)}, but `{later}` is not joined yet", hint)
        else:
            yield from about.unresolved(at_source, source)
        target = about.sources[number]
        if target and not target.column(condition.target_column):
            owner = called("the lookup", target.name)
            message = f"is {shown(condition.target_column)}, which {owner} does not have"
            hint = partial(suggestion, condition.target_column, _names(target.columns))
            names = ("lookups", number, "target", "columns", ANY, "name")
            yield CheckFinding((*loc, "target_column"), message, hint, (names,))


def br_003_join_types_match(about: RuleInput) -> Iterator[CheckFinding]:
    """Both columns of a join condition have the same type: no engine's implicit cast decides what matches."""
    for number, index, condition in _conditions(about):
        target = about.sources[number]
        left = about.scope.find(condition.source_column)
        right = target.column(condition.target_column) if target else None
        if target and left and right and left.column.type != right.type:
            column = target.numbers[right.name.lower()]
            place = ("lookups", number, "target", "columns", column, "type")
            yield CheckFinding(
                ("lookups", number, "join_conditions", index),
                f"joins {condition.source_column} ({left.column.type}) "
                f"to {condition.target_column} ({right.type})",
                "declare both with the same type",
                ((*about.place(left), "type"), place),
            )


def bitemporal_is_not_built(about: RuleInput) -> Iterator[CheckFinding]:
    """Report tables that ask for `bitemporal`, which is not built yet (BR-121)."""
    tables = [(MAIN, about.dataset.main_table)]
    for number, lookup in enumerate(about.dataset.lookups):
        if isinstance(lookup.target, TableTarget):
            tables.append((("lookups", number, "target"), lookup.target))
    for loc, table in tables:
        if table.bitemporal:
            hint = "remove `bitemporal: true`: then the table is read as one without a history"
            yield CheckFinding((*loc, "bitemporal"), "bitemporal tables are not built yet", hint)


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
    bitemporal_is_not_built,
)


def _names(columns: Sequence) -> list[str]:
    return [column.name for column in columns]


def _repeated(named: Sequence[tuple[Loc, str]]) -> Iterator[tuple[Loc, str, Loc]]:
    """Those that repeat the name of one before, and the place of that one."""
    seen: dict[str, Loc] = {}
    for loc, name in named:
        first = seen.setdefault(name.lower(), loc)
        if first != loc:
            yield loc, name, first


def _conditions(about: RuleInput) -> Iterator[tuple[int, int, JoinCondition]]:
    for number, lookup in enumerate(about.dataset.lookups):
        for index, condition in enumerate(lookup.join_conditions):
            yield number, index, condition


def _later_lookup(about: RuleInput, number: int, ref: str) -> str | None:
    """The lookup that `ref` names, if it is not joined before the lookup with this number."""
    alias = ref.rpartition(".")[0]
    return alias if about.lookup_places.get(alias.lower(), -1) >= number else None
