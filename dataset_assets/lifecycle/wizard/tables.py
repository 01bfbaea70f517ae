"""Step 2 of the wizard: the main table, other tables, and the lookups that were measured between them."""

from collections.abc import Iterable, Mapping

from dataset_assets.discovery.suggestions.facts import percent_text
from dataset_assets.discovery.suggestions.names import Name, words
from dataset_assets.discovery.suggestions.vocabulary import PRODUCT_TABLE, USER_TABLE
from dataset_assets.discovery.tables import TableSummary
from dataset_assets.lifecycle.wizard.parsing import parse_choice, parse_list
from dataset_assets.lifecycle.wizard.question import FOR_NONE, Choice, Question
from dataset_assets.lifecycle.wizard.state import Ask, State


def _readable(state: State) -> Mapping[str, TableSummary]:
    """Return the tables that can be read, by the name that means them: with the resolver if it is needed."""
    tables = [each for each in state.context.tables.tables if not each.problem]
    names = [each.name for each in tables]
    return {
        each.name if names.count(each.name) == 1 else f"{each.resolver}/{each.name}": each for each in tables
    }


def _main_table(state: State) -> Question:
    tables = _readable(state)
    largest = max(tables, key=lambda name: tables[name].row_count or 0, default="")
    return Question(
        key="main_table",
        step=2,
        label="Main table",
        help="The table of the events, such as transactions: one row of it is one row of the dataset.",
        default=largest,
        reason="it has the most rows" if largest else "",
        required=True,
        choices=_choices(tables),
    )


def _other_tables(state: State) -> Question | None:
    main = state.value("main_table")
    tables = {name: each for name, each in _readable(state).items() if name != main}
    if not tables:
        return None
    own = _identifiers(_readable(state)[main].columns)
    related = [name for name, each in tables.items() if _describes(each, own)]
    return Question(
        key="other_tables",
        step=2,
        label="Other tables",
        help="Tables with more about products, customers or other things that the main table refers to. "
        "Their keys are measured next.",
        syntax=f"Separate them by commas; {FOR_NONE}",
        default=", ".join(related) or "-",
        reason="they seem to have a row for each thing that the main table refers to" if related else "",
        several=True,
        choices=_choices(tables),
    )


def _identifiers(columns: Iterable[str]) -> set[tuple[str, ...]]:
    return {words(column) for column in columns if Name(column).identifies}


def _describes(table: TableSummary, identifiers: set[tuple[str, ...]]) -> bool:
    """Return whether a table seems to have a row for each thing that the main table identifies."""
    subjects = {word for identifier in identifiers for word in identifier}
    named = Name(table.name).words
    own = _identifiers(table.columns)
    own |= {(*named, *words) for words in own if len(words) == 1}  # `id` of `customers` is `customer_id`
    is_about = set(named) <= USER_TABLE | PRODUCT_TABLE | subjects
    return is_about and bool(identifiers & own)


def _choices(tables: Mapping[str, TableSummary]) -> tuple[Choice, ...]:
    return tuple(Choice(value=name, facts=_facts(each)) for name, each in tables.items())


def _facts(table: TableSummary) -> str:
    rows = "rows are not counted" if table.row_count is None else f"{table.row_count:,} rows"
    updated = f" | last updated {table.last_modified:%Y-%m-%d %H:%M} UTC" if table.last_modified else ""
    return f"{rows}{updated}"


def _parse_main(state: State, text: str) -> str:
    return parse_choice(text, _readable(state), "table that can be read")


def _parse_others(state: State, text: str) -> tuple[str, ...]:
    main = state.value("main_table")
    known = [name for name in _readable(state) if name != main]
    return tuple(parse_choice(part, known, "other table") for part in parse_list(text))


def _lookups(state: State) -> Question | None:
    found = state.suggestions.lookups
    if not found:
        return None
    return Question(
        key="lookups",
        step=2,
        label="Lookups",
        help="The tables that are joined: each row of the main table gets at most one row of each, "
        "so no lookup multiplies rows.",
        syntax=FOR_NONE,
        default=", ".join(each.alias for each in found if each.confidence.is_accepted) or "-",
        reason="their keys are unique",
        several=True,
        choices=tuple(
            Choice(
                value=each.alias,
                facts=f"on {' and '.join(pair.source_column for pair in each.join_conditions)}"
                + (
                    "" if each.coverage_percent is None else f" | {percent_text(each.coverage_percent)} match"
                ),
            )
            for each in found
        ),
    )


def _parse_lookups(state: State, text: str) -> tuple[str, ...]:
    """Return the chosen aliases in the order in which they are joined, with those that they are joined on."""
    known = {each.alias: each for each in state.suggestions.lookups}
    chosen = {parse_choice(part, known, "lookup") for part in parse_list(text)}
    for alias in reversed(known):
        if alias in chosen:
            sources = (pair.source_column.rpartition(".")[0] for pair in known[alias].join_conditions)
            chosen |= {source for source in sources if source}
    return tuple(alias for alias in known if alias in chosen)


def _parse_lookups_if_any(state: State, text: str) -> tuple[str, ...]:
    return _parse_lookups(state, text) if state.suggestions.lookups else ()


TABLES = (
    Ask("main_table", _main_table, _parse_main),
    Ask("other_tables", _other_tables, _parse_others),
    Ask("lookups", _lookups, _parse_lookups_if_any),
)
