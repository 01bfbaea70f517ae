"""Drift checks: compare a publication's statistics with those of earlier publications of its dataset.

Only records are compared; no rows are read. With Periods the earlier publications are those of the preceding
Periods, whenever they were made. The results are not stored: the publications compared with may change.

To add a drift check, write one function from `Comparison` to `CheckFinding` and add one entry to
`DRIFT_CHECKS`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dataset_assets.checks.history import EarlierPublication
from dataset_assets.checks.results import CheckFinding, CheckResult
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.monitoring import Drift
from dataset_assets.selection.splits import NAMES
from dataset_assets.stats.listing import TOP
from dataset_assets.stats.statistics import ColumnStatistics, Statistics
from dataset_assets.text.rounding import number_text, rounded
from dataset_assets.text.wording import listed, shown


@dataclass(frozen=True)
class Comparison:
    """A publication's statistics, the earlier publications, the oldest first, and the declared limits."""

    drift: Drift
    now: Statistics
    past: tuple[EarlierPublication, ...]


@dataclass(frozen=True)
class DriftCheck:
    """A named drift check, the declarations that it `applies` to, and the function that finds its result."""

    name: str
    description: str
    applies: Callable[[Drift], bool]
    find: Callable[[Comparison], CheckFinding]


def drift_checks(dataset: Dataset) -> tuple[DriftCheck, ...]:
    """Return the drift checks that the dataset declares."""
    drift = dataset.drift
    return tuple(check for check in DRIFT_CHECKS if check.applies(drift)) if drift else ()


def drift_results(
    dataset: Dataset, now: Statistics, past: tuple[EarlierPublication, ...]
) -> tuple[CheckResult, ...]:
    """Return a result for each declared drift check; none of them blocks."""
    if dataset.drift is None:
        return ()
    comparison = Comparison(dataset.drift, now, past)
    return tuple(_result(check, comparison) for check in drift_checks(dataset))


def _result(check: DriftCheck, comparison: Comparison) -> CheckResult:
    if not comparison.past:
        message = "there is no earlier publication to compare with yet"
        return CheckResult(check.name, passed=True, blocking=False, message=message)
    passed, message, metadata = check.find(comparison)
    return CheckResult(check.name, passed, blocking=False, message=message, metadata=metadata)


def row_count(comparison: Comparison) -> CheckFinding:
    """Compare the number of rows with the mean, in percent."""
    limit, rows = comparison.drift.row_count or Decimal(0), comparison.now.row_count
    mean = _mean(Fraction(each.statistics.row_count) for each in comparison.past)
    figures = {"rows": rows, "mean": float(mean), "compared": _names(comparison.past)}
    if mean == 0:
        allowed = f"{_reference(comparison.past)} had none"
        return rows == 0, f"{rows:,} rows, and {allowed}", figures
    percent = 100 * (rows - mean) / mean
    passed = abs(percent) <= limit
    difference = _away(percent, limit, " %", "fewer than", "more than") if percent else "as many as"
    reference = _reference(comparison.past, f"{number_text(mean)}; ")
    message = f"{rows:,} rows, {difference} {_of_mean(comparison.past)}{reference}; {limit} % is allowed"
    return passed, message, figures | {"percent": float(percent)}


def split_share(comparison: Comparison) -> CheckFinding:
    """Compare each split's share of the rows, in percentage points."""
    now, past = comparison.now, tuple(each for each in comparison.past if each.statistics.splits)
    if not now.splits or not past:
        return True, "there are no rows whose shares could be compared", {}
    names = {name for each in (now, *(one.statistics for one in past)) for name in each.splits}
    found = {
        name: (_share(now, name), _mean(_share(each.statistics, name) for each in past))
        for name in NAMES.values()
        if name in names
    }
    return _points("share of the rows", found, comparison.drift.split_share, past)


def null_percent(comparison: Comparison) -> CheckFinding:
    """Compare the NULLs of each column, in percentage points; new columns are left out."""
    past = _with_rows(comparison.past)
    found = {}
    for name in comparison.now.columns:
        before = [_nulls(each.statistics, name) for each in past if name in each.statistics.columns]
        if before and comparison.now.row_count:
            found[name] = (_nulls(comparison.now, name), _mean(before))
    if not found:
        return True, "there are no rows whose NULLs could be compared", {}
    return _points("NULLs", found, comparison.drift.null_percent, past)


def categories(comparison: Comparison) -> CheckFinding:
    """Find new values of string columns, and values that all earlier publications had and this one lacks."""
    past = _with_rows(comparison.past)
    found = {
        name: _values(column, [each.statistics.columns[name] for each in past])
        for name, column in comparison.now.columns.items()
        if past and _has_listed_values(column) and all(_is_complete(each.statistics, name) for each in past)
    }
    if not found or not comparison.now.row_count:
        return True, f"no string column had few enough values to be compared (at most {TOP})", {}
    against = f"compared with {_reference(past)}"
    changed = {name: (text, values) for name, (text, values) in found.items() if text}
    if not changed:
        return True, f"no new value and none gone in {listed(found)}; {against}", {}
    words = "; ".join(f"{name}: {text}" for name, (text, _) in changed.items())
    return False, f"{words}; {against}", {name: values for name, (_, values) in changed.items()}


DRIFT_CHECKS: tuple[DriftCheck, ...] = (
    DriftCheck(
        "drift_row_count", "About as many rows as before", lambda it: it.row_count is not None, row_count
    ),
    DriftCheck(
        "drift_split_share", "Split about as before", lambda it: it.split_share is not None, split_share
    ),
    DriftCheck(
        "drift_null_percent", "About as many NULLs", lambda it: it.null_percent is not None, null_percent
    ),
    DriftCheck("drift_categories", "The same values in columns of few", lambda it: it.categories, categories),
)


def _points(
    noun: str,
    found: Mapping[str, tuple[Fraction, Fraction]],
    given: Decimal | None,
    past: tuple[EarlierPublication, ...],
) -> CheckFinding:
    """Compare percentages now with earlier ones, each by name, in percentage points."""
    limit = given or Decimal(0)
    points = {name: now - before for name, (now, before) in found.items()}
    worst = sorted(points, key=lambda name: -abs(points[name]))  # stable: else in the order of the columns
    beyond = [name for name in worst if abs(points[name]) > limit]
    changes = [
        f"{name} {number_text(found[name][0])} % instead of {number_text(found[name][1])} % "
        f"({_away(points[name], limit, ' points', 'less', 'more')})"
        for name in beyond
    ]
    largest = abs(points[worst[0]])
    calm = f"at most {rounded(largest, limit)} points away ({worst[0]})" if largest else "all as before"
    against = f"against {_of_mean(past)}{_reference(past)}, {limit} points are allowed"
    metadata = {name: {"percent": float(found[name][0]), "mean": float(found[name][1])} for name in beyond}
    return not beyond, f"{noun}: {listed(changes) or calm}; {against}", metadata


def _values(now: ColumnStatistics, past: Iterable[ColumnStatistics]) -> tuple[str, Mapping[str, object]]:
    """Return the new and the missing values, in words and as lists; the words are empty if there are none."""
    values, before = _listed_values(now), [_listed_values(each) for each in past]
    ever, always = set[str]().union(*before), set(before[0]).intersection(*before)
    new = sorted(set(values) - ever)
    unnamed = max(now.cardinality - len(ever) - len(new), 0) if now.cardinality > TOP else 0
    gone = [] if now.cardinality > TOP else sorted(always.difference(values))
    named = [listed(map(shown, new))] if new else []
    more = [f"at least {unnamed:,} more" if new else f"at least {unnamed:,}"] if unnamed else []
    words = [f"new {' and '.join([*named, *more])}"] if new or unnamed else []
    words += [f"gone {listed(map(shown, gone))}"] if gone else []
    return ", ".join(words), {"new": new, "gone": gone}


def _listed_values(column: ColumnStatistics) -> list[str]:
    return [str(each.value) for each in column.top_values]


def _has_listed_values(column: ColumnStatistics) -> bool:
    return column.type == ColumnType.STRING and not column.sensitive


def _is_complete(statistics: Statistics, name: str) -> bool:
    """Return whether the record lists all values of the column, not only the most frequent."""
    column = statistics.columns.get(name)
    return column is not None and _has_listed_values(column) and column.cardinality == len(column.top_values)


def _with_rows(past: Iterable[EarlierPublication]) -> tuple[EarlierPublication, ...]:
    """Return the publications with rows: without rows there are no percentages."""
    return tuple(each for each in past if each.statistics.row_count)


def _share(statistics: Statistics, name: str) -> Fraction:
    return Fraction(100 * statistics.splits.get(name, 0), statistics.row_count)


def _nulls(statistics: Statistics, name: str) -> Fraction:
    return Fraction(100 * statistics.columns[name].null_count, statistics.row_count)


def _mean(values: Iterable[Fraction]) -> Fraction:
    found = list(values)
    return sum(found, Fraction(0)) / len(found)


def _names(past: Iterable[EarlierPublication]) -> list[str]:
    return [each.name for each in past]


def _of_mean(past: Collection[EarlierPublication]) -> str:
    return "the mean of " if len(past) > 1 else ""


def _reference(past: tuple[EarlierPublication, ...], mean: str = "") -> str:
    """Describe the earlier publications: `the last 3 publications (20,920; 2024-01 to 2024-03)`."""
    names = list(dict.fromkeys(_names(past)))
    span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    number = "the last publication" if len(past) == 1 else f"the last {len(past)} publications"
    return f"{number} ({mean}{span})"


def _away(difference: Fraction, limit: Decimal, unit: str, fewer: str, more: str) -> str:
    return f"{rounded(abs(difference), limit)}{unit} {fewer if difference < 0 else more}"
