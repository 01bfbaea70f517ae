"""The state of the wizard: the answers so far, and what they and the tables make of the dataset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.discovery.suggestions.suggest import SuggestedTables
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.discovery.tables import ColumnDescription, TableList
from dataset_assets.errors import ContractError
from dataset_assets.lifecycle.wizard.question import Question

MakeSuggestions = Callable[[Sequence[str], str], SuggestedTables]
"""Receives the tables and the main table; returns their descriptions and the suggestions."""

NONE = frozenset({"-", "none"})
"""Answers that choose nothing, where a question permits it."""


@dataclass(frozen=True)
class WizardContext:
    """What the wizard knows before the first answer. `given` are answers that a person gave beforehand."""

    catalog: Catalog
    tables: TableList
    suggest: MakeSuggestions
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """One question of the wizard: `build` returns it, or None if it does not apply to the answers so far.

    `parse` returns the value of an answer, and raises ContractError with a sentence for a wrong one.
    """

    key: str
    build: Callable[["State"], Question | None]
    parse: Callable[["State", str], Any]


@dataclass(frozen=True)
class State:
    """The answers by the keys of their questions; an answer that is not there is the suggestion."""

    context: WizardContext
    asks: Mapping[str, Ask]
    answers: Mapping[str, str] = field(default_factory=dict)

    def with_answer(self, key: str, text: str) -> "State":
        """Return the state after an answer; an empty one leaves the default in effect.

        Raises ContractError for a wrong answer.
        """
        self.asks[key].parse(self, text or self.default(key))
        return replace(self, answers={**self.answers, key: text}) if text else self

    def question(self, key: str) -> Question | None:
        """Return a question with the default that is in effect now; None if it does not apply."""
        question = self.asks[key].build(self)
        if question is None:
            return None
        kept = self._kept(key)
        if kept is None:
            return question
        return question.model_copy(update={"default": kept, "reason": "your answer"})

    def default(self, key: str) -> str:
        """Return the answer that an empty one stands for: the last one, or else the suggestion."""
        question = self.question(key)
        return question.default if question else ""

    def value(self, key: str) -> Any:
        """Return the value of a question: of its answer, or of the suggestion; None if it does not apply."""
        if self.asks[key].build(self) is None:
            return None
        return self.asks[key].parse(self, self.default(key))

    def _kept(self, key: str) -> str | None:
        """Return the answer, unless a changed earlier answer made it a wrong one; None if there is none."""
        text = self.answers.get(key) or self.context.given.get(key)
        if not text:
            return None
        try:
            self.asks[key].parse(self, text)
        except ContractError:
            return None
        return text

    @cached_property
    def suggested(self) -> SuggestedTables:
        """The descriptions and suggestions for the chosen tables."""
        main = self.value("main_table")
        return self.context.suggest((main, *self.value("other_tables")), main)

    @property
    def suggestions(self) -> Suggestions:
        """The suggestions for the chosen tables."""
        return self.suggested.suggestions

    @cached_property
    def columns(self) -> Mapping[str, ColumnDescription]:
        """The columns that the dataset can refer to, as `column` or `alias.column`.

        The columns that a lookup is joined by are left out: they equal the ones that they are joined to.
        """
        tables = {each.table: each for each in self.suggested.descriptions}
        chosen = [lookup for lookup in self.suggestions.lookups if lookup.alias in self.value("lookups")]
        declared = {(each.table, each.name) for each in self.suggestions.columns}
        sources: list[tuple[str, str, set[str]]] = [(self.suggestions.main_table, "", set())]
        sources += (
            (each.table, f"{each.alias}.", {pair.target_column for pair in each.join_conditions})
            for each in chosen
        )
        return {
            f"{prefix}{name}": column
            for table, prefix, joined in sources
            for name, column in tables[table].columns.items()
            if (table, name) in declared and name not in joined
        }
