"""Make suggestions for tables of a workspace, and print them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dataset_assets.discovery.suggestions.over_tables import suggest_over
from dataset_assets.discovery.suggestions.suggest import SuggestedTables
from dataset_assets.discovery.suggestions.suggestion import Confidence, Suggestion, Suggestions
from dataset_assets.interfaces.cli.console import cell, out, say
from dataset_assets.interfaces.cli.tables import say_cost
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.file_text import flow

_STYLES = {Confidence.HIGH: "green", Confidence.MEDIUM: "", Confidence.LOW: "yellow"}
_FILTERS = ("date_range", "product_filter", "customer_filter", "fit_on")


def make_suggestions(workspace: Workspace, tables: Sequence[str], main: str | None = None) -> SuggestedTables:
    """Return the suggestions for tables, as of now. Raises DatasetAssetsError as `suggest_over` does."""
    catalog, target = workspace.catalog_if_any, workspace.target
    return suggest_over(catalog, target, tables, datetime.now(UTC), main=main, report_cost=say_cost)


def print_suggestions(found: Suggestions) -> None:
    """Print each suggestion with its reason below; what is not suggested follows with its reason."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for subject, value, suggestion in suggestion_rows(found):
        sure = cell(suggestion.confidence, _STYLES[suggestion.confidence])
        table.add_row(cell(subject), sure, _with_reason(value, suggestion.reason))
    for each in found.omitted:
        table.add_row(cell(each.subject), cell("none", "dim"), cell(each.reason, "dim"))
    out().print(table)


def _with_reason(value: str, reason: str) -> Text:
    return Text.assemble(cell(value), "\n", cell(reason, "dim"))


def suggestion_rows(found: Suggestions) -> Iterator[tuple[str, str, Suggestion]]:
    """Yield (subject, value, suggestion) of every suggestion but the declared types of columns."""
    for role in found.tables:
        if role.role != "lookup":
            yield role.table, "main table" if role.role == "main" else "not used", role
    for lookup in found.lookups:
        pairs = (
            f"{each.source_column} = {lookup.alias}.{each.target_column}" for each in lookup.join_conditions
        )
        yield lookup.table, f"lookup on {' and '.join(pairs)}", lookup
    for concept, column in found.column_mapping.items():
        yield concept, column.column, column
    if found.natural_key_columns:
        yield "natural_key_columns", ", ".join(found.natural_key_columns.columns), found.natural_key_columns
    for name in _FILTERS:
        each: Any = getattr(found.filters, name)
        if each:
            yield name, _value(each.value), each
    if found.split_config:
        yield "split_config", _value(found.split_config.value), found.split_config
    for concept, embedding in found.embeddings.items():
        yield f"embedding of {concept}", f"{embedding.dimension} dimensions", embedding


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    data = value.model_dump(exclude_defaults=True)
    return ", ".join(f"{key} {flow(each)}" for key, each in data.items())


def say_guesses(sentences: Sequence[str]) -> None:
    """Print what is left out because it is only a guess, and how to have it nevertheless."""
    if sentences:
        say(*sentences, "add one with `--set column_mapping.CONCEPT=COLUMN`")
