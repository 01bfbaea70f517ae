"""Rules on what a dataset selects and publishes: column mapping, window, filters, published columns.

What a filter or a split needs is declared on its class; the rules iterate over the declarations.
"""

from collections.abc import Iterator, Mapping

from dataset_assets.catalog.rule_input import ANY, MAIN, Loc, RuleInput, RuleViolation
from dataset_assets.contract.model import published_name
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.selection.splits import FOLD_COLUMN, SPLIT_COLUMN
from dataset_assets.text.wording import shown

MOST_COLUMNS = 10_000
"""The number of columns that a table of BigQuery can have."""
LONGEST_NAME = 300
"""The number of characters that the name of a column in BigQuery can have."""


def mapping_refers_to_columns(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report concepts that are mapped to a column that does not exist (BR-110)."""
    mapping = inputs.dataset.column_mapping
    for concept, ref in mapping.concepts() if mapping else ():
        yield from inputs.unresolved(("column_mapping", concept), ref)


def mapping_types_fit(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report concepts whose column has a type that the concept cannot have."""
    mapping = inputs.dataset.column_mapping
    for concept, ref in mapping.concepts() if mapping else ():
        wanted = mapping.column_types.get(concept) if mapping else None
        reference = inputs.scope.find(ref)
        if wanted and reference and reference.column.type not in wanted:
            message = f"is {shown(ref)} of type {reference.column.type}"
            hint = f"map a column of type {' or '.join(wanted)}"
            depends_on = ((*inputs.declaration(reference), "type"),)
            yield RuleViolation(("column_mapping", concept), message, hint, depends_on)


def filter_types_fit(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report filters that compare texts with a concept whose column has another type."""
    mapping = inputs.dataset.column_mapping
    refs = dict(mapping.concepts()) if mapping else {}
    for setting, each in inputs.dataset.filters.by_setting():
        for concept, wanted in each.column_types.items():
            ref = refs.get(concept)
            reference = inputs.scope.find(ref) if ref else None
            if reference and reference.column.type not in wanted:
                message = f"compares texts with `{concept}`, {shown(ref)} of type {reference.column.type}"
                hint = f"map `{concept}` to a column of type {' or '.join(wanted)}"
                depends_on = (("column_mapping", concept), (*inputs.declaration(reference), "type"))
                yield RuleViolation(("filters", setting), message, hint, depends_on)


def selection_has_a_mapping(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a selection without a `column_mapping`: filters and splits read concepts, not columns."""
    if inputs.dataset.column_mapping:
        return
    needing = list(_needs(inputs))
    if needing:
        names = " and ".join(f"`{'.'.join(map(str, loc))}`" for loc in needing)
        verb = "needs" if len(needing) == 1 else "need"
        hint = "map at least `user_id`, `product_id` and `timestamp`"
        depends_on = (("column_mapping",),)
        yield RuleViolation(needing[0], f"{names} {verb} a `column_mapping`", hint, depends_on)
    if inputs.dataset.extra_columns:
        hint = "remove it: all columns are published, or add a `column_mapping`"
        message = "has no meaning without a `column_mapping`"
        yield RuleViolation(("extra_columns",), message, hint, (("column_mapping",),))


def needed_concepts_are_mapped(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report concepts that a filter, the window or the split needs and that are not mapped."""
    mapping = inputs.dataset.column_mapping
    mapped = {concept for concept, _ in mapping.concepts()} if mapping else None
    for loc, needs in _needs(inputs).items() if mapped else ():
        for concept in sorted(needs - (mapped or set())):
            depends_on = (("column_mapping", concept),)
            message = f"needs `{concept}`, which is not mapped"
            yield RuleViolation(loc, message, f"add `{concept}` to `column_mapping`", depends_on)


def extra_columns_exist(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report extra columns that do not exist or are named twice (BR-110)."""
    seen: set[str] = set()
    for number, ref in enumerate(inputs.dataset.extra_columns):
        loc = ("extra_columns", number)
        yield from inputs.unresolved(loc, ref)
        if ref.lower() in seen:
            yield RuleViolation(loc, f"is {shown(ref)} once more", "remove it")
        seen.add(ref.lower())


def output_columns_are_not_too_many(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report more than MOST_COLUMNS published columns, system columns included.

    Without a mapping all columns of all lookups are published, so their number can double with each level of
    nested Datasets.
    """
    if too_many_columns(inputs):
        many = "extra_columns" if inputs.dataset.column_mapping else "lookups"
        loc = (many,) if getattr(inputs.dataset, many) else MAIN
        message = f"{inputs.scope.output_count:,} columns would be published, the most are {MOST_COLUMNS:,}"
        hint = "add a `column_mapping`, and name in `extra_columns` what is needed"
        yield RuleViolation(loc, message, hint)


def output_names_are_not_too_long(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report published names of more than LONGEST_NAME characters, which nested Datasets add up to."""
    for loc, name, _ in _published(inputs):
        if len(name) > LONGEST_NAME:
            message = f"would be published as {shown(name)}, a name of {len(name)} characters"
            yield RuleViolation(loc, message, f"the longest has {LONGEST_NAME}: use shorter aliases")


def output_names_differ(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report two different columns that would be published under one name (BR-113)."""
    seen: dict[str, tuple[Loc, str, object]] = {}
    own = {each.name for each in inputs.scope.split_columns}
    for loc, name, ref in _published(inputs):
        reference = inputs.scope.find(ref)
        if reference is None:
            continue
        same = (reference.source.name, reference.column.name)
        first_loc, first_ref, first = seen.setdefault(name.lower(), (loc, ref, same))
        if first != same:
            message = f"would be published as `{name}`, which {shown(first_ref)} is already"
            yield RuleViolation(loc, message, "rename one, or leave it out", (first_loc,))
        if name.lower() in own:
            message = f"would be published as `{name.lower()}`, the column that `split_config` makes"
            yield RuleViolation(loc, message, "rename it, or leave it out", (("split_config",),))


def partitions_move_the_window(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a fixed range with `partitions`: every Period would select the same rows (BR-106, BR-107)."""
    window = inputs.dataset.filters.date_range
    if inputs.dataset.partitions and window and not window.moves:
        yield RuleViolation(
            ("filters", "date_range"),
            "is fixed, so every Period of `partitions` would have the same rows",
            "make it rolling, or remove `partitions`",
            (("partitions",),),
        )


SELECTION_RULES = (
    mapping_refers_to_columns,
    mapping_types_fit,
    filter_types_fit,
    selection_has_a_mapping,
    needed_concepts_are_mapped,
    extra_columns_exist,
    output_columns_are_not_too_many,
    output_names_are_not_too_long,
    output_names_differ,
    partitions_move_the_window,
)


def _needs(inputs: RuleInput) -> Mapping[Loc, frozenset[str]]:
    """Map the place of each part of the selection that needs concepts to these concepts."""
    filters, split = inputs.dataset.filters, inputs.dataset.split_config
    needs: dict[Loc, frozenset[str]] = {
        ("filters", setting): concepts for setting, concepts in filters.needs_by_setting().items()
    }
    if split:
        needs[("split_config",)] = split.needs
    return {loc: concepts for loc, concepts in needs.items() if concepts}


def too_many_columns(inputs: RuleInput) -> bool:
    """Return whether a dataset would publish more columns than it may; they are counted, not listed."""
    return inputs.scope.output_count > MOST_COLUMNS - len(SYSTEM_COLUMNS)


def published_names(inputs: RuleInput) -> list[str]:
    """Return the names of published columns in lower case, also of those whose source has a fault."""
    dataset = inputs.dataset
    names = [each.name for each in inputs.scope.outputs]
    if dataset.column_mapping:
        names += map(published_name, (*dataset.natural_key_columns, *dataset.extra_columns))
        names += [concept for concept, _ in dataset.column_mapping.concepts()]
    return list(dict.fromkeys(name.lower() for name in names))


def naming(inputs: RuleInput, name: str) -> tuple[Loc, ...]:
    """Return the places that decide whether a column of this name is published."""
    if name.lower() in (SPLIT_COLUMN, FOLD_COLUMN):
        return (("split_config",),)
    if inputs.dataset.column_mapping:
        return (("column_mapping",), ("natural_key_columns",), ("extra_columns",))
    return (("column_mapping",), (*MAIN, "columns", ANY, "name"), ("lookups",))


def _published(inputs: RuleInput) -> Iterator[tuple[Loc, str, str]]:
    """Yield (place, published name, reference) of each published column, in the order of `Scope.outputs`.

    Yields nothing if there are too many columns, which output_columns_are_not_too_many reports.
    """
    dataset = inputs.dataset
    if too_many_columns(inputs):
        return
    if dataset.column_mapping:
        for concept, ref in dataset.column_mapping.concepts():
            yield ("column_mapping", concept), concept, ref
        for number, name in enumerate(dataset.natural_key_columns):
            yield ("natural_key_columns", number), name, name
        for number, ref in enumerate(dataset.extra_columns):
            yield ("extra_columns", number), published_name(ref), ref
        return
    yield from _published_without_mapping(inputs)


def _published_without_mapping(inputs: RuleInput) -> Iterator[tuple[Loc, str, str]]:
    published = set(inputs.scope.main_outputs)
    for number, column in enumerate(inputs.dataset.main_table.columns):
        if column.name in published:
            yield (*MAIN, "columns", number, "name"), column.name, column.name
    for number, _, source in inputs.numbered_lookups():
        if source:
            for index, column in enumerate(source.columns):
                loc = ("lookups", number, "target", "columns", index, "name")
                yield loc, f"{source.name}__{column.name}", f"{source.name}.{column.name}"
