"""Convert quality rules to those of an ODCS contract: metrics of its library, or SQL over the table."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.quality import (
    ConditionRule,
    QualityRule,
    ReferencesRule,
    RowCountRule,
    Severity,
    UniqueRule,
)
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.where_types import where_types
from dataset_assets.sql.build import column, number, table
from dataset_assets.sql.dialect import Dialect
from dataset_assets.text.values import without_none

RULE = "datasetAssetsRule"
"""The custom property with a rule as a dataset's file has it, which the import reads."""
SEVERITIES: Mapping[Severity, str] = {Severity.WARN: "warning", Severity.BLOCK: "error"}
ROW_COUNT, DUPLICATES = "rowCount", "duplicateValues"


def schema_quality(stem: str, dataset: Dataset, scope: Scope, dialect: Dialect) -> Iterator[dict[str, Any]]:
    """Yield the quality rules of a dataset as rules of the table `stem`, in the order of the file.

    A condition on rows is a query that counts the rows, or the percentage of the rows, that break it; rows
    that were deleted by hand do not count. A rule on a lookup is a text: the lookup is not published. So is a
    condition with values of a sensitive column (BR-206).
    """
    types = where_types((each.name, each.definition.type.value) for each in scope.outputs)
    sensitive = {each.name for each in scope.outputs if each.definition.sensitive}
    for rule in dataset.quality:
        write = next(each for kind, each in _WRITERS.items() if isinstance(rule, kind))
        about = {
            "name": rule.name,
            "description": rule.words(sensitive),
            "severity": SEVERITIES[rule.severity],
        }
        if rule.is_masked(sensitive):
            yield {**about, "type": "text", "dimension": "conformity"}
        else:
            yield {**about, **write(rule, stem, types, dialect)}


def _condition(rule: ConditionRule, stem: str, types: Mapping[str, str], dialect: Dialect) -> dict[str, Any]:
    is_kept = rule.condition(types).condition()
    source = table(stem)
    visible = exp.not_(column("_deleted"))
    if rule.percent == 100:
        is_broken = exp.Case(ifs=[exp.If(this=is_kept, true=exp.false())], default=exp.true())
        query = exp.select(exp.Count(this=exp.Star())).from_(source).where(visible, is_broken)
        found = {"query": dialect.render(query), "mustBe": 0, "unit": "rows"}
    else:
        broken = exp.Case(ifs=[exp.If(this=is_kept, true=number(0))], default=number(100))
        share = exp.Coalesce(this=exp.Avg(this=broken), expressions=[number(0)])
        query = exp.select(share).from_(source).where(visible)
        most = float(100 - rule.percent)
        found = {"query": dialect.render(query), "mustBeLessOrEqualTo": most, "unit": "percent"}
    return {"type": "sql", "dimension": "conformity", **found, "customProperties": [_own(rule)]}


def _unique(rule: UniqueRule, *_: Any) -> dict[str, Any]:
    return {
        "type": "library",
        "dimension": "uniqueness",
        "metric": DUPLICATES,
        "arguments": {"properties": list(rule.columns)},
        "mustBe": 0,
    }


def _row_count(rule: RowCountRule, *_: Any) -> dict[str, Any]:
    bounds: dict[str, Any] = {"mustBeGreaterOrEqualTo": rule.min, "mustBeLessOrEqualTo": rule.max}
    if rule.min is not None and rule.max is not None:
        bounds = {"mustBe": rule.min} if rule.min == rule.max else {"mustBeBetween": [rule.min, rule.max]}
    return {
        "type": "library",
        "dimension": "completeness",
        "metric": ROW_COUNT,
        **without_none(bounds),
        "unit": "rows",
    }


def _references(rule: ReferencesRule, *_: Any) -> dict[str, Any]:
    return {"type": "text", "dimension": "consistency", "customProperties": [_own(rule)]}


def _own(rule: QualityRule) -> dict[str, Any]:
    """Return the custom property with the rule itself."""
    value = rule.model_dump(mode="json", exclude_defaults=True, exclude={"name", "severity"})
    return {"property": RULE, "value": {"type": value.pop("type"), **value}}


_WRITERS: Mapping[type[QualityRule], Callable[..., dict[str, Any]]] = {
    ConditionRule: _condition,
    UniqueRule: _unique,
    RowCountRule: _row_count,
    ReferencesRule: _references,
}
"""How each kind of rule is written."""
