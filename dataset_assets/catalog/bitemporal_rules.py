"""Rules on `bitemporal: true`: the main table is published with its valid time and its history (BR-121)."""

from collections.abc import Iterator
from functools import partial

from dataset_assets.catalog.rule_input import ANY, MAIN, Loc, RuleInput, RuleViolation, name_hint, with_name
from dataset_assets.text.wording import shown

_ASKED = (*MAIN, "bitemporal")


def valid_time_belongs_to_bitemporal(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report `valid_from` and `valid_to` without `bitemporal: true`, and an end without a begin."""
    table = inputs.dataset.main_table
    for key, name in {"valid_from": table.valid_from, "valid_to": table.valid_to}.items():
        if name and not table.bitemporal:
            message = "names when a row of a bitemporal table is true, and this table is none"
            hint = "add `bitemporal: true`, or remove it"
            yield RuleViolation((*MAIN, key), message, hint, (_ASKED,))
    if table.valid_to and not table.valid_from:
        message = "names the end of the valid time without its begin"
        yield RuleViolation(
            (*MAIN, "valid_to"), message, "name the begin: `valid_from`", ((*MAIN, "valid_from"),)
        )


def valid_time_columns_exist(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report columns of the valid time that do not exist, are no times, or are one column."""
    table = inputs.dataset.main_table
    named = {"valid_from": table.valid_from, "valid_to": table.valid_to}
    for key, name in named.items():
        if name:
            yield from _not_a_time(inputs, (*MAIN, key), name)
    if table.valid_from and table.valid_to and table.valid_from.lower() == table.valid_to.lower():
        message = f"is {shown(table.valid_to)}, as `valid_from`: no valid time would have a length"
        hint = "name the column with the end, or remove it"
        yield RuleViolation((*MAIN, "valid_to"), message, hint, ((*MAIN, "valid_from"),))


def _not_a_time(inputs: RuleInput, loc: Loc, name: str) -> Iterator[RuleViolation]:
    source = inputs.scope.main
    found = source.column(name)
    if found is None:
        message = f"is {shown(name)}, which {with_name('the main table', source.name)} does not have"
        hint = partial(name_hint, name, [each.name for each in source.columns])
        yield RuleViolation(loc, message, hint, ((*MAIN, "columns", ANY, "name"),))
    elif not found.type.is_time:
        place = (*MAIN, "columns", source.numbers[name.lower()], "type")
        message = f"is {shown(name)}, a column of type {found.type}"
        yield RuleViolation(loc, message, "name a date or a timestamp", (place,))
    elif found.sensitive:
        message = f"is {shown(name)}, a sensitive column, and the valid time of each row is shown"
        yield RuleViolation(loc, message, "keep what is sensitive out of the valid time")


def bitemporal_has_key_and_periods(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a bitemporal dataset without a natural key or without Periods, or with its valid time as key."""
    dataset = inputs.dataset
    if not dataset.main_table.bitemporal:
        return
    if not dataset.natural_key_columns:
        message = "needs `natural_key_columns`: they say which rows are of one thing at different times"
        hint = "add `natural_key_columns`, without the columns of the valid time"
        yield RuleViolation(_ASKED, message, hint, (("natural_key_columns",),))
    if not dataset.partitions:
        message = "needs `partitions`: each Period is one load of the table"
        yield RuleViolation(_ASKED, message, "add `partitions: {period: …, start: …}`", (("partitions",),))
    times = {name.lower() for name in dataset.main_table.validity_columns}
    for number, name in enumerate(dataset.natural_key_columns):
        if name.lower() in times:
            message = f"is {shown(name)}, a column of the valid time: each row would be a thing of its own"
            hint = "remove it: rows of one key at different times differ in `_valid_from`"
            yield RuleViolation(("natural_key_columns", number), message, hint, (MAIN,))


def bitemporal_snapshots_are_whole(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a window and a split by time: rows would leave it, and so end, although no source changed."""
    dataset = inputs.dataset
    if not dataset.main_table.bitemporal:
        return
    if dataset.filters.date_range:
        message = "selects a part of a snapshot by time, and what a load of a bitemporal table lacks ends"
        yield RuleViolation(("filters", "date_range"), message, "remove it", (_ASKED,))
    if dataset.split_config and dataset.split_config.by_day:
        message = "moves rows with each Period, so that each load of a bitemporal table would end them"
        hint = "use `strategy: random`, or split a dataset that reads this one"
        yield RuleViolation(("split_config", "strategy"), message, hint, (_ASKED,))


BITEMPORAL_RULES = (
    valid_time_belongs_to_bitemporal,
    valid_time_columns_exist,
    bitemporal_has_key_and_periods,
    bitemporal_snapshots_are_whole,
)
