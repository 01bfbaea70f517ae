"""Choose the few rows by which a test notices most changes of a dataset's settings."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dataset_assets.catalog.definition_test_rules import Row
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.scope import Scope
from dataset_assets.definition_tests.candidates import Candidates, joined_rows
from dataset_assets.definition_tests.changed_settings import ChangedDataset, changed_datasets
from dataset_assets.definition_tests.given_rows import given_relations
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import assemble

ATTEMPTS, FEWEST_ATTEMPTS = 30, 8

_NEAR, _NEAR_SHARE = 12, 0.6
"""Rows of one user are near each other; this share of the attempts adds such rows alone."""

_INVALID = "invalid"


@dataclass(frozen=True)
class ChosenRows:
    """The rows of each source by its name, the number of changes that were tried, and the unnoticed ones."""

    given: dict[str, Sequence[Row]]
    changes: int
    unnoticed: tuple[str, ...]


@dataclass
class RowChoice:
    """Searches for good rows. Each attempt exchanges some rows of the best choice so far, or removes some.

    The search is random with a fixed seed, so that equal candidates give equal rows.
    """

    inputs: SelectionInput
    candidates: Candidates
    session: Session
    size: int
    _random: random.Random = field(default_factory=lambda: random.Random(20_260_101))  # noqa: S311 - no secret
    _changes: list[ChangedDataset] = field(default_factory=list)

    def choose(self) -> ChosenRows:
        """Return the best rows that were found."""
        best = self._first()
        self._changes = list(self._valid_changes(best))
        unnoticed = self._unnoticed(best) or []
        for attempt in range(ATTEMPTS):
            if not unnoticed and attempt >= FEWEST_ATTEMPTS:
                break
            proposal = self._proposal(best)
            found = self._unnoticed(proposal, len(unnoticed) - (len(proposal) > len(best)))
            if found is not None:
                best, unnoticed = proposal, found
        words = tuple(each.words for each in unnoticed)
        return ChosenRows(self._given(best), len(self._changes), words)

    def _first(self) -> list[int]:
        """Return the first rows, which lie at boundaries or are selected now, and some of all others."""
        every = range(len(self.candidates.main))
        most = 3 * self.size // 4
        rest = every[most:]
        return [*every[:most], *self._random.sample(rest, min(self.size - most, len(rest)))]

    def _proposal(self, best: Sequence[int]) -> list[int]:
        gone = self._random.sample(range(len(best)), min(len(best), self._random.randint(1, 4)))
        kept = [row for place, row in enumerate(best) if place not in gone]
        others = [row for row in range(len(self.candidates.main)) if row not in best]
        if self._random.random() < _NEAR_SHARE:
            others = [row for row in others if any(abs(row - each) <= _NEAR for each in kept)]
        wanted = self._random.choice((0, len(gone), len(gone), self.size - len(kept)))
        return [*kept, *self._random.sample(others, min(wanted, len(others)))]

    def _valid_changes(self, rows: Sequence[int]) -> Iterable[ChangedDataset]:
        """Yield the changes that give a valid dataset: others are refused when the file is read."""
        relations = given_relations(self.inputs.scope, self._given(rows), self.session)
        for change in changed_datasets(self.inputs.scope):
            if self._selected(replace(self.inputs.scope, dataset=change.dataset), relations) != _INVALID:
                yield change

    def _unnoticed(self, rows: Sequence[int], most: int | None = None) -> list[ChangedDataset] | None:
        """Return the changes that select the same of these rows; None as soon as there are more than `most`.

        Changes that were not noticed are tried first the next time, because they most likely are not again.
        """
        if most is not None and most < 0:
            return None
        relations = given_relations(self.inputs.scope, self._given(rows), self.session)
        expected = self._selected(self.inputs.scope, relations)
        unnoticed: list[ChangedDataset] = []
        for change in list(self._changes):
            scope = replace(self.inputs.scope, dataset=change.dataset)
            if self._selected(scope, relations) == expected:
                unnoticed.append(change)
                self._changes.remove(change)
                self._changes.insert(0, change)
                if most is not None and len(unnoticed) > most:
                    return None
        return unnoticed

    def _given(self, rows: Sequence[int]) -> dict[str, Sequence[Row]]:
        main = [self.candidates.main[row] for row in sorted(rows)]
        lookups = joined_rows(self.inputs, main, self.candidates.lookups)
        return {self.inputs.scope.main.name: main, **lookups}

    def _selected(self, scope: Scope, relations: Mapping[str, Relation]) -> Any:
        """Return the rows that a dataset selects, in an order of their own; `_INVALID` if it cannot."""
        try:
            inputs = SelectionInput(scope, relations, self.inputs.as_of, self.inputs.period)
            rows = self.session.rows(assemble(compile_rows(inputs)))
        except (DatasetAssetsError, LookupError, ArithmeticError):
            return _INVALID
        return sorted(repr(sorted(row.items())) for row in rows)
