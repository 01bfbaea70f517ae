"""Suggest window, filters and split, by what the rows are measured to be like."""

from collections.abc import Sequence
from datetime import date, timedelta

from dataset_assets.discovery.suggestions.facts import Column, Facts, percent, percent_text
from dataset_assets.discovery.suggestions.mapping import has_mapping
from dataset_assets.discovery.suggestions.reach import Reach
from dataset_assets.discovery.suggestions.settings import SplitSettings
from dataset_assets.discovery.suggestions.suggestion import (
    Confidence,
    CustomerFilterSuggestion,
    DateRangeSuggestion,
    FilterSuggestions,
    FitOnSuggestion,
    ProductFilterSuggestion,
    SplitSuggestion,
    Suggestions,
)
from dataset_assets.model import YEARS
from dataset_assets.selection.date_range import FixedRange, RollingRange
from dataset_assets.selection.filters import CumulativeRevenuePercent, MinTransactions, TopRevenuePercent
from dataset_assets.selection.random_split import RandomSplit
from dataset_assets.selection.splits import TimeBasedSplit

_PRODUCT_FILTERS = {
    "cumulative_revenue_percent": CumulativeRevenuePercent,
    "top_revenue_percent": TopRevenuePercent,
}
_DAYS = (1, 2, 3, 5, 7, 14, 28, 56, 91, 182, 365)
"""The numbers of eval days that are tried if the usual one gives eval too few or too many rows."""


def suggest_date_range(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest a rolling window for a table that is still fed, else the fixed range of its rows."""
    time = _time(facts, suggestions)
    days = time.days if time else None
    if not has_mapping(suggestions) or not days:
        return suggestions
    first, last = days
    if first.year not in YEARS or last.year not in YEARS:
        reason = f"the timestamps reach from {first} to {last}: correct them, or choose the range by hand"
        return suggestions.without("filters.date_range", reason)
    settings = facts.settings.date_range
    age, months = (facts.now.date() - last).days, (last - first).days // 30
    reach = f"the rows are of {first} to {last}"
    if 0 <= age <= settings.rolling_within_days and months >= 1:
        value = RollingRange(type="rolling", months=min(settings.rolling_months, months))
        reason = f"{reach}, so the table is still fed: the window moves with it"
        confidence = Confidence.HIGH
    else:
        value = FixedRange(type="fixed", start_date=first, end_date=last)
        reason = f"{reach}, and none are newer: the same rows in every run"
        confidence = Confidence.MEDIUM
    found = DateRangeSuggestion(value=value, reason=reason, confidence=confidence)
    return _with_filters(suggestions, date_range=found)


def suggest_product_filter(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest to keep the products that bring most of the revenue, if there are very many products."""
    if not has_mapping(suggestions):
        return suggestions
    settings, reach = facts.settings.product_filter, Reach(facts, suggestions)
    products = reach.find(suggestions.accepted("product_id") or "").cardinality
    if products <= settings.above_products:
        reason = f"{products:,} products are not more than {settings.above_products:,}"
        return suggestions.without("filters.product_filter", reason)
    if not suggestions.accepted("revenue"):
        reason = f"{products:,} products are many, but no revenue is mapped to choose among them"
        return suggestions.without("filters.product_filter", reason)
    value = _PRODUCT_FILTERS[settings.type].model_validate({"type": settings.type, "value": settings.value})
    found = ProductFilterSuggestion(
        value=value,
        reason=f"{products:,} products are more than {settings.above_products:,}: most bring little revenue",
        confidence=Confidence.HIGH,
    )
    return _with_filters(suggestions, product_filter=found)


def suggest_customer_filter(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest to leave out customers with one transaction if they are many: they give too little signal."""
    if not has_mapping(suggestions):
        return suggestions
    settings, reach = facts.settings.customer_filter, Reach(facts, suggestions)
    user = reach.find(suggestions.accepted("user_id") or "")
    mapped = suggestions.accepted("transaction_id")
    transaction = reach.find(mapped) if mapped else None
    same_table = transaction is not None and transaction.table == user.table
    counts = facts.measure.transactions(
        user.table, user.name, transaction.name if transaction and same_table else None
    )
    share = percent(counts.singles, counts.groups)
    said = (
        f"{counts.singles:,} of {counts.groups:,} customers ({percent_text(share)}) have a single transaction"
    )
    if share < settings.above_single_percent or not counts.singles:
        reason = f"{said}, less than {settings.above_single_percent} %"
        return suggestions.without("filters.customer_filter", reason)
    found = CustomerFilterSuggestion(
        value=MinTransactions(type="min_transactions", value=settings.min_transactions),
        reason=f"{said}, which is too little to learn from",
        confidence=Confidence.HIGH,
    )
    return _with_filters(suggestions, customer_filter=found)


def suggest_split(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest to evaluate on the last days, or on random users if the rows are of too few days."""
    time = _time(facts, suggestions)
    days = time.days if time else None
    if not has_mapping(suggestions) or not time or not days:
        return suggestions
    length = (days[1] - days[0]).days + 1
    settings = facts.settings.split
    if length < settings.least_days:
        value = RandomSplit(strategy="random", train_percent=settings.train_percent, unit="user")
        reason = f"{length} days are too few to split by time; all rows of a user are in one part"
        found = SplitSuggestion(value=value, reason=reason, confidence=Confidence.MEDIUM)
    else:
        found = _by_time(facts, time, days, length)
    fit_on = FitOnSuggestion(
        value="train",
        reason="rows of eval must not decide which products and customers there are",
        confidence=Confidence.HIGH,
    )
    return _with_filters(suggestions.model_copy(update={"split_config": found}), fit_on=fit_on)


def _by_time(facts: Facts, time: Column, days: tuple[date, date], length: int) -> SplitSuggestion:
    """Return the split whose eval has a share of the rows within the settings, nearest to the usual days."""
    settings = facts.settings.split
    tried = [each for each in sorted({*_DAYS, settings.eval_days}) if each <= length // 2]
    firsts = [days[1] + timedelta(days=1 - each) for each in tried]
    counts = facts.measure.rows_since(time.table, time.name, firsts)
    shares = [percent(count, time.rows) for count in counts]
    chosen = _nearest(tried, shares, settings)
    share = shares[tried.index(chosen)]
    within = settings.least_eval_percent <= share <= settings.most_eval_percent
    reason = f"the last {chosen} of {length:,} days have {percent_text(share)} of the rows"
    return SplitSuggestion(
        value=TimeBasedSplit(strategy="time_based", eval_days=chosen),
        reason=reason,
        confidence=Confidence.HIGH if within else Confidence.MEDIUM,
    )


def _nearest(days: Sequence[int], shares: Sequence[float], settings: SplitSettings) -> int:
    """Return the number of days nearest to the usual one among those with a share within the limits.

    If none is within the limits, return the one whose share is nearest to them.
    """
    usual, least, most = settings.eval_days, settings.least_eval_percent, settings.most_eval_percent
    pairs = [*zip(days, shares, strict=True)]
    within = [day for day, share in pairs if least <= share <= most]
    if within:
        return min(within, key=lambda day: abs(day - usual))
    return min(pairs, key=lambda pair: min(abs(pair[1] - least), abs(pair[1] - most)))[0]


def _time(facts: Facts, suggestions: Suggestions) -> Column | None:
    ref = suggestions.accepted("timestamp")
    return Reach(facts, suggestions).find(ref) if ref else None


def _with_filters(suggestions: Suggestions, **found: object) -> Suggestions:
    filters: FilterSuggestions = suggestions.filters.model_copy(update=found)
    return suggestions.model_copy(update={"filters": filters})
