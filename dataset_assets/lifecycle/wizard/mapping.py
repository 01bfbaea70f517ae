"""Step 3 of the wizard: the column of each concept, the natural key, and the columns carried along."""

from collections.abc import Iterator
from functools import partial

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions.mapping import REQUIRED, has_mapping
from dataset_assets.discovery.tables import ColumnDescription
from dataset_assets.lifecycle.wizard.parsing import parse_choice, parse_list, parse_yes
from dataset_assets.lifecycle.wizard.question import FOR_NONE, Choice, Question, wrong
from dataset_assets.lifecycle.wizard.state import NONE, Ask, State
from dataset_assets.selection.column_mapping import ColumnMapping

_LABELS = {
    "user_id": ("User/Customer ID", "Who did it. Customer filters and splits by user read it."),
    "product_id": ("Product ID", "What it was done with. Product filters read it."),
    "timestamp": ("Timestamp", "When it happened. The window and splits by time read it."),
    "revenue": ("Revenue/Amount", "What was paid for the row. Filters by revenue read it."),
    "city": ("Location/City", "Where the user is, or where it happened."),
    "product_name": ("Product name", "The product's name for people."),
    "category": ("Category", "The product's category. The filter of categories reads it."),
    "subcategory": ("Subcategory", "A finer category of the product."),
    "transaction_id": ("Transaction ID", "What is one transaction, such as a basket; else a row is one."),
}


def _mapped(state: State) -> Question:
    found = has_mapping(state.suggestions)
    why_not = (each.reason for each in state.suggestions.omitted if each.subject == "column_mapping")
    return Question(
        key="mapped",
        step=3,
        label="Map columns to concepts",
        help="With a mapping, rows are filtered and split for training. Without one, all columns are "
        "published as they are.",
        default="yes" if found else "no",
        reason="there is a column for each required concept" if found else next(why_not, ""),
        required=True,
        choices=(Choice(value="yes"), Choice(value="no")),
    )


def _concept(concept: str, state: State) -> Question | None:
    if not state.value("mapped"):
        return None
    label, help_text = _LABELS[concept]
    found = state.suggestions.column_mapping.get(concept)
    possible = found is not None and found.column in state.columns
    default = found.column if found and possible and found.confidence.is_accepted else ""
    reason = f"{found.reason} ({found.confidence})" if found and possible else ""
    guess = f"`{found.column}` is only a guess: " if found and possible and not default else ""
    required = concept in REQUIRED
    return Question(
        key=f"column_mapping.{concept}",
        step=3,
        label=label,
        help=help_text,
        syntax="" if required else FOR_NONE,
        default=default or ("" if required else "-"),
        reason=f"{guess}{reason}",
        required=required,
        choices=tuple(_ranked(concept, state)),
    )


def _ranked(concept: str, state: State) -> Iterator[Choice]:
    """Yield the columns that fit a concept, the suggested one and its alternatives first."""
    found = state.suggestions.column_mapping.get(concept)
    first = [found.column, *found.alternatives] if found else []
    for name in dict.fromkeys((*first, *state.columns)):
        column = state.columns.get(name)
        if column and _fits(concept, column):
            yield Choice(value=name, facts=column_facts(column))


def _fits(concept: str, column: ColumnDescription) -> bool:
    """Return whether the type of a column permits it for a concept."""
    wanted = ColumnMapping.column_types.get(concept)
    if wanted:
        return column.declare_as in wanted
    return column.declare_as in (ColumnType.STRING, ColumnType.INTEGER)


def _parse_concept(concept: str, state: State, text: str) -> str:
    """Return the column, empty for none."""
    if text.strip().lower() in NONE or not text.strip():
        if concept in REQUIRED:
            label = _LABELS[concept][0]
            raise wrong(f"{label} is required", "choose a column; go back to publish without a mapping")
        return ""
    name = parse_choice(text, state.columns, "column of the chosen tables")
    column = state.columns[name]
    wanted = ColumnMapping.column_types.get(concept)
    if wanted and column.declare_as not in wanted:
        raise wrong(f"`{name}` is {column.declare_as}", f"choose a column of type {' or '.join(wanted)}")
    return name


def column_facts(column: ColumnDescription) -> str:
    """Return type, distinct values, range and NULLs of a column on one line (BR-206)."""
    parts = [f"{column.declare_as}"]
    if column.cardinality is not None:
        parts.append(f"{column.cardinality:,} distinct")
    if column.min is not None and not column.sensitive:
        parts.append(f"{_short(column.min)} to {_short(column.max)}")
    if column.null_percent:
        parts.append(f"{column.null_percent:.1f} % NULL")
    return " | ".join(parts)


def _short(value: object) -> str:
    text = str(value)
    return text[:10] if "T" in text[10:11] else text


def _natural_key(state: State) -> Question:
    found = state.suggestions.natural_key_columns
    why_not = (each.reason for each in state.suggestions.omitted if each.subject == "natural_key_columns")
    return Question(
        key="natural_key_columns",
        step=3,
        label="Natural key",
        help="The columns of the main table that identify a row. With a key, a row keeps its "
        "id over a refresh even if its values change.",
        syntax=f"Separate them by commas; {FOR_NONE}",
        default=", ".join(found.columns) if found else "-",
        reason=found.reason if found else next(why_not, ""),
        several=True,
        choices=_main_columns(state),
    )


def _main_columns(state: State) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=name, facts=column_facts(column))
        for name, column in state.columns.items()
        if "." not in name
    )


def _parse_key(state: State, text: str) -> tuple[str, ...]:
    known = [name for name in state.columns if "." not in name]
    return tuple(parse_choice(part, known, "column of the main table") for part in parse_list(text))


def _extra_columns(state: State) -> Question | None:
    if not state.value("mapped"):
        return None
    names = [each.column for each in state.suggestions.extra_columns if each.column in state.columns]
    taken = {state.value(f"column_mapping.{concept}") for concept in _LABELS}
    taken |= set(state.value("natural_key_columns"))
    free = [name for name in names if name not in taken]
    return Question(
        key="extra_columns",
        step=3,
        label="Extra columns",
        help="Columns that are published beside the concepts. Leave out what a model must not see.",
        syntax=f"Separate them by commas; {FOR_NONE}",
        default=", ".join(free) or "-",
        reason="no concept publishes them" if free else "",
        several=True,
        choices=tuple(
            Choice(value=name, facts=column_facts(column))
            for name, column in state.columns.items()
            if name not in taken
        ),
    )


def _parse_extra(state: State, text: str) -> tuple[str, ...]:
    return tuple(
        parse_choice(part, state.columns, "column of the chosen tables") for part in parse_list(text)
    )


def _ask(concept: str) -> Ask:
    key = f"column_mapping.{concept}"
    return Ask(key, partial(_concept, concept), partial(_parse_concept, concept))


MAPPING = (
    Ask("mapped", _mapped, lambda _, text: parse_yes(text)),
    *(_ask(concept) for concept in _LABELS),
    Ask("natural_key_columns", _natural_key, _parse_key),
    Ask("extra_columns", _extra_columns, _parse_extra),
)
