"""Run all checks on the staged rows; if a blocking one fails, nothing is published.

To add a check, write one function from `Evidence` to `CheckFinding` and add one entry to `CHECKS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.checks.duplicate_keys import duplicate_keys, first_key
from dataset_assets.compiler.leakage import leak_concepts, leak_query
from dataset_assets.compiler.lookup_matches import LookupMatches, match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import alias_table, column
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: whether it passed, and a sentence for people."""

    name: str
    passed: bool
    blocking: bool
    message: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AuditError(DatasetAssetsError):
    """Blocking checks failed and nothing was published; `checks` holds the results of all checks that ran."""

    def __init__(self, checks: Sequence[CheckResult]) -> None:
        self.checks = tuple(checks)
        super().__init__(*(Fault(check.message, check.name) for check in checks if _blocks(check)))


@dataclass(frozen=True)
class Evidence:
    """The material of the checks: the inputs of the selection, the staged rows, and their statistics.

    `with_deleted` are the staged rows and those that are deleted; None if none is.
    """

    inputs: SelectionInput
    staged: exp.Expr
    columns: tuple[PublishedColumn, ...]
    statistics: Statistics
    session: Session
    with_deleted: exp.Expr | None = None

    @cached_property
    def matching(self) -> LookupMatches:
        """The rows that each lookup matches; computed once, for the first check that needs it."""
        return match_lookups(self.inputs, self.staged, self.session)


CheckFinding = tuple[bool, str, Mapping[str, Any]]
"""Whether a check passed, a sentence for people, and figures."""


@dataclass(frozen=True)
class Check:
    """A named check, the datasets that it `applies` to, and the function that finds its result."""

    name: str
    blocking: bool
    description: str
    applies: Callable[[Dataset], bool]
    find: Callable[[Evidence], CheckFinding]

    def run(self, evidence: Evidence) -> CheckResult:
        """Run the check on the staged rows."""
        passed, message, metadata = self.find(evidence)
        return CheckResult(self.name, passed, self.blocking, message, metadata)


def not_empty(evidence: Evidence) -> CheckFinding:
    """Check that rows were selected, unless the dataset declares `allow_empty` (BR-129)."""
    rows = evidence.statistics.row_count
    allowed = evidence.inputs.dataset.allow_empty
    passed = rows > 0 or allowed
    hint = "" if passed else "; look at the window and the filters, or say `allow_empty: true`"
    return passed, f"{rows:,} rows were selected{hint}", {"rows": rows}


def not_null(evidence: Evidence) -> CheckFinding:
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


def _nulls_of_sources(evidence: Evidence) -> dict[str, int]:
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


def natural_key_unique(evidence: Evidence) -> CheckFinding:
    """Check that no two rows have the same natural key."""
    names = evidence.inputs.dataset.natural_key_columns
    sensitive = {c.name.lower() for c in evidence.columns if c.sensitive}
    keys = [column(name) for name in names]
    internal = evidence.inputs.names
    rows = evidence.staged if evidence.with_deleted is None else evidence.with_deleted
    staged = alias_table(rows, internal.free("staged"))
    count, sample = duplicate_keys(evidence.session, staged, keys, sensitive, internal)
    key = ", ".join(names)
    if not count:
        return True, f"every ({key}) is there once", {}
    words = (
        f"{count:,} values of the natural key ({key}) are there more than once, such as {first_key(sample)}"
    )
    hint = "add to natural_key_columns what tells these rows apart, or let the source have each once"
    return False, f"{words}; {hint}", {"count": count, "sample": sample}


def split_not_empty(evidence: Evidence) -> CheckFinding:
    """Check that every part of the split has rows."""
    config = evidence.inputs.dataset.split_config
    sizes = evidence.statistics.splits
    values = config.values if config else ()
    missing = [NAMES[value] for value in values if not sizes.get(NAMES[value])]
    words = ", ".join(f"{NAMES[value]} {sizes.get(NAMES[value], 0):,}" for value in values)
    passed = not missing or (evidence.statistics.row_count == 0 and evidence.inputs.dataset.allow_empty)
    problem = "" if passed else f": {' and '.join(missing)} would be empty; look at eval_days and at as-of"
    return passed, f"rows in the split: {words}{problem}", dict(sizes)


def leak(evidence: Evidence) -> CheckFinding:
    """Check that filters keep no product or user only because of eval or test rows (BR-105).

    A product or user has leaked if filters that are fitted on train rows alone would drop it. It is new if it
    has no train row and has not leaked.
    """
    concepts = leak_concepts(evidence.inputs.dataset)
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


def lookups_matched(evidence: Evidence) -> CheckFinding:
    """Check that every row is matched by every lookup."""
    matching = evidence.matching
    lacking = {name: count for name, count in matching.unmatched.items() if count}
    if not lacking:
        return True, "every row is found in every lookup", {}
    words = (f"{name} lacks {count:,} of {matching.rows[name]:,}" for name, count in lacking.items())
    return False, f"rows that a lookup has nothing for: {', '.join(words)}", lacking


def known_in_time(evidence: Evidence) -> CheckFinding:
    """Report what lookups with `as_of` found, and what a plain join would have leaked (BR-132).

    The check fails if rows of a lookup have no time, because nothing can find them.
    """
    matching, found = evidence.matching, evidence.matching.as_of
    words = (counts.sentence(name, matching.rows[name]) for name, counts in found.items())
    metadata = {f"{name}_{each}": n for name, counts in found.items() for each, n in asdict(counts).items()}
    return not any(counts.undated for counts in found.values()), "; ".join(words), metadata


def _always(dataset: Dataset) -> bool:  # noqa: ARG001
    return True


def _has_key(dataset: Dataset) -> bool:
    return bool(dataset.natural_key_columns)


def _has_lookups(dataset: Dataset) -> bool:
    return bool(dataset.lookups)


def _has_point_in_time(dataset: Dataset) -> bool:
    return any(lookup.as_of for lookup in dataset.lookups)


def _has_split(dataset: Dataset) -> bool:
    return dataset.split_config is not None


def _is_for_training(dataset: Dataset) -> bool:
    return dataset.column_mapping is not None and _has_split(dataset)


CHECKS: tuple[Check, ...] = (
    Check("not_empty", True, "There are rows, or none are allowed", _always, not_empty),
    Check("not_null", True, "Columns declared nullable: false have no NULLs", _always, not_null),
    Check("natural_key_unique", True, "The natural key tells rows apart", _has_key, natural_key_unique),
    Check("split_not_empty", True, "Train, eval and test have rows", _has_split, split_not_empty),
    Check("leak", False, "No filter keeps what eval rows alone let stay", _is_for_training, leak),
    Check("lookups_matched", False, "Lookups know the rows", _has_lookups, lookups_matched),
    Check("known_in_time", False, "Lookups give what was known in time", _has_point_in_time, known_in_time),
)

"""All checks of staged rows, in the order in which they run."""


def audit(evidence: Evidence, earlier: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Run every check that applies and return all results after the `earlier` ones.

    Raises AuditError with all results if a blocking check failed.
    """
    dataset = evidence.inputs.dataset
    results = (*earlier, *(check.run(evidence) for check in CHECKS if check.applies(dataset)))
    if any(map(_blocks, results)):
        raise AuditError(results)
    return results


def _blocks(check: CheckResult) -> bool:
    return check.blocking and not check.passed
