"""Suggest how columns are declared, and which are published beside the concepts."""

from collections.abc import Iterator, Mapping

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column, Facts
from dataset_assets.discovery.suggestions.mapping import has_mapping
from dataset_assets.discovery.suggestions.reach import Reach
from dataset_assets.discovery.suggestions.suggestion import (
    ColumnSuggestion,
    Confidence,
    ExtraColumnSuggestion,
    Suggestions,
)

_NAMELESS = "the name of a column must be letters, digits and `_`, beginning with a letter"


def suggest_columns(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest type and nullability of every column of the chosen tables.

    `nullable: false` is suggested for keys, join columns and required concepts that are measured to have no
    NULLs, and for nothing else: later rows may have them.
    """
    declared: list[ColumnSuggestion] = []
    for role in suggestions.tables:
        if role.role == "unused":
            continue
        keys = list(_key_columns(suggestions, role.table))
        nulls = facts.measure.nulls(role.table, keys) if keys else {}
        declared += (_declare(column, nulls) for column in facts.columns(role.table))
        for name, described in facts.table(role.table).columns.items():
            if not any(each.table == role.table and each.name == name for each in declared):
                reason = described.problem or (
                    f"no type of a contract holds {described.type}" if not described.declare_as else _NAMELESS
                )
                suggestions = suggestions.without(f"{role.table}.{name}", reason)
    return suggestions.model_copy(update={"columns": tuple(declared)})


def _key_columns(suggestions: Suggestions, table: str) -> Iterator[str]:
    """Yield the columns of a table that identify or join rows, and the required concepts, each once."""
    found: list[str] = []
    aliases = {lookup.alias: lookup.table for lookup in suggestions.lookups}
    refs = [suggestions.accepted(concept) for concept in ("user_id", "product_id", "timestamp")]
    for lookup in suggestions.lookups:
        refs += [condition.source_column for condition in lookup.join_conditions]
        if lookup.table == table:
            found += [condition.target_column for condition in lookup.join_conditions]
    for ref in filter(None, refs):
        alias, _, name = ref.rpartition(".")
        if (aliases[alias] if alias else suggestions.main_table) == table:
            found.append(name)
    if suggestions.natural_key_columns and table == suggestions.main_table:
        found += suggestions.natural_key_columns.columns
    yield from dict.fromkeys(found)


def _declare(column: Column, nulls: Mapping[str, int]) -> ColumnSuggestion:
    count = nulls.get(column.name)
    sensitive = column.described.sensitive or is_personal(column)
    if count == 0:
        reason = f"a key or join column with no NULL in {column.rows:,} rows"
    elif count:
        reason = f"{count:,} of {column.rows:,} rows are NULL"
    else:
        reason = f"stored as {column.described.type}"
    if column.type is None:
        raise LookupError(f"{column.name} has no type")
    return ColumnSuggestion(
        table=column.table,
        name=column.name,
        type=column.type,
        nullable=count != 0,
        sensitive=sensitive,
        reason=reason,
        confidence=Confidence.HIGH,
    )


def is_personal(column: Column) -> bool:
    """Return whether a name says that the values are about a person."""
    name = column.named
    person = name.has(words_of.PERSON_NAME) and name.has(words_of.TITLE)
    return not (column.is_time or name.is_flag) and (name.has(words_of.PERSONAL) or person)


def suggest_extra_columns(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest to publish the columns that no concept and no key publishes, of each table not too many."""
    if not has_mapping(suggestions):
        return suggestions
    reach, most = Reach(facts, suggestions), facts.settings.most_extra_columns
    key = suggestions.natural_key_columns
    taken = {suggestions.accepted(concept) for concept in suggestions.column_mapping}
    taken |= set(key.columns if key else ())
    found: list[ExtraColumnSuggestion] = []
    for table in dict.fromkeys(column.table for _, column in reach.every()):
        refs = [
            (ref, column)
            for ref, column in reach.every()
            if column.table == table and ref not in taken and _tells_something(column)
        ]
        found += (_extra(ref, column) for ref, column in refs[:most])
        if refs[most:]:
            reason = (
                f"{len(refs[most:])} more columns of `{table}` are not carried along: name those you need"
            )
            suggestions = suggestions.without("extra_columns", reason)
    return suggestions.model_copy(update={"extra_columns": tuple(found)})


_MANY_TEXTS = 1_000


def _tells_something(column: Column) -> bool:
    """Return whether a model can learn from a column: its values differ, and they are no free texts."""
    free = column.type is ColumnType.STRING and column.cardinality > max(column.rows / 2, _MANY_TEXTS)
    return column.cardinality > 1 and not column.named.numbers_rows and not free


def _extra(ref: str, column: Column) -> ExtraColumnSuggestion:
    return ExtraColumnSuggestion(
        column=ref,
        reason=f"no concept publishes it; {column.cardinality:,} distinct values",
        confidence=Confidence.MEDIUM,
    )
