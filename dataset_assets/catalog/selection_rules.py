"""Rules on the selection (column mapping, filters, split) and on the published columns: Domain's part."""

from collections.abc import Iterator
from datetime import date

from dataset_assets.catalog.rule_input import MAIN, CheckFinding, Loc, RuleInput
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.errors import PeriodError
from dataset_assets.periods.period import Grain
from dataset_assets.selection.date_range import FixedRange
from dataset_assets.selection.filters import Categories, NoFilter
from dataset_assets.selection.splits import RandomSplit, TimeBasedSplit
from dataset_assets.text.wording import shown

_CONCEPT_TYPES = {
    "timestamp": (ColumnType.DATE, ColumnType.TIMESTAMP),
    "revenue": (ColumnType.DECIMAL, ColumnType.INTEGER),
}
_SPLIT_NAME = "split"

MOST_COLUMNS = 10_000
LONGEST_NAME = 300
"""Of a column, in characters."""


def mapping_refers_to_columns(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-110."""
    mapping = about.dataset.column_mapping
    for concept, ref in mapping.concepts() if mapping else ():
        yield from about.unresolved(("column_mapping", concept), ref)


def mapping_types_fit(about: RuleInput) -> Iterator[CheckFinding]:
    """A timestamp is compared with dates, a revenue is summed."""
    mapping = about.dataset.column_mapping
    for concept, ref in mapping.concepts() if mapping else ():
        wanted = _CONCEPT_TYPES.get(concept)
        found = about.scope.find(ref)
        if wanted and found and found.column.type not in wanted:
            message = f"is {shown(ref)} of type {found.column.type}"
            hint = f"map a column of type {' or '.join(wanted)}"
            rests_on = ((*about.place(found), "type"),)
            yield CheckFinding(("column_mapping", concept), message, hint, rests_on)


def categories_are_strings(about: RuleInput) -> Iterator[CheckFinding]:
    """The filter compares the category with texts."""
    mapping, products = about.dataset.column_mapping, about.dataset.filters.product_filter
    ref = mapping.category if mapping else None
    found = about.scope.find(ref) if ref else None
    if isinstance(products, Categories) and found and found.column.type != ColumnType.STRING:
        message = f"compares texts with `category`, {shown(ref)} of type {found.column.type}"
        rests_on = (("column_mapping", "category"), (*about.place(found), "type"))
        yield CheckFinding(
            ("filters", "product_filter"), message, "map `category` to a column of type string", rests_on
        )


def selection_has_a_mapping(about: RuleInput) -> Iterator[CheckFinding]:
    """Filters and splits speak of concepts. Without a mapping everything is published already."""
    if about.dataset.column_mapping:
        return
    needing = list(_needs(about))
    if needing:
        names = " and ".join(f"`{'.'.join(map(str, loc))}`" for loc, _ in needing)
        verb = "needs" if len(needing) == 1 else "need"
        hint = "map at least `user_id`, `product_id` and `timestamp`"
        rests_on = (("column_mapping",),)
        yield CheckFinding(needing[0][0], f"{names} {verb} a `column_mapping`", hint, rests_on)
    if about.dataset.extra_columns:
        hint = "remove it: all columns are published, or add a `column_mapping`"
        message = "has no meaning without a `column_mapping`"
        yield CheckFinding(("extra_columns",), message, hint, (("column_mapping",),))


def needed_concepts_are_mapped(about: RuleInput) -> Iterator[CheckFinding]:
    """Each filter and split says which concepts it needs."""
    mapping = about.dataset.column_mapping
    mapped = {concept for concept, _ in mapping.concepts()} if mapping else None
    for loc, needs in _needs(about) if mapped else ():
        for concept in sorted(needs - (mapped or set())):
            rests_on = (("column_mapping", concept),)
            message = f"needs `{concept}`, which is not mapped"
            yield CheckFinding(loc, message, f"add `{concept}` to `column_mapping`", rests_on)


def fit_on_train_has_a_split(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-105: train rows are told from the others by the split."""
    filters = about.dataset.filters
    fitted = not (
        isinstance(filters.product_filter, NoFilter) and isinstance(filters.customer_filter, NoFilter)
    )
    if filters.fit_on == "train" and fitted and not about.dataset.split_config:
        message = "is 'train', but there is no `split_config`"
        hint = "add a `split_config`, or write `fit_on: all`"
        yield CheckFinding(("filters", "fit_on"), message, hint, (("split_config",),))


def extra_columns_exist(about: RuleInput) -> Iterator[CheckFinding]:
    """Each names a column, once."""
    seen: set[str] = set()
    for number, ref in enumerate(about.dataset.extra_columns):
        loc = ("extra_columns", number)
        yield from about.unresolved(loc, ref)
        if ref.lower() in seen:
            yield CheckFinding(loc, f"is {shown(ref)} once more", "remove it")
        seen.add(ref.lower())


def output_columns_are_not_too_many(about: RuleInput) -> Iterator[CheckFinding]:
    """BigQuery holds at most MOST_COLUMNS columns in a table, ours among them.

    Without a mapping all columns of all lookups are published: through nested Datasets they double and
    double again.
    """
    if _too_many(about):
        many = "extra_columns" if about.dataset.column_mapping else "lookups"
        loc = (many,) if getattr(about.dataset, many) else MAIN
        message = f"{about.scope.output_count:,} columns would be published, the most are {MOST_COLUMNS:,}"
        yield CheckFinding(loc, message, "add a `column_mapping`, and name in `extra_columns` what is needed")


def output_names_are_not_too_long(about: RuleInput) -> Iterator[CheckFinding]:
    """A column's name has at most LONGEST_NAME characters in BigQuery; names of nested Datasets add up."""
    for loc, name, _ in _published(about):
        if len(name) > LONGEST_NAME:
            message = f"would be published as {shown(name)}, a name of {len(name)} characters"
            yield CheckFinding(loc, message, f"the longest has {LONGEST_NAME}: use shorter aliases")


def output_names_differ(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-113: two published columns of one name are one column, or a fault."""
    seen: dict[str, tuple[Loc, str, object]] = {}
    for loc, name, ref in _published(about):
        found = about.scope.find(ref)
        if found is None:
            continue
        same = (found.source.name, found.column.name)
        first_loc, first_ref, first = seen.setdefault(name.lower(), (loc, ref, same))
        if first != same:
            message = f"would be published as `{name}`, which {shown(first_ref)} is already"
            yield CheckFinding(loc, message, "rename one, or leave it out", (first_loc,))
        if about.dataset.split_config and name.lower() == _SPLIT_NAME:
            message = "would be published as `split`, the column that `split_config` makes"
            yield CheckFinding(loc, message, "rename it, or leave it out", (("split_config",),))


def split_leaves_days_to_train_on(about: RuleInput) -> Iterator[CheckFinding]:
    """Days of eval, gap and test count back from the window's end; of the shortest a day is left."""
    split, window = about.dataset.split_config, about.dataset.filters.date_range
    if not isinstance(split, TimeBasedSplit) or window is None:
        return
    days = window.shortest(_period_ends(about))
    if split.days < days:
        return
    parts = {"eval_days": split.eval_days, "gap_days": split.gap_days, "test_days": split.test_days}
    named = " and ".join(f"{name} {number}" for name, number in parts.items() if number)
    which = "the window, which has" if isinstance(window, FixedRange) else "a window, which can have only"
    message = f"{named} leave nothing to train on of {which} {days} day{'s' * (days != 1)}"
    hint = f"use less than {days} in all, or a longer `date_range`"
    yield CheckFinding(("split_config",), message, hint, (("filters", "date_range"),))


def _period_ends(about: RuleInput) -> tuple[date, ...]:
    """The days that windows end on, in some years of every kind; none where they can be any."""
    partitions = about.dataset.partitions
    try:
        cadence = about.calendars.cadence(partitions.period) if about.calendars and partitions else None
        if cadence is None or cadence.grain in (Grain.DAY, Grain.WEEK):
            return ()
        return tuple(period.start_date for period in cadence.covering(date(2021, 1, 1), date(2029, 1, 1)))
    except PeriodError:  # another rule tells of it
        return ()


def partitions_move_the_window(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-106, BR-107: a fixed range does not look back from the Period's end."""
    if about.dataset.partitions and isinstance(about.dataset.filters.date_range, FixedRange):
        yield CheckFinding(
            ("filters", "date_range"),
            "is fixed, so every Period of `partitions` would have the same rows",
            "make it rolling, or remove `partitions`",
            (("partitions",),),
        )


SELECTION_RULES = (
    mapping_refers_to_columns,
    mapping_types_fit,
    categories_are_strings,
    selection_has_a_mapping,
    needed_concepts_are_mapped,
    fit_on_train_has_a_split,
    extra_columns_exist,
    output_columns_are_not_too_many,
    output_names_are_not_too_long,
    output_names_differ,
    partitions_move_the_window,
    split_leaves_days_to_train_on,
)


def _needs(about: RuleInput) -> Iterator[tuple[Loc, frozenset[str]]]:
    """The parts of the selection that need concepts, and which."""
    filters, split = about.dataset.filters, about.dataset.split_config
    if filters.date_range:
        yield ("filters", "date_range"), frozenset(("timestamp",))
    for name in ("product_filter", "customer_filter"):
        needs = frozenset(getattr(filters, name).needs)
        if needs:
            yield ("filters", name), needs
    if split:
        by_user = isinstance(split, RandomSplit) and split.unit == "user"
        needs = frozenset((*split.needs, *(("user_id",) if by_user else ())))
        if needs:
            yield ("split_config",), needs


def _too_many(about: RuleInput) -> bool:
    return about.scope.output_count > MOST_COLUMNS - len(SYSTEM_COLUMNS)


def _published(about: RuleInput) -> Iterator[tuple[Loc, str, str]]:
    """(place, published name, reference) of all that the file publishes, as `Scope.outputs` orders it.

    Nothing where they are too many, which is another rule's to tell.
    """
    dataset = about.dataset
    if _too_many(about):
        return
    if dataset.column_mapping:
        for concept, ref in dataset.column_mapping.concepts():
            yield ("column_mapping", concept), concept, ref
        for number, name in enumerate(dataset.natural_key_columns):
            yield ("natural_key_columns", number), name, name
        for number, ref in enumerate(dataset.extra_columns):
            yield ("extra_columns", number), ref.replace(".", "__"), ref
        return
    for number, column in enumerate(dataset.main_table.columns):
        yield (*MAIN, "columns", number, "name"), column.name, column.name
    for number, source in enumerate(about.sources):
        if source:
            for index, column in enumerate(source.columns):
                loc = ("lookups", number, "target", "columns", index, "name")
                yield loc, f"{source.name}__{column.name}", f"{source.name}.{column.name}"
