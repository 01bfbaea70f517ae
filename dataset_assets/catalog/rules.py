"""Every rule that looks at more than one field of a Dataset, and where the others are enforced.

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

from dataset_assets.catalog.rule_input import CheckFinding, Loc, RuleInput
from dataset_assets.catalog.selection_rules import SELECTION_RULES
from dataset_assets.catalog.setting_rules import SETTING_RULES
from dataset_assets.catalog.structure_rules import STRUCTURE_RULES
from dataset_assets.errors import MOST_FAULTS, Fault, more_faults
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.reader import Document

RULES = (*SETTING_RULES, *STRUCTURE_RULES, *SELECTION_RULES)
ROOT = "dataset"


def check(about: RuleInput, document: Document) -> tuple[Fault, ...]:
    """The faults that the rules find, each at its place in the file, at most one a place.

    Of very many the first are told, and how many more there are.
    """
    found: dict[Loc, CheckFinding] = {}
    for rule in RULES:
        for finding in rule(about):
            if about.is_sound(finding):
                found.setdefault(finding.loc, finding)
    placed = sorted(found.values(), key=lambda finding: document.position((ROOT, *finding.loc)))
    faults = [_fault(finding, document) for finding in placed[:MOST_FAULTS]]
    more = len(placed) - len(faults)
    return (*faults, more_faults(more, faults[-1].position)) if more else tuple(faults)


def _fault(finding: CheckFinding, document: Document) -> Fault:
    path = (ROOT, *finding.loc)
    field = dotted(path) if finding.loc else ""
    hint = finding.hint if isinstance(finding.hint, str) else finding.hint()
    return Fault(finding.message, field, hint, document.position(path))
