"""The wizard: four steps of questions, one after another. It neither prints nor reads anything.

A caller shows the question, gives the answer back, and gets the next state; at the end there is a draft.
"""

from dataclasses import dataclass, replace

from dataset_assets.lifecycle.draft import Draft, DraftLookup
from dataset_assets.lifecycle.wizard.mapping import MAPPING
from dataset_assets.lifecycle.wizard.naming import NAMING
from dataset_assets.lifecycle.wizard.question import Question
from dataset_assets.lifecycle.wizard.selection import SELECTION
from dataset_assets.lifecycle.wizard.state import State, WizardContext
from dataset_assets.lifecycle.wizard.tables import TABLES
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.selection.filters import Filters

ASKS = {each.key: each for each in (*NAMING, *TABLES, *MAPPING, *SELECTION)}
"""All questions by key, in the order of asking."""
KEYS = tuple(ASKS)


@dataclass(frozen=True)
class Wizard:
    """The answers so far, and the number of the question that is asked now."""

    state: State
    at: int = 0

    @classmethod
    def begin(cls, context: WizardContext) -> "Wizard":
        """Return the wizard before its first question."""
        return cls(State(context, ASKS))

    @property
    def question(self) -> Question | None:
        """The question that is asked now; None if all are answered."""
        return self.state.question(KEYS[self.at]) if self.at < len(KEYS) else None

    def answer(self, text: str) -> "Wizard":
        """Return the wizard after an answer; an empty one accepts the default.

        Raises ContractError with a sentence for a wrong answer, and DatasetAssetsError if tables that the
        answer names cannot be read.
        """
        state = self.state.with_answer(KEYS[self.at], text.strip())
        return replace(self, state=state, at=self._next(state, self.at))

    def back(self) -> "Wizard":
        """Return the wizard at the question before, with all answers kept; at the first one, the same."""
        before = (at for at in range(self.at - 1, -1, -1) if self.state.question(KEYS[at]))
        return replace(self, at=next(before, 0))

    @staticmethod
    def _next(state: State, at: int) -> int:
        after = (number for number in range(at + 1, len(KEYS)) if state.question(KEYS[number]))
        return next(after, len(KEYS))

    @property
    def stem(self) -> str:
        """The name of the file without its suffix."""
        return self.state.value("stem")

    @property
    def draft(self) -> Draft:
        """The draft of all answers."""
        state, value = self.state, self.state.value
        found = state.suggestions
        mapped = value("mapped")
        concepts = {name: value(f"column_mapping.{name}") for name in ColumnMapping.model_fields}
        chosen = value("lookups") or ()
        split = value("split_config") if mapped else None
        return Draft(
            name=value("name"),
            description=value("description"),
            owner=value("owner"),
            ml_model=value("ml_model") or None,
            resolver_id=found.resolver_id,
            main_table=found.main_table,
            lookups=tuple(
                DraftLookup(table=each.table, alias=each.alias, join_conditions=each.join_conditions)
                for each in found.lookups
                if each.alias in chosen
            ),
            natural_key_columns=value("natural_key_columns"),
            column_mapping=_mapping(concepts) if mapped else None,
            extra_columns=value("extra_columns") if mapped else (),
            filters=self._filters(fit_on_train=split is not None) if mapped else Filters(),
            split_config=split,
        )

    def _filters(self, *, fit_on_train: bool) -> Filters:
        value = self.state.value
        return Filters(
            date_range=value("date_range"),
            product_filter=value("product_filter"),
            customer_filter=value("customer_filter"),
            fit_on="train" if fit_on_train else "all",
        )


def _mapping(concepts: dict[str, str]) -> ColumnMapping:
    return ColumnMapping.model_validate({name: column for name, column in concepts.items() if column})
