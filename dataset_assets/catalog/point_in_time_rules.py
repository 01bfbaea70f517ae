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
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.point_in_time import PointInTime
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.text.wording import shown

_TIMES = (ColumnType.DATE, ColumnType.TIMESTAMP)


def as_of_has_one_form(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report an `as_of` that is neither `column` alone nor `from` with `to`, or has settings of the other."""
    hint = "write `column` for a list of changes, or `from` and `to` for a list of intervals"
    for _, loc, as_of, _ in _points_in_time(inputs):
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
    for number, loc, as_of, _ in _points_in_time(inputs):
        ref = inputs.dataset.row_time(inputs.dataset.lookups[number])
        mapped = ("column_mapping", "timestamp")
        if ref is None:
            hint = "map a `timestamp`, or name the column with the time of a row: `at: <column>`"
            needs = (("column_mapping",), (*loc, "at"))
            yield RuleViolation(loc, "is without the time of a row", hint, needs)
            continue
        place = (*loc, "at") if as_of.at else loc
        later = later_lookup(inputs, number, ref)
        if later:
            message = f"takes the time of a row from {shown(ref)}, but `{later}` is not joined yet"
            hint = "name a column of the main table or of a lookup before it with `at`, or reorder them"
            yield RuleViolation(place, message, hint, (mapped,))
        elif as_of.at:
            yield from inputs.unresolved(place, ref)
        reference = inputs.scope.find(ref)
        if reference and as_of.at:
            yield from _not_a_time(inputs, place, reference)


POINT_IN_TIME_RULES = (as_of_has_one_form, as_of_columns_exist, as_of_has_a_row_time)


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
    if found.type not in _TIMES:
        message = f"is {shown(found.name)}, declared {found.type}"
        hint = "name a column that is declared date or timestamp"
        yield RuleViolation(loc, message, hint, ((*inputs.declaration(reference), "type"),))
