"""Rules on the split of a dataset: its unit, the rows that filters are fitted on, the days that train."""

from collections.abc import Iterator
from datetime import date
from functools import cache, partial

from dataset_assets.catalog.rule_input import RuleInput, RuleViolation, name_hint
from dataset_assets.catalog.selection_rules import naming, published_names, too_many_columns
from dataset_assets.contract.model import published_name
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Grain
from dataset_assets.selection.splits import FOLD_COLUMN, SPLIT_COLUMN
from dataset_assets.text.wording import shown

_UNIT = ("split_config", "unit")


def split_unit_is_published(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a column of the split's unit that the dataset does not publish, or that is named twice (BR-135).

    Readers can then see the units, and each run counts them.
    """
    config = inputs.dataset.split_config
    listed = config.unit_columns if config and not config.needs else ()
    if not listed or too_many_columns(inputs):
        return
    known = [name for name in published_names(inputs) if name not in (SPLIT_COLUMN, FOLD_COLUMN)]
    seen: set[str] = set()
    for number, name in enumerate(listed):
        place = (*_UNIT, number)
        if name.lower() in seen:
            yield RuleViolation(place, f"is {shown(name)} once more", "remove it")
        elif name.lower() not in known:
            message = f"is {shown(name)}, which is no published column"
            yield RuleViolation(
                place, message, partial(_unit_hint, inputs, name, known), naming(inputs, name)
            )
        seen.add(name.lower())


def _unit_hint(inputs: RuleInput, name: str, known: list[str]) -> str:
    """Return how a column is published that was named as a source has it, or how to publish it."""
    found = inputs.scope.find(name)
    if found is None:
        return name_hint(name, known)
    for output in inputs.scope.outputs:
        if output.reference == found:
            return f"it is published as `{output.name}`: write that"
    return f"add it to `extra_columns`, and write `{published_name(name)}`"


def fit_on_train_keeps_products(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a product filter that is fitted on train rows, of which no product of eval has one (BR-105)."""
    dataset = inputs.dataset
    fitted = dataset.filters.product_filter.kept_in
    if dataset.filters.fit_on == "train" and fitted and dataset.is_split_by("product_id"):
        message = "is 'train', but the split keeps each product in one part: no product of eval would be kept"
        hint = "write `fit_on: all`, or split by another unit"
        depends_on = (("split_config",), ("filters", "product_filter"), ("column_mapping", "product_id"))
        yield RuleViolation(("filters", "fit_on"), message, hint, depends_on)


def fit_on_train_has_a_split(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report `fit_on: train` without a split, because only a split makes rows train rows (BR-105)."""
    filters = inputs.dataset.filters
    fitted = not all(each.keeps_all for _, each in filters.by_setting())
    if filters.fit_on == "train" and fitted and not inputs.dataset.split_config:
        message = "is 'train', but there is no `split_config`"
        hint = "add a `split_config`, or write `fit_on: all`"
        yield RuleViolation(("filters", "fit_on"), message, hint, (("split_config",),))


def split_leaves_days_to_train_on(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a split whose days of eval, gap and test fill the shortest window that the dataset can have."""
    split, window = inputs.dataset.split_config, inputs.dataset.filters.date_range
    reserved = split.days_not_trained if split else {}
    if not reserved or window is None:
        return
    days = window.shortest(_period_ends(inputs))
    if sum(reserved.values()) < days:
        return
    named = " and ".join(f"{name} {number}" for name, number in reserved.items())
    which = "a window, which can have only" if window.moves else "the window, which has"
    message = f"{named} leave nothing to train on of {which} {days} day{'s' * (days != 1)}"
    hint = f"use less than {days} in all, or a longer `date_range`"
    yield RuleViolation(("split_config",), message, hint, (("filters", "date_range"),))


def _period_ends(inputs: RuleInput) -> tuple[date, ...]:
    """Return the days on which windows end, over eight years; none if a window can end on any day."""
    partitions = inputs.dataset.partitions
    try:
        cadence = inputs.calendars.cadence(partitions.period) if inputs.calendars and partitions else None
        if cadence is None or cadence.grain in (Grain.DAY, Grain.WEEK):
            return ()
        return _starts(cadence)
    except PeriodError:  # periods_are_known reports it
        return ()


@cache
def _starts(cadence: Cadence) -> tuple[date, ...]:
    return tuple(period.start_date for period in cadence.covering(date(2021, 1, 1), date(2029, 1, 1)))


SPLIT_RULES = (
    fit_on_train_has_a_split,
    fit_on_train_keeps_products,
    split_unit_is_published,
    split_leaves_days_to_train_on,
)
