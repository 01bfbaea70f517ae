"""Parts of a dataset's structure in words, as sentences about a difference use them.

The parts are those of the canonical structural form, also of versions that were locked long ago. A part that
is not known here is None in words; its difference is then shown by its settings.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dataset_assets.text.wording import listed

Part = Mapping[str, Any]

_MOST = 6
_UNFILTERED = {
    "date_range": "all rows",
    "product_filter": "every product",
    "customer_filter": "every customer",
}


def filter_words(setting: str, part: Part | None) -> str | None:
    """Return what a setting of `filters` selects: `the last 6 months`; None if its kind is not known."""
    if part is None:
        return {
            "date_range": "all rows",
            "product_filter": "every product",
            "customer_filter": "every customer",
        }[setting]
    words = _FILTERS.get(str(part.get("type")))
    return words(part) if words else None


def split_words(part: Part | None) -> str | None:
    """Return how rows are split: `the last 14 days evaluate`; None if the strategy is not known."""
    if part is None:
        return "there is no split"
    words = _SPLITS.get(str(part.get("strategy")))
    return words(part) if words else None


def join_words(conditions: Sequence[Part]) -> str:
    """Return join conditions: `a = b and c = d`."""
    return " and ".join(f"`{each['source_column']}` = `{each['target_column']}`" for each in conditions)


_KNOWLEDGE = {"as_known": "as known then", "latest_knowledge": "by the latest knowledge"}


def as_of_words(part: Part | None) -> str:
    """Return as of when a lookup is read: `as of the row's time by `changed_at`, at most 90d old`."""
    if part is None:
        return "as it is"
    start, end = part.get("from"), part.get("to")
    if part.get("knowledge"):
        row_time = f"`{part['at']}`" if part.get("at") else "the row's time"
        by = f" by `{part['period']}`" if part.get("period") else ""
        return f"as of {row_time}, {_KNOWLEDGE[part['knowledge']]}{by}"
    by = f"from `{start}` to `{end}`" if end else f"by `{part['column']}`"
    row_time = f"`{part['at']}`" if part.get("at") else "the row's time"
    words = [f"as of {row_time} {by}"]
    words += [f"at most {part['max_age']} old"] if part.get("max_age") else []
    words += [f"latest by {key_words(part['latest_by'])}"] if part.get("latest_by") else []
    return ", ".join(words)


def key_words(columns: Sequence[str] | None) -> str:
    """Return the columns of a natural key, or that there is none."""
    return ", ".join(f"`{name}`" for name in columns) if columns else "none"


def _days(number: int) -> str:
    return f"{number} day{'s' * (number != 1)}"


def _rolling(part: Part) -> str:
    months = part["months"]
    return f"the last {months} months" if months != 1 else "the last month"


def _time_based(part: Part) -> str:
    text = f"the last {_days(part['eval_days'])} evaluate"
    if test := part.get("test_days"):
        text = f"the last {_days(test)} test, the {_days(part['eval_days'])} before them evaluate"
    gap = part.get("gap_days")
    return f"{text}, with a gap of {_days(gap)} before" if gap else text


def _random(part: Part) -> str:
    test = f", {part['test_percent']} % test" if part.get("test_percent") else ""
    seed = f" (seed {part['seed']})" if part.get("seed") else ""
    without = _NULL_UNITS.get(part.get("null_unit", ""), "")
    units = _units(part.get("unit", "row"))
    return f"{part['train_percent']} % of the {units} train{test}, at random{seed}{without}"


_NULL_UNITS: Mapping[str, str] = {
    "row": ", each row without a unit by itself",
    "error": ", no row may be without a unit",
}


def _units(unit: str | Sequence[str]) -> str:
    """Return the units of a split in the plural: `rows`, or `values of `a`, `b``."""
    return f"{unit}s" if isinstance(unit, str) else f"values of {key_words(unit)}"


def fold_words(part: Part | None) -> str:
    """Return the folds of a split: `5`, or `none`."""
    return str((part or {}).get("folds") or "none")


_FILTERS: Mapping[str, Callable[[Part], str]] = {
    "rolling": _rolling,
    "fixed": lambda part: f"{part['start_date']} to {part['end_date']}",
    "top_revenue_percent": lambda part: f"the top {part['value']} % of the products by revenue",
    "cumulative_revenue_percent": lambda part: f"the products that earn {part['value']} % of the revenue",
    "categories": lambda part: f"products of {listed(map(str, part['value']), _MOST)}",
    "min_transactions": lambda part: f"customers with at least {part['value']} transactions",
}
"""The type of a filter → its words. One without settings (`none`) is absent in the structural form."""

_SPLITS: Mapping[str, Callable[[Part], str]] = {"time_based": _time_based, "random": _random}
