"""Run all checks on the staged rows; if a blocking one fails, nothing is published.

To add a check, write one function from `Evidence` to `CheckFinding` and add one entry to `CHECKS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.checks.results import CheckFinding, CheckResult
from dataset_assets.checks.row_checks import (
    NATURAL_KEY_UNIQUE,
    NOT_EMPTY,
    SPLIT_NOT_EMPTY,
    Check,
    Evidence,
    always,
    has_split,
    run_checks,
)
from dataset_assets.compiler.leakage import leak_concepts, leak_query
from dataset_assets.compiler.lookup_matches import LookupMatches, match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.scope import Scope
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
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


def not_null(evidence: SelectionEvidence) -> CheckFinding:
    """Check that columns declared `nullable: false` have no NULLs in the published rows."""
    found = {
        c.name: nulls
        for c in evidence.columns
        if not c.nullable and (nulls := evidence.statistics.columns[c.name].null_count)
    }
    found |= _nulls_of_sources(evidence)
    if not found:
        return True, "no column that is declared nullable: false has NULLs", {}
    words = ", ".join(f"{name} has {count:,} NULLs" for name, count in found.items())
    return False, f"{words}, declared nullable: false", found


def _nulls_of_sources(evidence: SelectionEvidence) -> dict[str, int]:
    """Count the NULLs of columns of lookups and of unpublished columns, by `source.column`.

    A row that a lookup does not match has NULLs in the lookup's columns; these are not counted.
    """
    found = dict(evidence.matching.nulls)
    for output in evidence.inputs.scope.outputs:
        reference = output.reference
        if reference and reference.source.lookup and not reference.column.nullable:
            nulls = evidence.statistics.columns[output.name].null_count
            found[reference] = nulls and nulls - evidence.matching.unmatched[reference.source.name]
    return {f"{each.source.name}.{each.column.name}": count for each, count in found.items() if count}


def leak(evidence: SelectionEvidence) -> CheckFinding:
    """Check that filters keep no product or user only because of eval or test rows (BR-105).

    A product or user has leaked if filters that are fitted on train rows alone would drop it. It is new if it
    has no train row and has not leaked.
    """
    concepts = leak_concepts(evidence.dataset)
    rows = evidence.session.rows(leak_query(evidence.inputs, concepts, evidence.staged))
    found = {row["concept"]: row for row in rows}
    leaked, new = (
        {f"{each.removesuffix('_id')}s": int(found[each][count] or 0) for each in concepts}
        for count in ("leaked", "new")
    )
    news = f"{_several(new)} have no train row because they are new"
    metadata = {f"{name}_leaked": count for name, count in leaked.items()}
    metadata |= {f"{name}_new": count for name, count in new.items()}
    if not any(leaked.values()):
        return True, f"no filter kept anything because of eval rows; {news}", metadata
    words = f"{_several(leaked)} were kept by a filter only because eval rows had a say"
    return False, f"{words}; {news}; `fit_on: train` fits the filters on train rows only", metadata


def _several(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{count:,} {name}" for name, count in counts.items())


def lookups_matched(evidence: SelectionEvidence) -> CheckFinding:
    """Check that every row is matched by every lookup."""
    matching = evidence.matching
    lacking = {name: count for name, count in matching.unmatched.items() if count}
    if not lacking:
        return True, "every row is found in every lookup", {}
    words = (f"{name} lacks {count:,} of {matching.rows[name]:,}" for name, count in lacking.items())
    return False, f"rows that a lookup has nothing for: {', '.join(words)}", lacking


def known_in_time(evidence: SelectionEvidence) -> CheckFinding:
    """Report what lookups with `as_of` found, and what a plain join would have leaked (BR-132).

    The check fails if rows of a lookup have no time, because nothing can find them.
    """
    matching, found = evidence.matching, evidence.matching.as_of
    words = (counts.sentence(name, matching.rows[name]) for name, counts in found.items())
    metadata = {f"{name}_{each}": n for name, counts in found.items() for each, n in asdict(counts).items()}
    return not any(counts.undated for counts in found.values()), "; ".join(words), metadata


def _has_lookups(scope: Scope) -> bool:
    return bool(scope.dataset.lookups)


def _has_point_in_time(scope: Scope) -> bool:
    return any(lookup.as_of for lookup in scope.lookups)


def _is_for_training(scope: Scope) -> bool:
    return scope.dataset.column_mapping is not None and has_split(scope)


CHECKS: tuple[Check[SelectionEvidence], ...] = (
    NOT_EMPTY,
    Check("not_null", True, "Columns declared nullable: false have no NULLs", always, not_null),
    NATURAL_KEY_UNIQUE,
    SPLIT_NOT_EMPTY,
    Check("leak", False, "No filter keeps what eval rows alone let stay", _is_for_training, leak),
    Check("lookups_matched", False, "Lookups know the rows", _has_lookups, lookups_matched),
    Check("known_in_time", False, "Lookups give what was known in time", _has_point_in_time, known_in_time),
)
"""All checks of staged rows, in the order in which they run."""


def audit(evidence: SelectionEvidence, earlier: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Run every check that applies and return all results after the `earlier` ones.

    Raises AuditError with all results if a blocking check failed.
    """
    return run_checks(CHECKS, evidence, earlier)
