"""Check the rows against the quality rules of the file (BR-133).

To add a kind of rule, add its class to `contract/quality.py`, write one function that checks it, and add the
function to `FINDERS`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlglot import exp

from dataset_assets.checks.duplicate_keys import duplicate_keys, first_key
from dataset_assets.checks.results import CheckFinding
from dataset_assets.checks.row_checks import Check, always
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.quality import (
    ConditionRule,
    QualityRule,
    ReferencesRule,
    RowCountRule,
    ShareRule,
    UniqueRule,
)
from dataset_assets.sql.build import column


def quality_checks(dataset: Dataset) -> tuple[Check[SelectionEvidence], ...]:
    """Return the checks of the dataset's quality rules, in the order of the file."""
    return tuple(_check(rule) for rule in dataset.quality)


def _check(rule: QualityRule) -> Check[SelectionEvidence]:
    find = next(each for kind, each in FINDERS.items() if isinstance(rule, kind))
    counts = isinstance(rule, RowCountRule)
    return Check(rule.check_name, rule.blocks, rule.name, always, partial(find, rule), counts)


def _condition(rule: ConditionRule, evidence: SelectionEvidence) -> CheckFinding:
    return _share(rule, evidence, evidence.broken_conditions[rule.name])


def _references(rule: ReferencesRule, evidence: SelectionEvidence) -> CheckFinding:
    unmatched = {name.lower(): count for name, count in evidence.matching.unmatched.items()}
    return _share(rule, evidence, unmatched[rule.lookup.lower()])


def _share(rule: ShareRule, evidence: SelectionEvidence, broken: int) -> CheckFinding:
    rows = evidence.statistics.row_count
    percent = round(100 * broken / rows, 4) if rows else 0.0
    words = f"{broken:,} of {rows:,} rows break the rule" if broken else f"all {rows:,} rows keep the rule"
    metadata = {"broken": broken, "rows": rows, "percent_broken": percent}
    return rule.kept_by(rows, broken), _sentence(rule, evidence, words), metadata


def _unique(rule: UniqueRule, evidence: SelectionEvidence) -> CheckFinding:
    names, sensitive = rule.columns, evidence.sensitive
    known = exp.select("*").from_(evidence.staged.copy())
    known = known.where(*(exp.not_(column(name).is_(exp.null())) for name in names))
    rows, hidden = known.subquery(evidence.names.free("staged")), {name.lower() for name in sensitive}
    keys = [column(name) for name in names]
    count, sample = duplicate_keys(evidence.session, rows, keys, hidden, evidence.names)
    if not count:
        return True, _sentence(rule, evidence, "there are none"), {}
    words = f"{count:,} are there more than once, such as {first_key(sample)}"
    return False, _sentence(rule, evidence, words), {"count": count, "sample": sample}


def _row_count(rule: RowCountRule, evidence: SelectionEvidence) -> CheckFinding:
    rows = evidence.statistics.row_count
    passed = (rule.min is None or rows >= rule.min) and (rule.max is None or rows <= rule.max)
    return passed, _sentence(rule, evidence, f"{rows:,} were selected"), {"rows": rows}


def _sentence(rule: QualityRule, evidence: SelectionEvidence, found: str) -> str:
    return f"{rule.words(evidence.sensitive)}: {found}"


FINDERS: Mapping[type[QualityRule], Callable[[Any, SelectionEvidence], CheckFinding]] = {
    ConditionRule: _condition,
    ReferencesRule: _references,
    UniqueRule: _unique,
    RowCountRule: _row_count,
}
"""How each kind of rule is checked."""
