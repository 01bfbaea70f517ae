"""Read the quality rules of an ODCS contract as quality rules of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, count
from typing import Any

from dataset_assets.interchange.odcs_quality import DUPLICATES, ROW_COUNT, RULE
from dataset_assets.model import is_identifier
from dataset_assets.text.values import without_none
from dataset_assets.text.wording import shown

_BLOCKING = frozenset({"error", "critical", "blocker", "high"})
"""Severities of which nothing is published if the rule is broken."""
_OPERATORS = frozenset(
    {"mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan"}
    | {"mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween"}
)

Path = tuple[str | int, ...]
Remark = Callable[[str, Path, str], None]
Rule = dict[str, Any]


@dataclass
class Rules:
    """Collects the rules of a table in `written`; `remark` receives the parts that cannot be imported."""

    remark: Remark
    written: list[Rule] = field(default_factory=list)

    def read_all(self, rules: Any, path: Path, column: str | None) -> None:
        """Read the rules of the table, or of one `column`."""
        for number, given in enumerate(rules if isinstance(rules, list) else []):
            here = (*path, number)
            rule = self._rule(given, here, column) if isinstance(given, dict) else None
            if rule is None:
                continue
            severity = str(given.get("severity")).lower()
            blocks = {"severity": "block"} if severity in _BLOCKING else {}
            self._add({**rule, **blocks}, str(given.get("name") or ""), column)

    def read_column(self, given: Mapping[str, Any], column: str, kind: str, path: Path) -> None:
        """Read the rules of a column's values: `unique`, bounds, rules."""
        if given.get("unique") == "true":
            self._add({"type": "unique", "columns": [column]}, "", column)
        options = given.get("logicalTypeOptions")
        options = dict(options) if isinstance(options, dict) else {}
        bounds = {"min": options.pop("minimum", None), "max": options.pop("maximum", None)}
        if any(bounds.values()) and kind != "string":
            self._add({"type": "between", "column": column, **without_none(bounds)}, "", column)
        for name in options:
            hint = "write a rule of the type `where` if rows have to keep it"
            self.remark("is not carried", (*path, "logicalTypeOptions", name), hint)
        self.read_all(given.get("quality"), (*path, "quality"), column)

    def _add(self, rule: Rule, name: str, column: str | None) -> None:
        """Add a rule under a free name: its own, or one that is made of its kind and column."""
        wanted = name if is_identifier(name) else "_".join(filter(None, (column, rule["type"])))
        taken = {each["name"].lower() for each in self.written}
        names = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        free = next(each for each in names if each.lower() not in taken)
        kind = rule.pop("type")
        self.written.append({"type": kind, "name": free, **rule})

    def _rule(self, given: Mapping[str, Any], path: Path, column: str | None) -> Rule | None:
        own = self._own(given)
        if own is not None:
            return self._carried(own, path)
        metric = given.get("metric") or given.get("rule")
        read = _METRICS.get(str(metric))
        rule = read(given, column) if read else None
        if rule is None:
            kind = given.get("type") or "library"
            what = f"metric {shown(metric)}" if metric else f"type {shown(kind)}"
            hint = "write it as `where`, `between`, `unique` or `row_count`: docs/quality.md"
            self.remark(f"a rule of the {what} is not carried", path, hint)
        return rule

    @staticmethod
    def _own(given: Mapping[str, Any]) -> Rule | None:
        """Return the rule that this library wrote into a contract; None if there is none."""
        properties = given.get("customProperties")
        for each in properties if isinstance(properties, list) else []:
            value = each.get("value") if isinstance(each, dict) and each.get("property") == RULE else None
            if isinstance(value, dict) and isinstance(value.get("type"), str):
                return dict(value)
        return None

    def _carried(self, rule: Rule, path: Path) -> Rule | None:
        if rule.get("type") != "references":
            return rule
        hint = "add the lookup and the rule: a contract has published columns alone"
        self.remark(f"the rule on the lookup {shown(rule.get('lookup'))} is not carried", path, hint)
        return None


def _row_count(given: Mapping[str, Any], _: str | None) -> Rule | None:
    """Return the bounds of a number of rows, which are whole numbers; None if they are not such bounds."""
    found = {name: given[name] for name in _OPERATORS if name in given}
    if len(found) != 1 or _percent_unit(given):
        return None
    [(operator, value)] = found.items()
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) and each.isdigit() for each in values):
        return None
    low = values[0]
    bounds: Mapping[str, dict[str, Any]] = {
        "mustBe": {"min": low, "max": low},
        "mustBeGreaterThan": {"min": str(int(low) + 1)},
        "mustBeGreaterOrEqualTo": {"min": low},
        "mustBeLessThan": {"max": str(int(low) - 1)} if int(low) else {},
        "mustBeLessOrEqualTo": {"max": low},
        "mustBeBetween": {"min": low, "max": values[-1]},
    }
    return {"type": "row_count", **bounds[operator]} if bounds.get(operator) else None


def _duplicates(given: Mapping[str, Any], column: str | None) -> Rule | None:
    arguments = given.get("arguments")
    named = arguments.get("properties") if isinstance(arguments, dict) else None
    columns = named if isinstance(named, list) and named else [column] if column else []
    return {"type": "unique", "columns": columns} if columns and given.get("mustBe") == "0" else None


def _nulls(given: Mapping[str, Any], column: str | None) -> Rule | None:
    """Return a rule that a column has a value, in all rows or in most of them."""
    percent = _most_broken(given)
    if column is None or percent is None:
        return None
    return {"type": "where", "where": f'"{column}" IS NOT NULL', **percent}


def _invalid(given: Mapping[str, Any], column: str | None) -> Rule | None:
    """Return a rule that the texts of a column are some of a list; NULL keeps it."""
    arguments, percent = given.get("arguments"), _most_broken(given)
    valid = arguments.get("validValues") if isinstance(arguments, dict) and len(arguments) == 1 else None
    is_list = isinstance(valid, list) and valid and all(isinstance(each, str) for each in valid)
    if column is None or percent is None or not is_list:
        return None
    texts = ", ".join("'" + each.replace("'", "''") + "'" for each in valid or [])
    return {"type": "where", "where": f'"{column}" IS NULL OR "{column}" IN ({texts})', **percent}


def _most_broken(given: Mapping[str, Any]) -> dict[str, str] | None:
    """Return how many of the rows have to keep a rule: all, or a percentage; None if it is another limit."""
    if given.get("mustBe") == "0" or given.get("mustBeLessOrEqualTo") == "0":
        return {}
    most = given.get("mustBeLessOrEqualTo")
    if not _percent_unit(given) or not isinstance(most, str) or not most.replace(".", "", 1).isdigit():
        return None
    kept = 100 - Decimal(most)
    return {"percent": f"{kept.normalize():f}"} if kept > 0 else None


def _percent_unit(given: Mapping[str, Any]) -> bool:
    return str(given.get("unit")).lower() in {"percent", "%"}


_METRICS: Mapping[str, Callable[[Mapping[str, Any], str | None], Rule | None]] = {
    ROW_COUNT: _row_count,
    DUPLICATES: _duplicates,
    "duplicateCount": _duplicates,
    "nullValues": _nulls,
    "invalidValues": _invalid,
}
"""The metrics of ODCS that a rule of a dataset can express; `duplicateCount` is the name before v3.1."""
