"""All rules on a dataset that read more than one field, and the function that checks a file against them.

The other rules hold by the types of the fields:

| rule | where |
|---|---|
| BR-001 exactly one main table | `Dataset.main_table` is required; names: `br_001_table_names_differ` |
| BR-002 lookups are always joined | no key switches one off; names: `br_002_lookup_names_differ` |
| BR-003 at least one join condition | `LookupDef.join_conditions`; its columns: `br_003_join_…` |
| BR-004 sources may differ | no rule: a file knows no location |
| BR-005 table or nested Dataset | `LookupDef.target`; `br_005_nested_…` |
| BR-006 version on structural change | `versions.Lock`; `version_is_known_to_the_lock` |
| BR-007, BR-008 Projects | `projects.py` |
| BR-009 silent on materialisation | unknown keys are errors (`Model`) |
| BR-010 at least one column | `TableRef.columns` |
| BR-011 names unique, no `_` | `br_011_column_names_differ`, `Identifier` |
| BR-012 no `_` in user's names | `Identifier` |
| BR-014 natural key | `br_014_natural_key_exists`; `Scope.outputs` publishes it |
"""

from dataset_assets.catalog.bitemporal_rules import BITEMPORAL_RULES
from dataset_assets.catalog.point_in_time_rules import POINT_IN_TIME_RULES
from dataset_assets.catalog.quality_rules import QUALITY_RULES
from dataset_assets.catalog.rule_input import Loc, RuleInput, RuleViolation
from dataset_assets.catalog.selection_rules import SELECTION_RULES
from dataset_assets.catalog.setting_rules import SETTING_RULES
from dataset_assets.catalog.split_rules import SPLIT_RULES
from dataset_assets.catalog.structure_rules import STRUCTURE_RULES
from dataset_assets.errors import MOST_FAULTS, Fault, more_faults
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.reader import Document

RULES = (
    *SETTING_RULES,
    *STRUCTURE_RULES,
    *POINT_IN_TIME_RULES,
    *BITEMPORAL_RULES,
    *SELECTION_RULES,
    *SPLIT_RULES,
    *QUALITY_RULES,
)
ROOT = "dataset"


def check(inputs: RuleInput, document: Document) -> tuple[Fault, ...]:
    """Return the faults of a file, in the order of the file, at most one for each place.

    If there are more than MOST_FAULTS, the first are returned, and one fault with the number of the rest.
    """
    violations: dict[Loc, RuleViolation] = {}
    for rule in RULES:
        for violation in rule(inputs):
            if inputs.is_certain(violation):
                violations.setdefault(violation.loc, violation)
    ordered = sorted(violations.values(), key=lambda each: document.position((ROOT, *each.loc)))
    faults = [_fault(violation, document) for violation in ordered[:MOST_FAULTS]]
    more = len(ordered) - len(faults)
    return (*faults, more_faults(more, faults[-1].position)) if more else tuple(faults)


def _fault(violation: RuleViolation, document: Document) -> Fault:
    path = (ROOT, *violation.loc)
    field = dotted(path) if violation.loc else ""
    hint = violation.hint if isinstance(violation.hint, str) else violation.hint()
    return Fault(violation.message, field, hint, document.position(path))
