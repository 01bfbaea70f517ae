"""The checks that need the rows alone: they run for datasets, and for the outputs of Projects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlglot import exp

from dataset_assets.checks.duplicate_keys import duplicate_keys, first_key
from dataset_assets.checks.results import CheckFinding, CheckResult, raise_failed
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalType, Relation
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import alias_table, column
from dataset_assets.sql.internal_names import NO_NAMES, Names
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class Evidence:
    """The material of the checks of rows: the scope of the dataset, the staged rows, and their statistics.

    `with_deleted` are the staged rows and those that are deleted; None if none is.
    """

    scope: Scope
    staged: exp.Expr
    columns: tuple[PublishedColumn, ...]
    statistics: Statistics
    session: Session
    names: Names = NO_NAMES
    with_deleted: exp.Expr | None = None
    hint: str = "look at the window and the filters"
    """The advice in the message of a check that finds no rows."""
    split_hint: str = ""
    """The advice in the message of a check that finds a part of the split without rows; else the split's."""
    key_hint: str = "add columns in which they differ to natural_key_columns, or remove the duplicates"
    """The advice in the message of a check that finds a natural key more than once."""

    @property
    def dataset(self) -> Dataset:
        """The dataset whose rows are checked."""
        return self.scope.dataset


_E_contra = TypeVar("_E_contra", bound=Evidence, contravariant=True)


@dataclass(frozen=True)
class Check(Generic[_E_contra]):
    """A named check, the datasets that it `applies` to, and the function that finds its result.

    A check `of_row_count` judges how many rows there are, which says nothing of a sample.
    """

    name: str
    blocking: bool
    description: str
    applies: Callable[[Scope], bool]
    find: Callable[[_E_contra], CheckFinding]
    of_row_count: bool = False

    def run(self, evidence: _E_contra) -> CheckResult:
        """Run the check on the staged rows."""
        passed, message, metadata = self.find(evidence)
        return CheckResult(self.name, passed, self.blocking, message, metadata)


def run_checks(
    checks: Sequence[Check[_E_contra]], evidence: _E_contra, earlier: Sequence[CheckResult]
) -> tuple[CheckResult, ...]:
    """Run the checks that apply to the dataset, and return all results after the `earlier` ones.

    Raises AuditError with all results if a blocking check failed.
    """
    results = (*earlier, *(each.run(evidence) for each in checks if each.applies(evidence.scope)))
    raise_failed(results)
    return results


def not_empty(evidence: Evidence) -> CheckFinding:
    """Check that rows were selected, unless the dataset declares `allow_empty` (BR-129)."""
    rows = evidence.statistics.row_count
    allowed = evidence.dataset.allow_empty
    passed = rows > 0 or allowed
    hint = "" if passed else f"; {evidence.hint}, or say `allow_empty: true`"
    return passed, f"{rows:,} rows were selected{hint}", {"rows": rows}


def natural_key_unique(evidence: Evidence) -> CheckFinding:
    """Check that no two rows have the same natural key."""
    names = evidence.dataset.natural_key_columns
    sensitive = {c.name.lower() for c in evidence.columns if c.sensitive}
    keys = [column(name) for name in names]
    internal = evidence.names
    rows = evidence.staged if evidence.with_deleted is None else evidence.with_deleted
    staged = alias_table(rows, internal.free("staged"))
    count, sample = duplicate_keys(evidence.session, staged, keys, sensitive, internal)
    key = ", ".join(names)
    if not count:
        return True, f"every ({key}) is there once", {}
    words = (
        f"{count:,} values of the natural key ({key}) are there more than once, such as {first_key(sample)}"
    )
    return False, f"{words}; {evidence.key_hint}", {"count": count, "sample": sample}


def split_not_empty(evidence: Evidence) -> CheckFinding:
    """Check that every part of the split has rows."""
    config = evidence.dataset.split_config
    sizes = evidence.statistics.splits
    advice = f"; {evidence.split_hint or (config.empty_hint if config else '')}"
    values = config.values if config else ()
    missing = [NAMES[value] for value in values if not sizes.get(NAMES[value])]
    words = ", ".join(f"{NAMES[value]} {sizes.get(NAMES[value], 0):,}" for value in values)
    passed = not missing or (evidence.statistics.row_count == 0 and evidence.dataset.allow_empty)
    problem = "" if passed else f": {' and '.join(missing)} would be empty{advice}"
    return passed, f"rows in the split: {words}{problem}", dict(sizes)


def duplicates_across_splits(evidence: Evidence) -> CheckFinding:
    """Check that rows equal in all but identifying columns are in one part of the split (BR-137)."""
    found = evidence.statistics.duplicates
    rows = (found.across_splits or 0) if found else 0
    if not rows:
        return True, "no row is in more than one part of the split", {"rows": rows}
    keys = [f"`{name}`" for name in evidence.dataset.natural_key_columns]
    apart = f" but for the key {', '.join(keys)}" if keys else ""
    words = f"{rows:,} rows equal rows of another part of the split{apart}"
    return False, f"{words}; split by columns that they share, as `unit`", {"rows": rows}


def always(scope: Scope) -> bool:  # noqa: ARG001
    """Return that a check applies to every dataset."""
    return True


def has_key(scope: Scope) -> bool:
    """Return whether a natural key has one row: in a bitemporal table it has one for each valid time."""
    return bool(scope.dataset.natural_key_columns) and not scope.dataset.main_table.bitemporal


def is_split_once(scope: Scope) -> bool:
    """Return whether each row has one part: a bitemporal table has a row again for each valid time."""
    return has_split(scope) and not scope.dataset.main_table.bitemporal


def has_split(scope: Scope) -> bool:
    """Return whether the rows of a dataset are split."""
    return scope.dataset.split_config is not None


NOT_EMPTY = Check[Evidence]("not_empty", True, "There are rows, or none are allowed", always, not_empty, True)
NATURAL_KEY_UNIQUE = Check[Evidence](
    "natural_key_unique", True, "No two rows have the same natural key", has_key, natural_key_unique
)
SPLIT_NOT_EMPTY = Check[Evidence](
    "split_not_empty", True, "Train, eval and test have rows", has_split, split_not_empty, True
)

DUPLICATES_ACROSS_SPLITS = Check[Evidence](
    "duplicates_across_splits",
    False,
    "No row is in several parts of the split",
    is_split_once,
    duplicates_across_splits,
)

OUTPUT_CHECKS: tuple[Check[Evidence], ...] = (NOT_EMPTY, NATURAL_KEY_UNIQUE, SPLIT_NOT_EMPTY)
"""The checks that the operations of a Project can make fail."""

DECLARED_SCHEMA = "declared_schema"


def declared_schema(staged: Relation, columns: Sequence[PublishedColumn]) -> CheckResult:
    """Check that the staged rows have exactly the declared columns; resolving checks the sources' columns."""
    found = {physical.name: physical.type for physical in staged.columns if not physical.name.startswith("_")}
    wanted = {each.name: PhysicalType(each.type.value) for each in columns}
    passed = found == wanted
    many = f"{len(wanted)} column{'s' * (len(wanted) != 1)}"
    message = f"{many}, as declared" if passed else f"declared {wanted}, staged {found}"
    return CheckResult(DECLARED_SCHEMA, passed, True, message)
