"""The ways to answer a question of step 4, each with inputs of its own: `rolling` with a number of months."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """An input inside a choice, with the words before and after it."""

    name: str
    before: str
    after: str = ""
    initial: str = ""
    type: str = "number"


@dataclass(frozen=True)
class Kind:
    """A choice. `answer` is the wizard's answer, with the names of the inputs in braces."""

    name: str
    label: str
    answer: str
    inputs: tuple[Input, ...] = ()
    help: str = ""

    def read(self, answer: str) -> Mapping[str, str] | None:
        """Return the values of the inputs in an answer; None if the answer is one of another kind."""
        parts = re.split(r"\{(\w+)\}", self.answer)
        pattern = "".join(
            f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
        )
        found = re.fullmatch(pattern, answer.strip())
        return found.groupdict() if found else None


KINDS: Mapping[str, tuple[Kind, ...]] = {
    "date_range": (
        Kind(
            "rolling",
            "Rolling window (moves with every run)",
            "rolling {months}",
            (Input("months", "Last", "months", "6"),),
        ),
        Kind(
            "fixed",
            "Fixed date range",
            "{start} to {end}",
            (Input("start", "From", type="date"), Input("end", "To", type="date")),
        ),
        Kind("none", "All rows", "none"),
    ),
    "product_filter": (
        Kind("none", "All products", "none"),
        Kind(
            "cumulative",
            "Only top products by revenue",
            "cumulative {percent}",
            (Input("percent", "Top", "% by cumulative revenue", "80"),),
            "This filters out long-tail products with minimal sales.",
        ),
        Kind(
            "top",
            "Only a share of the products",
            "top {percent}",
            (Input("percent", "The best", "% of the products by revenue", "80"),),
        ),
        Kind(
            "categories",
            "Only specific categories",
            "categories {names}",
            (Input("names", "Categories", type="text"),),
            "Separate several by commas.",
        ),
    ),
    "customer_filter": (
        Kind("none", "All customers", "none"),
        Kind(
            "least",
            "Minimum transactions per customer",
            "{number}",
            (Input("number", "At least", "transactions", "2"),),
            "Customers with 1 transaction do not provide enough signal.",
        ),
    ),
    "split_config": (
        Kind(
            "time_based",
            "Time-based split (recommended for temporal data)",
            "time_based {days}",
            (Input("days", "Last", "days for evaluation", "14"),),
            "Mimics the real world: train on the past, predict the future.",
        ),
        Kind(
            "random",
            "Random split",
            "random {percent}",
            (Input("percent", "", "% of the users train, the others evaluate", "80"),),
        ),
        Kind("none", "No split", "none"),
    ),
}
"""Key of a question → its choices, in the order of the page. The first that reads an answer is chosen."""
