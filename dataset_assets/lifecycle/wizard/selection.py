"""Step 4 of the wizard: window, filters and split."""

import re
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from dataset_assets.lifecycle.wizard.parsing import parse_list, parse_number
from dataset_assets.lifecycle.wizard.question import Choice, Question, wrong
from dataset_assets.lifecycle.wizard.state import NONE, Ask, State
from dataset_assets.model import Model
from dataset_assets.selection.date_range import DateRange, FixedRange, RollingRange
from dataset_assets.selection.filters import (
    Categories,
    CumulativeRevenuePercent,
    CustomerFilter,
    MinTransactions,
    NoFilter,
    ProductFilter,
    TopRevenuePercent,
)
from dataset_assets.selection.random_split import RandomSplit
from dataset_assets.selection.split_config import SplitConfig
from dataset_assets.selection.splits import MOST_DAYS, TimeBasedSplit
from dataset_assets.text.wording import shown

_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\s*(?:to|\.\.|-|,)\s*(\d{4}-\d{2}-\d{2})")
_REVENUE = {
    "cumulative": CumulativeRevenuePercent,
    "cumulative_revenue_percent": CumulativeRevenuePercent,
    "top": TopRevenuePercent,
    "top_revenue_percent": TopRevenuePercent,
}


_ANSWERS: Mapping[type, str] = {
    RollingRange: "rolling {0.months}",
    FixedRange: "{0.start_date} to {0.end_date}",
    CumulativeRevenuePercent: "cumulative {0.value}",
    TopRevenuePercent: "top {0.value}",
    MinTransactions: "{0.value}",
    TimeBasedSplit: "time_based {0.eval_days}",
    RandomSplit: "random {0.train_percent}",
}
"""The answer by which a person would choose a window, a filter or a split."""


def answer_of(value: Model | None) -> str:
    """Return a suggested window, filter or split as a person would answer it."""
    return _ANSWERS.get(type(value), "none").format(value)


def _why(state: State, subject: str) -> str:
    """Return why something is not suggested, empty if nothing says so."""
    return next((each.reason for each in state.suggestions.omitted if each.subject == subject), "")


def _question(state: State, key: str, label: str, text: str, syntax: str) -> Question | None:
    """Return the question about a setting of `filters`, whose default is the suggestion; None if unmapped."""
    if not state.value("mapped"):
        return None
    found = getattr(state.suggestions.filters, key)
    return Question(
        key=key,
        step=4,
        label=label,
        help=text,
        syntax=syntax,
        default=answer_of(found.value if found else None),
        reason=found.reason if found else _why(state, f"filters.{key}"),
    )


def _date_range(state: State) -> Question | None:
    return _question(
        state,
        "date_range",
        label="Date range",
        text="The time range of the rows.",
        syntax="`rolling 6`: the last 6 months before each run. `2024-07-01 to 2024-12-31`: these days, both "
        "included. `none`: all rows.",
    )


def _parse_date_range(state: State, text: str) -> DateRange | None:  # noqa: ARG001
    kind, _, rest = text.strip().partition(" ")
    if text.strip().lower() in NONE:
        return None
    if kind.lower() == "rolling":
        return RollingRange(type="rolling", months=parse_number(rest, "the number of months", 1, 24))
    match = _RANGE.fullmatch(text.strip())
    if not match:
        hint = "write `rolling 6`, `2024-07-01 to 2024-12-31` or `none`"
        raise wrong(f"{shown(text.strip())} is no date range", hint)
    try:
        return FixedRange.model_validate({"type": "fixed", "start_date": match[1], "end_date": match[2]})
    except ValidationError as error:
        raise wrong("; ".join(_reasons(error))) from None


def _reasons(error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        where = ".".join(map(str, detail["loc"]))
        yield f"{where} {detail['msg'].removeprefix('Value error, ')}".strip()


def _product_filter(state: State) -> Question | None:
    return _question(
        state,
        "product_filter",
        label="Product filter",
        text="The products whose rows are selected.",
        syntax="`cumulative 80`: the best sellers that together bring 80 % of the revenue. `top 80`: the "
        "best 80 % of the products by revenue. `categories A, B`: the products of these. "
        "`none`: all products.",
    )


def _parse_product_filter(state: State, text: str) -> ProductFilter:
    kind, _, rest = text.strip().partition(" ")
    if text.strip().lower() in NONE:
        return NoFilter()
    if kind.lower() in _REVENUE:
        if not state.value("column_mapping.revenue"):
            raise wrong("a filter by revenue needs a revenue", "go back to map it, or answer `none`")
        percent = parse_number(rest, "the percentage", 1, 100)
        model = _REVENUE[kind.lower()]
        name = next(name for name, each in _REVENUE.items() if each is model and "_" in name)
        return model.model_validate({"type": name, "value": percent})
    if kind.lower() == "categories":
        return _categories(state, parse_list(rest))
    hint = "write `cumulative 80`, `top 80`, `categories A, B` or `none`"
    raise wrong(f"{shown(text.strip())} is no product filter", hint)


def _categories(state: State, names: tuple[str, ...]) -> Categories:
    category = state.value("column_mapping.category")
    if not category:
        raise wrong("a filter of categories needs a category", "go back to map it, or answer `none`")
    if state.columns[category].declare_as != "string":
        raise wrong(f"`{category}` holds no texts", "go back to map another column, or answer `none`")
    if not names:
        raise wrong("no category is named", "write `categories A, B`")
    return Categories(type="categories", value=names)


def _customer_filter(state: State) -> Question | None:
    return _question(
        state,
        "customer_filter",
        label="Minimum transactions per customer",
        text="Customers with fewer transactions are left out: one transaction gives too little signal.",
        syntax="`none`: all customers.",
    )


def _parse_customer_filter(state: State, text: str) -> CustomerFilter:  # noqa: ARG001
    bare = text.strip().lower().removeprefix("min_transactions").strip()
    if bare in NONE:
        return NoFilter()
    number = parse_number(bare, "the number of transactions", 1, 1_000_000)
    return MinTransactions(type="min_transactions", value=number)


def _split(state: State) -> Question | None:
    if not state.value("mapped"):
        return None
    found = state.suggestions.split_config
    choices = (
        Choice(
            value="time_based 14", facts="the last 14 days evaluate: train on the past, predict the future"
        ),
        Choice(value="random 80", facts="80 % of the users train, the others evaluate"),
        Choice(value="none", facts="no column `split`"),
    )
    return Question(
        key="split_config",
        step=4,
        label="Train/eval split",
        help="Which rows train and which evaluate. Filters learn from train rows alone.",
        syntax="`time_based 14`: the last 14 days evaluate. `random 80`: 80 % of the users train. `none`: no "
        "split.",
        default=answer_of(found.value if found else None),
        reason=found.reason if found else "",
        choices=choices,
    )


def _parse_split(state: State, text: str) -> SplitConfig | None:
    kind, _, rest = text.strip().lower().partition(" ")
    if text.strip().lower() in NONE:
        return None
    if kind == "time_based":
        days = parse_number(rest, "the number of days", 1, MOST_DAYS)
        window = state.value("date_range")
        length = window.shortest() if window else None
        if length is not None and days >= length:
            raise wrong(f"{days} days of eval leave nothing to train on of {length} days", "use fewer days")
        return TimeBasedSplit(strategy="time_based", eval_days=days)
    if kind == "random":
        percent = parse_number(rest, "the percentage of train", 1, 99)
        return RandomSplit(strategy="random", train_percent=percent, unit="user")
    raise wrong(f"{shown(text.strip())} is no split", "write `time_based 14`, `random 80` or `none`")


SELECTION = (
    Ask("date_range", _date_range, _parse_date_range),
    Ask("product_filter", _product_filter, _parse_product_filter),
    Ask("customer_filter", _customer_filter, _parse_customer_filter),
    Ask("split_config", _split, _parse_split),
)
