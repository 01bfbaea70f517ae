"""A draft: what a person decides about a new dataset, before its columns are declared and it is a file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dataset_assets.contract.model import (
    ColumnDef,
    Dataset,
    JoinCondition,
    LookupDef,
    MainTable,
    Partitions,
    Refresh,
    Status,
    TableTarget,
)
from dataset_assets.discovery.suggestions.mapping import has_mapping
from dataset_assets.discovery.suggestions.suggestion import ColumnSuggestion, Suggestions
from dataset_assets.errors import ContractError, Fault, raise_all
from dataset_assets.model import ColumnRef, Identifier, Model, Text
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.selection.filters import CustomerFilter, Filters, NoFilter, ProductFilter
from dataset_assets.selection.split_config import SplitConfig
from dataset_assets.text.wording import listed, nearest, shown


class DraftLookup(Model):
    """A lookup of a draft into a table."""

    table: Identifier
    alias: Identifier
    join_conditions: tuple[JoinCondition, ...]


class Draft(Model):
    """The decisions about a new dataset. Its columns are not declared yet: `dataset_of` does that."""

    name: Text
    description: str = ""
    owner: Text
    resolver_id: Text | None = None
    ml_model: Text | None = None
    main_table: Identifier
    lookups: tuple[DraftLookup, ...] = ()
    natural_key_columns: tuple[Identifier, ...] = ()
    column_mapping: ColumnMapping | None = None
    extra_columns: tuple[ColumnRef, ...] = ()
    filters: Filters = Filters()
    split_config: SplitConfig | None = None
    partitions: Partitions | None = None
    refresh: Refresh | None = None


class Identity(Model):
    """What no table can suggest: who owns the dataset and how people call it."""

    name: Text
    owner: Text
    description: str = ""
    ml_model: Text | None = None


def draft_of(suggestions: Suggestions, identity: Identity) -> Draft:
    """Return the draft that accepts all suggestions of high and medium confidence."""
    key = suggestions.natural_key_columns
    mapped = has_mapping(suggestions)
    return Draft(
        **identity.model_dump(),
        resolver_id=suggestions.resolver_id,
        main_table=suggestions.main_table,
        lookups=tuple(
            DraftLookup(table=each.table, alias=each.alias, join_conditions=each.join_conditions)
            for each in suggestions.lookups
            if each.confidence.is_accepted
        ),
        natural_key_columns=key.columns if key and key.confidence.is_accepted else (),
        column_mapping=_mapping(suggestions) if mapped else None,
        extra_columns=tuple(
            each.column for each in suggestions.extra_columns if each.confidence.is_accepted and mapped
        ),
        filters=_filters(suggestions) if mapped else Filters(),
        split_config=suggestions.split_config.value if suggestions.split_config and mapped else None,
    )


def _mapping(suggestions: Suggestions) -> ColumnMapping:
    accepted = {
        concept: each.column
        for concept, each in suggestions.column_mapping.items()
        if each.confidence.is_accepted
    }
    return ColumnMapping.model_validate(accepted)


def _filters(suggestions: Suggestions) -> Filters:
    found = suggestions.filters
    products: ProductFilter = found.product_filter.value if found.product_filter else NoFilter()
    customers: CustomerFilter = found.customer_filter.value if found.customer_filter else NoFilter()
    return Filters(
        date_range=found.date_range.value if found.date_range else None,
        product_filter=products,
        customer_filter=customers,
        fit_on=found.fit_on.value if found.fit_on else "all",
    )


def dataset_of(draft: Draft, columns: Sequence[ColumnSuggestion]) -> Dataset:
    """Return the dataset of a draft, with every column declared that the draft refers to.

    Without a mapping all columns of its tables are declared, because all of them are published. Raises
    ContractError with a fault for each column that the tables do not have.
    """
    needed = _needed(draft)
    by_table = {table: _declared(table, columns) for table in needed}
    raise_all(ContractError, _unknown(draft, by_table))
    everything = draft.column_mapping is None

    def declare(table: str) -> tuple[ColumnDef, ...]:
        wanted = {name.lower() for name in needed[table]}
        known = by_table[table]
        return tuple(column for name, column in known.items() if everything or name in wanted)

    lookups = tuple(
        LookupDef(
            alias=each.alias,
            target=TableTarget(type="table", name=each.table, columns=declare(each.table)),
            join_conditions=each.join_conditions,
        )
        for each in draft.lookups
    )
    return Dataset(
        **{key: getattr(draft, key) for key in _COPIED},
        status=Status.DRAFT,
        main_table=MainTable(name=draft.main_table, columns=declare(draft.main_table)),
        lookups=lookups,
    )


_COPIED = (
    "name", "description", "owner", "resolver_id", "ml_model", "natural_key_columns", "column_mapping",
    "extra_columns", "filters", "split_config", "partitions", "refresh",
)  # fmt: skip


def _needed(draft: Draft) -> Mapping[str, list[str]]:
    """Return the columns that the draft refers to, by table, with the main table first."""
    tables = {each.alias: each.table for each in draft.lookups}
    needed: dict[str, list[str]] = {table: [] for table in (draft.main_table, *tables.values())}
    for _, ref in _references(draft):
        alias, _, name = ref.rpartition(".")
        if not alias or alias in tables:
            needed[tables[alias] if alias else draft.main_table].append(name)
    for each in draft.lookups:
        needed[each.table] += (condition.target_column for condition in each.join_conditions)
    return needed


def _references(draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield (field, reference) of every column that the draft refers to, without those of join targets."""
    yield from (("natural_key_columns", name) for name in draft.natural_key_columns)
    for each in draft.lookups:
        for condition in each.join_conditions:
            yield f"lookups.{each.alias}", condition.source_column
    if draft.column_mapping:
        for concept, ref in draft.column_mapping.concepts():
            yield f"column_mapping.{concept}", ref
    yield from (("extra_columns", ref) for ref in draft.extra_columns)


def _declared(table: str, columns: Iterable[ColumnSuggestion]) -> Mapping[str, ColumnDef]:
    """Return the declarations of a table's columns, by name in lower case."""
    return {
        each.name.lower(): ColumnDef(
            name=each.name, type=each.type, nullable=each.nullable, sensitive=each.sensitive
        )
        for each in columns
        if each.table == table
    }


def _unknown(draft: Draft, known: Mapping[str, Mapping[str, ColumnDef]]) -> Iterator[Fault]:
    """Yield a fault for each reference to a column or a lookup that does not exist."""
    tables = {each.alias: each.table for each in draft.lookups}
    for field, ref in _references(draft):
        alias, _, name = ref.rpartition(".")
        if alias and alias not in tables:
            hint = f"it has: {listed(tables)}" if tables else "it has no lookups"
            yield Fault(f"is {shown(ref)}, but no lookup is called `{alias}`", field, hint)
            continue
        table = tables[alias] if alias else draft.main_table
        if name.lower() not in known[table]:
            yield Fault(f"is {shown(ref)}, which `{table}` does not have", field, _near(name, known[table]))
    for each in draft.lookups:
        for condition in each.join_conditions:
            if condition.target_column.lower() not in known[each.table]:
                message = f"is joined by {shown(condition.target_column)}, which `{each.table}` does not have"
                yield Fault(
                    message, f"lookups.{each.alias}", _near(condition.target_column, known[each.table])
                )


def _near(name: str, known: Mapping[str, ColumnDef]) -> str:
    meant = nearest(name, known)
    names = listed((column.name for column in known.values()), 20)
    return f"did you mean `{known[meant].name}`?" if meant else f"it has: {names}"
