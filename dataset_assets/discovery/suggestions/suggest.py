"""Suggest a dataset over some tables: one named step for each kind of suggestion."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from dataset_assets.discovery.describe import ReportCost, describe_opened, no_report
from dataset_assets.discovery.sources import OpenTable, Sessions, find_table, open_in
from dataset_assets.discovery.suggestions.columns import suggest_columns, suggest_extra_columns
from dataset_assets.discovery.suggestions.embeddings import suggest_embeddings
from dataset_assets.discovery.suggestions.facts import Facts
from dataset_assets.discovery.suggestions.mapping import suggest_mapping
from dataset_assets.discovery.suggestions.measured import MeasuredTables
from dataset_assets.discovery.suggestions.natural_key import suggest_natural_key
from dataset_assets.discovery.suggestions.roles import suggest_tables
from dataset_assets.discovery.suggestions.selection import (
    suggest_customer_filter,
    suggest_date_range,
    suggest_product_filter,
    suggest_split,
)
from dataset_assets.discovery.suggestions.settings import SuggestionSettings
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.discovery.tables import TableDescription
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.target import Target
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import listed, shown

STEPS: tuple[tuple[str, Callable[[Facts, Suggestions], Suggestions]], ...] = (
    ("tables", suggest_tables),
    ("column_mapping", suggest_mapping),
    ("natural_key_columns", suggest_natural_key),
    ("date_range", suggest_date_range),
    ("product_filter", suggest_product_filter),
    ("customer_filter", suggest_customer_filter),
    ("split_config", suggest_split),
    ("columns", suggest_columns),
    ("extra_columns", suggest_extra_columns),
    ("embeddings", suggest_embeddings),
)
"""Name and function of each kind of suggestion, in order: a later one reads what earlier ones suggested."""


def suggestions_of(facts: Facts) -> Suggestions:
    """Return all suggestions that the facts give."""
    suggestions = Suggestions()
    for _, step in STEPS:
        suggestions = step(facts, suggestions)
    return suggestions


@dataclass(frozen=True)
class SuggestedTables:
    """The described tables, and the suggestions for a dataset over them."""

    descriptions: tuple[TableDescription, ...]
    suggestions: Suggestions


def suggest(
    target: Target,
    tables: Sequence[str],
    settings: SuggestionSettings,
    now: datetime,
    *,
    main: str | None = None,
    sensitive: Mapping[str, Collection[str]] = MappingProxyType({}),
    report_cost: ReportCost = no_report,
) -> SuggestedTables:
    """Describe tables, each named `table` or `resolver/table`, and suggest a dataset over them.

    `main` is the main table, if a person chose it. `now` only decides whether a window should move with time.
    `sensitive` has the columns of each named table whose values are not shown (BR-206). On an engine that
    bills bytes, `report_cost` receives the bytes of each table's statistics before they are read. Raises
    ResolveError if a table does not exist or cannot be read, or if no dataset can have all of the tables.
    """
    names = tuple(dict.fromkeys((*((main,) if main else ()), *tables)))
    with system_errors_as_faults(), Sessions(target) as sessions:
        opened = [(name, open_in(sessions, find_table(target, name))) for name in names]
        resolver_id = _resolver_id(target, [each for _, each in opened])
        descriptions = tuple(
            describe_opened(each, statistics=True, sensitive=sensitive.get(name, ()), report_cost=report_cost)
            for name, each in opened
        )
        facts = Facts(
            descriptions,
            MeasuredTables({each.name.table: (each.relation, each.session) for _, each in opened}),
            settings,
            now,
            find_table(target, main).table if main else None,
        )
        found = suggestions_of(facts).model_copy(update={"resolver_id": resolver_id})
        return SuggestedTables(descriptions, found)


def _resolver_id(target: Target, opened: Sequence[OpenTable]) -> str | None:
    """Return the `resolver_id` that the dataset needs; None if the target chooses these resolvers by itself.

    Raises ResolveError if the tables cannot be in one dataset: two of them have the same name, or the target
    would read one of them elsewhere.
    """
    names = [each.name.table.lower() for each in opened]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        hint = "a dataset reads each table once, and knows it by its name alone"
        raise ResolveError(Fault(f"two of the tables are called {shown(twice)}", hint=hint))
    chosen = [target.resolver(target.routes.get(each.name.table)).name for each in opened]
    stored = [each.name.resolver.name for each in opened]
    if chosen == stored:
        return None
    if len(set(stored)) == 1:
        return stored[0]
    named = listed(f"{each.name}" for each in opened)
    hint = "add `routes` to the target, or use tables of one resolver"
    raise ResolveError(Fault(f"no dataset can read {named} together", hint=hint))
