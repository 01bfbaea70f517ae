"""The material of the checks of selected rows: the rows, and the inputs of the selection that gave them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.checks.row_checks import Evidence
from dataset_assets.compiler.lookup_matches import LookupMatches, match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.quality import ConditionRule
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.rows.counting import count_rows
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True, kw_only=True)
class SelectionEvidence(Evidence):
    """The material of all checks: that of the rows, and the inputs of the selection that gave them."""

    inputs: SelectionInput

    @classmethod
    def of(
        cls,
        inputs: SelectionInput,
        staged: exp.Expr,
        columns: tuple[PublishedColumn, ...],
        statistics: Statistics,
        session: Session,
        with_deleted: exp.Expr | None = None,
    ) -> Self:
        """Return the material of the checks of the rows that these inputs gave."""
        names = inputs.names
        return cls(inputs.scope, staged, columns, statistics, session, names, with_deleted, inputs=inputs)

    @cached_property
    def matching(self) -> LookupMatches:
        """The rows that each lookup matches; computed once, for the first check that needs it."""
        return match_lookups(self.inputs, self.staged, self.session)

    @cached_property
    def broken_conditions(self) -> Mapping[str, int]:
        """The number of rows that break each quality rule with a condition; all counted in one pass."""
        types = {each.name: each.type.value for each in self.columns}
        rules = [each for each in self.dataset.quality if isinstance(each, ConditionRule)]
        conditions = {f"_rule_{n}": each.condition(types).condition() for n, each in enumerate(rules)}
        kept = count_rows(self.session, self.staged, conditions).values()
        rows = self.statistics.row_count
        return {each.name: rows - count for each, count in zip(rules, kept, strict=True)}

    @property
    def sensitive(self) -> frozenset[str]:
        """The published columns whose values no message shows (BR-206)."""
        return frozenset(each.name for each in self.columns if each.sensitive)
