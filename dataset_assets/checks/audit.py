"""Run all checks on the staged rows; if a blocking one fails, nothing is published.

To add a check, write one function from `Evidence` to `CheckFinding` and add one entry to `CHECKS`.
Kinds of quality rules are in `checks/quality.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dataset_assets.checks.quality import quality_checks
from dataset_assets.checks.results import CheckFinding, CheckResult
from dataset_assets.checks.row_checks import (
    DUPLICATES_ACROSS_SPLITS,
    NATURAL_KEY_UNIQUE,
    NOT_EMPTY,
    SPLIT_NOT_EMPTY,
    Check,
    always,
    has_split,
    run_checks,
)
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.leakage import leak_concepts, leak_query
from dataset_assets.contract.scope import Scope
from dataset_assets.rows.counting import count_rows
from dataset_assets.sql.build import any_null, column


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


def split_unit_not_null(evidence: SelectionEvidence) -> CheckFinding:
    """Check that every row has a unit by which it is split, if the split has `null_unit: error` (BR-135)."""
    config = evidence.dataset.split_config
    unit = config.unit_columns if config else ()
    found = {name.lower(): each.null_count for name, each in evidence.statistics.columns.items()}
    nulls = {name: count for name in unit if (count := found[name.lower()])}
    if not nulls:
        return True, f"every row has a unit ({', '.join(unit)})", {}
    lacking = any_null(map(column, nulls))
    rows = next(iter(nulls.values()))
    if len(nulls) > 1:
        rows = count_rows(evidence.session, evidence.staged, {"lacking": lacking})["lacking"]
    words = f"{rows:,} rows have no unit, because {' or '.join(nulls)} is NULL"
    return False, f"{words}; filter them out, or say `null_unit: row` or `together`", {"rows": rows, **nulls}


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
    news = f"{_several(new)} are new and have no train row"
    metadata = {f"{name}_leaked": count for name, count in leaked.items()}
    metadata |= {f"{name}_new": count for name, count in new.items()}
    if not any(leaked.values()):
        return True, f"nothing passes a filter only because of eval rows; {news}", metadata
    words = f"{_several(leaked)} pass a filter only because of eval rows"
    return False, f"{words}; {news}; `fit_on: train` computes the filters from train rows alone", metadata


def _several(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{count:,} {name}" for name, count in counts.items())


def lookups_matched(evidence: SelectionEvidence) -> CheckFinding:
    """Check that every row is matched by every lookup."""
    matching = evidence.matching
    lacking = {name: count for name, count in matching.unmatched.items() if count}
    if not lacking:
        return True, "every row is found in every lookup", {}
    words = (f"in {name} for {count:,} of {matching.rows[name]:,} rows" for name, count in lacking.items())
    return False, f"there is no match {', '.join(words)}", lacking


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


def _refuses_null_units(scope: Scope) -> bool:
    config = scope.dataset.split_config
    return config is not None and config.refuses_null


SPLIT_UNIT_NOT_NULL = Check[SelectionEvidence](
    "split_unit_not_null",
    True,
    "Every row has a unit of the split",
    _refuses_null_units,
    split_unit_not_null,
)

CHECKS: tuple[Check[SelectionEvidence], ...] = (
    NOT_EMPTY,
    Check("not_null", True, "Columns declared nullable: false have no NULLs", always, not_null),
    NATURAL_KEY_UNIQUE,
    SPLIT_NOT_EMPTY,
    SPLIT_UNIT_NOT_NULL,
    Check("leak", False, "No filter keeps what eval rows alone let stay", _is_for_training, leak),
    DUPLICATES_ACROSS_SPLITS,
    Check("lookups_matched", False, "Lookups know the rows", _has_lookups, lookups_matched),
    Check("known_in_time", False, "Lookups give what was known in time", _has_point_in_time, known_in_time),
)
"""The checks that this library brings, in the order in which they run."""


def applicable_checks(scope: Scope) -> tuple[Check[SelectionEvidence], ...]:
    """Return the checks of the staged rows of a dataset: those of this library, then its quality rules."""
    return (*(each for each in CHECKS if each.applies(scope)), *quality_checks(scope.dataset))


def audit(evidence: SelectionEvidence, earlier: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Run every check that applies and return all results after the `earlier` ones.

    Raises AuditError with all results if a blocking check failed.
    """
    return run_checks(applicable_checks(evidence.scope), evidence, earlier)
