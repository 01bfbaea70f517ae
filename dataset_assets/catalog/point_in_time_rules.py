"""Rules on `as_of`, by which a lookup is joined as of the time of each row (BR-132)."""

from collections.abc import Iterator
from functools import partial

from dataset_assets.catalog.rule_input import (
    ANY,
    Loc,
    RuleInput,
    RuleViolation,
    later_lookup,
    name_hint,
    with_name,
)
from dataset_assets.contract.model import LookupDef, TableTarget
from dataset_assets.contract.point_in_time import Knowledge, PointInTime
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.errors import PeriodError
from dataset_assets.text.wording import shown


def as_of_has_one_form(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report an `as_of` that is neither `column` alone nor `from` with `to`, or has settings of the other."""
    hint = "write `column` for a list of changes, or `from` and `to` for a list of intervals"
    for number, loc, as_of, source in _points_in_time(inputs):
        if as_of.knowledge or _is_bitemporal(inputs, number, source):
            continue  # bitemporal_lookups_are_read_by_knowledge reports them
        bounds = {"from": as_of.from_, "to": as_of.to}
        named = [name for name, column in bounds.items() if column]
        if as_of.column and named:
            yield RuleViolation((*loc, named[0]), "is beside `column`, which is another form", hint)
        elif not as_of.column and not named:
            yield RuleViolation(loc, "names no time of the lookup", hint, ((*loc, "column"),))
        elif not as_of.column and len(named) == 1:
            (missing,) = bounds.keys() - named
            yield RuleViolation((*loc, named[0]), f"is without `{missing}`", hint, ((*loc, missing),))
        if not as_of.column and named:
            for key in ("max_age", "latest_by"):
                if getattr(as_of, key):
                    words = "belongs to `column`; intervals say themselves what counts"
                    yield RuleViolation((*loc, key), words, "remove it", ((*loc, "column"),))


def as_of_columns_exist(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report columns of `as_of` that the lookup does not have, and times that are no date or timestamp."""
    for number, loc, as_of, source in _points_in_time(inputs):
        if source is None:
            continue
        named: dict[Loc, str | None] = {("column",): as_of.column, ("from",): as_of.from_, ("to",): as_of.to}
        for key, name in named.items():
            found = source.column(name) if name else None
            if name and found is None:
                yield _missing(number, (*loc, *key), name, source)
            elif found:
                yield from _not_a_time(inputs, (*loc, *key), Reference(source, found))
        for index, name in enumerate(as_of.latest_by):
            if source.column(name) is None:
                yield _missing(number, (*loc, "latest_by", index), name, source)
        if as_of.from_ and as_of.to and as_of.from_.lower() == as_of.to.lower():
            message = f"is {shown(as_of.to)}, as `from`: no interval would contain an instant"
            yield RuleViolation((*loc, "to"), message, "name the column with the end", ((*loc, "from"),))


def as_of_has_a_row_time(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report an `as_of` for which no date or timestamp, known before the lookup, is the time of a row."""
    for number, lookup, source in inputs.numbered_lookups():
        as_of, loc = lookup.as_of, ("lookups", number, "as_of")
        if as_of is None and not _is_bitemporal(inputs, number, source):
            continue
        ref = inputs.dataset.row_time(lookup)
        mapped = ("column_mapping", "timestamp")
        if ref is None:
            hint = "map a `timestamp`, or name the column with the time of a row: "
            needs = (("column_mapping",), (*loc, "at"))
            if as_of:
                yield RuleViolation(loc, "is without the time of a row", f"{hint}`at: <column>`", needs)
            else:
                message = "is bitemporal, and nothing says as of when a row reads it"
                hint += "`as_of: {knowledge: as_known, at: <column>}`"
                yield RuleViolation(_target(lookup, number), message, hint, needs)
            continue
        place = loc if as_of else ("lookups", number, "target")
        place = (*loc, "at") if as_of and as_of.at else place
        later = later_lookup(inputs, number, ref)
        if later:
            message = f"takes the time of a row from {shown(ref)}, but `{later}` is not joined yet"
            hint = "name a column of the main table or of a lookup before it with `at`, or reorder them"
            yield RuleViolation(place, message, hint, (mapped,))
        elif as_of and as_of.at:
            yield from inputs.unresolved(place, ref)
        reference = inputs.scope.find(ref)
        if reference and as_of and as_of.at:
            yield from _not_a_time(inputs, place, reference)


def bitemporal_lookups_are_read_by_knowledge(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report settings of lists for a bitemporal lookup, and settings of a bitemporal lookup for others."""
    for number, loc, as_of, source in _points_in_time(inputs):
        own = [key for key in ("column", "from_", "to", "max_age", "latest_by") if getattr(as_of, key)]
        if _is_bitemporal(inputs, number, source):
            for key in own:
                message = "is of a list, and the lookup is bitemporal: its own columns say when a row counts"
                hint = "remove it, and write `knowledge: as_known` or `knowledge: latest_knowledge`"
                yield RuleViolation((*loc, key.rstrip("_")), message, hint)
            if not own and not as_of.knowledge:
                hint = "write `knowledge: as_known` or `knowledge: latest_knowledge`"
                yield RuleViolation(loc, "does not say which load a row reads", hint, ((*loc, "knowledge"),))
        elif source:
            for key in ("knowledge", "period"):
                if getattr(as_of, key):
                    message = "is of a bitemporal lookup, and this one is none"
                    hint = "remove it, or let the table say `bitemporal: true`"
                    yield RuleViolation(
                        (*loc, key), message, hint, (_target(inputs.dataset.lookups[number], number),)
                    )


def bitemporal_lookups_have_a_grain(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a bitemporal lookup that is read as known in Periods of which nothing says the grain."""
    for number, lookup, source in inputs.numbered_lookups():
        if not source or not source.is_bitemporal:
            continue
        loc: Loc = ("lookups", number, "as_of")
        written = lookup.as_of.period if lookup.as_of else None
        if source.nested and written:
            message = "is said by the dataset itself, whose loads are its `partitions`"
            yield RuleViolation((*loc, "period"), message, "remove it")
        elif written:
            yield from _unknown_grain(inputs, (*loc, "period"), written)
        elif not source.grain and (source.as_of and source.as_of.knowledge is not Knowledge.LATEST):
            place = loc if lookup.as_of else _target(lookup, number)
            message = "says nothing of the Periods by which the table was loaded"
            hint = "name their grain: `as_of: {knowledge: as_known, period: month}`"
            yield RuleViolation(place, message, hint, ((*loc, "period"), (*loc, "knowledge")))


def _unknown_grain(inputs: RuleInput, loc: Loc, name: str) -> Iterator[RuleViolation]:
    try:
        if inputs.calendars:
            inputs.calendars.cadence(name)
    except PeriodError as error:
        (fault,) = error.faults
        yield RuleViolation(loc, fault.message, fault.hint)


POINT_IN_TIME_RULES = (
    as_of_has_one_form,
    as_of_columns_exist,
    as_of_has_a_row_time,
    bitemporal_lookups_are_read_by_knowledge,
    bitemporal_lookups_have_a_grain,
)


def _is_bitemporal(inputs: RuleInput, number: int, source: Source | None) -> bool:
    """Return whether a lookup is bitemporal; of a nested Dataset that cannot be used it is not known."""
    target = inputs.dataset.lookups[number].target
    return source.is_bitemporal if source else isinstance(target, TableTarget) and target.bitemporal


def _target(lookup: LookupDef, number: int) -> Loc:
    """Return the place that says that a lookup is bitemporal."""
    key = "bitemporal" if isinstance(lookup.target, TableTarget) else "id"
    return "lookups", number, "target", key


def _points_in_time(inputs: RuleInput) -> Iterator[tuple[int, Loc, PointInTime, Source | None]]:
    """Yield (number, place, setting, source) of each lookup with `as_of`."""
    for number, lookup, source in inputs.numbered_lookups():
        if lookup.as_of:
            yield number, ("lookups", number, "as_of"), lookup.as_of, source


def _missing(number: int, loc: Loc, name: str, source: Source) -> RuleViolation:
    message = f"is {shown(name)}, which {with_name('the lookup', source.name)} does not have"
    hint = partial(name_hint, name, [each.name for each in source.columns])
    return RuleViolation(loc, message, hint, (("lookups", number, "target", "columns", ANY, "name"),))


def _not_a_time(inputs: RuleInput, loc: Loc, reference: Reference) -> Iterator[RuleViolation]:
    found = reference.column
    if not found.type.is_time:
        message = f"is {shown(found.name)}, declared {found.type}"
        hint = "name a column that is declared date or timestamp"
        yield RuleViolation(loc, message, hint, ((*inputs.declaration(reference), "type"),))
