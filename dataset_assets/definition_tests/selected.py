"""Select the rows of a dataset from given rows, as a publication does, and check them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.definition_test_rules import UsableTest
from dataset_assets.checks.audit import applicable_checks
from dataset_assets.checks.lookup_keys import LOOKUPS_UNIQUE, lookups_unique
from dataset_assets.checks.results import CheckResult
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.definition_test import ROW_CHECKS
from dataset_assets.contract.quality import RowCountRule
from dataset_assets.contract.scope import Scope
from dataset_assets.definition_tests.given_rows import given_relations
from dataset_assets.ports.engine import Session
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.sql.build import assemble
from dataset_assets.stats.statistics import ColumnStatistics, Statistics


@dataclass(frozen=True)
class SelectedRows:
    """The rows that a selection gives, in a table of the session."""

    inputs: SelectionInput
    session: Session
    table: exp.Expr

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows with the values of the published columns; those of sensitive columns too."""
        return self.session.rows(exp.select("*").from_(self.table.copy()))

    @cached_property
    def published(self) -> PublishedColumns:
        """The published columns."""
        return PublishedColumns(self.inputs.scope)

    def evidence(self) -> SelectionEvidence:
        """Return the material of the checks."""
        columns, statistics = self.published.stored, self._statistics()
        return SelectionEvidence.of(self.inputs, self.table, columns, statistics, self.session)

    def _statistics(self) -> Statistics:
        """Return what the checks of rows read of the statistics: the number of rows and the NULLs."""
        nulls = {
            each.name: sum(row[each.name] is None for row in self.rows) for each in self.published.stored
        }
        columns = {
            each.name: ColumnStatistics(
                type=each.type,
                cardinality=len({row[each.name] for row in self.rows} - {None}),
                null_count=nulls[each.name],
                null_percent=100 * nulls[each.name] / len(self.rows) if self.rows else 0.0,
            )
            for each in self.published.stored
        }
        return Statistics(row_count=len(self.rows), columns=columns)


def select_given(test: UsableTest, scope: Scope, session: Session) -> SelectedRows:
    """Return the rows that the dataset selects of the given ones. Raises DatasetAssetsError."""
    relations = given_relations(scope, test.given, session)
    return select_rows(SelectionInput(scope, relations, test.as_of, test.period), session)


def select_rows(inputs: SelectionInput, session: Session) -> SelectedRows:
    """Return the rows that these inputs select. Raises ResolveError and DataError as a publication does."""
    stored = session.store("selected", assemble(compile_rows(inputs)))
    return SelectedRows(inputs, session, stored)


def failed_checks(selected: SelectedRows, also: Sequence[str] = ()) -> Mapping[str, CheckResult]:
    """Return the failed checks, by name, that stop a publication and that a few rows can show.

    Left out are those on the size of a publication, which rows of a test never have. The checks `also` are
    among them whether they stop a publication or not.
    """
    dataset = selected.inputs.dataset
    sizes = {rule.check_name for rule in dataset.quality if isinstance(rule, RowCountRule)}
    rules = {rule.check_name for rule in dataset.quality if rule.blocks} - sizes
    wanted = {*ROW_CHECKS, *rules, *also}
    evidence = selected.evidence()
    results = [each.run(evidence) for each in applicable_checks(selected.inputs.scope) if each.name in wanted]
    if selected.inputs.scope.lookups and LOOKUPS_UNIQUE in wanted:
        results.insert(0, lookups_unique(selected.inputs, selected.session))
    return {each.name: each for each in results if not each.passed}
