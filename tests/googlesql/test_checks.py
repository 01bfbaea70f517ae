"""Queries for cast failures, lookup keys and audit checks agree in GoogleSQL and DuckDB."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dataset_assets.checks.audit import CHECKS, audit, leak
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.checks.results import AuditError
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.lookup_matches import match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import assemble
from dataset_assets.stats.profile import profile
from tests.googlesql.session import Both, relation
from tests.oracle.test_selection import LOOKUPS, SALES, columns, lookup

AS_OF = datetime(2020, 4, 1, tzinfo=UTC)
SHAPES = {"sales": SALES | {"amount": "DOUBLE", "sold_at": "TIMESTAMPTZ"}, **LOOKUPS}
ITEMS = [
    (None, "a", None, None),
    (1, "ä|", Decimal("1.5"), 1),
    (2, None, Decimal(-1), 9),
    (3, "a", None, None),
]
CONTENTS = {
    "sales": [
        (
            n % 7,
            (None, 1, 2, 3)[n % 4],
            (None, 1, 2, 3, 5)[n % 5],
            n / 4,
            n,
            f"'{n}\\",
            AS_OF - timedelta(days=n),
        )
        for n in range(1, 40)
    ],
    "items": ITEMS,
    "shelves": [(1, "links"), (2, "rechts")],
    "people": [(1, "Århus"), (2, None)],
}
NAN, ENDLESS, TOO_LARGE = float("nan"), float("inf"), 2e29


def inputs(**changes) -> SelectionInput:
    dataset = Dataset.model_validate(
        {
            "name": "Sales",
            "owner": "someone",
            "natural_key_columns": ["id", "note"],
            "main_table": {"name": "sales", "columns": columns(SHAPES["sales"])},
            "lookups": [
                lookup("items", "item", "item"),
                lookup("shelves", "items.shelf", "shelf"),
                lookup("people", "buyer", "buyer"),
            ],
            "column_mapping": {
                "user_id": "buyer",
                "product_id": "item",
                "timestamp": "sold_at",
                "revenue": "amount",
                "city": "people.city",
            },
            "filters": {"date_range": {"type": "rolling", "months": 3}},
            "split_config": {"strategy": "time_based", "eval_days": 7, "test_days": 3},
            **changes,
        }
    )
    scope = Scope(dataset, lambda _: None)
    return SelectionInput(scope, {name: relation(SHAPES, name) for name in SHAPES}, AsOf(AS_OF))


def evidence(asked: SelectionInput, session: Both) -> SelectionEvidence:
    staged = assemble(compile_rows(asked)).subquery("staged")
    published = tuple(
        PublishedColumn(output.name, output.definition.type, nullable=output.definition.nullable)
        for output in asked.scope.outputs
    )
    split = "split" if asked.dataset.split_config else None
    statistics = profile(session.sessions[0], staged, published, split)
    return SelectionEvidence.of(asked, staged, published, statistics, session)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"natural_key_columns": ["id"]},
        {"natural_key_columns": ["item", "buyer"]},
        {"natural_key_columns": ["basket"]},
        {"split_config": {"strategy": "random", "train_percent": 50, "unit": "user"}},
        {"split_config": {"strategy": "random", "train_percent": 98}, "filters": {}},
    ],
)
def test_the_audits_checks(changes):
    """Both say the same of each, also with a sample of keys that are there more than once."""
    asked = inputs(**changes)
    found = evidence(asked, Both(SHAPES, CONTENTS))
    try:
        checks = audit(found, ())
    except AuditError as failed:
        checks = failed.checks
    assert [check.name for check in checks] == [each.name for each in CHECKS if each.applies(asked.scope)]
    keys = next(check for check in checks if check.name == "natural_key_unique")
    assert keys.passed == (asked.dataset.natural_key_columns in {("id", "note"), ("basket",)})


@pytest.mark.parametrize("value", [20, 50, 100])
def test_what_leaked_and_what_is_new(value):
    """Both say the same, and the same as a filter fitted on train rows: it keeps nothing that would leak."""
    filters = {
        "date_range": {"type": "rolling", "months": 3},
        "product_filter": {"type": "top_revenue_percent", "value": value},
        "customer_filter": {"type": "min_transactions", "value": 2},
    }
    session = Both(SHAPES, CONTENTS)
    published = {fit_on: inputs(filters={**filters, "fit_on": fit_on}) for fit_on in ("all", "train")}
    kept = {
        fit_on: {
            concept: {row[concept] for row in session.rows(assemble(compile_rows(asked)))}
            for concept in ("product_id", "user_id")
        }
        for fit_on, asked in published.items()
    }
    passed, message, counts = leak(evidence(published["all"], session))
    if value == 100:
        assert counts["products_leaked"] == len(kept["all"]["product_id"] - kept["train"]["product_id"])
    assert passed == (not counts["products_leaked"] and not counts["users_leaked"])
    assert passed or "only because of eval rows" in message
    assert leak(evidence(published["train"], session))[0]


def test_a_lookups_keys():
    again = {**CONTENTS, "items": [*ITEMS, *ITEMS, *ITEMS[:3]], "people": [*CONTENTS["people"], (2, "b")]}
    assert lookups_unique(inputs(), Both(SHAPES, CONTENTS)).passed
    result = lookups_unique(inputs(), Both(SHAPES, again))
    assert result.metadata["items"] == {
        "count": 3,
        "sample": [{"times": 3, "item": 1}, {"times": 3, "item": 2}, {"times": 2, "item": 3}],
    }
    assert result.metadata["people"]["count"] == 1


@pytest.mark.parametrize("extra", [[], ["items.shelf"]])
def test_rows_that_a_lookup_lacks(extra):
    """By the staged rows, where they have what is joined by, and by the rows of the window."""
    asked, session = inputs(extra_columns=extra), Both(SHAPES, CONTENTS)
    staged = evidence(asked, session).staged
    found = match_lookups(asked, staged, session)
    assert set(found.rows.values()) == {39}
    assert [found.unmatched[each.name] for each in asked.scope.lookups] == [15, 31, 19]


def test_values_that_do_not_fit():
    sales = [(*row[:3], amount, *row[4:]) for row, amount in zip(CONTENTS["sales"], AMOUNTS, strict=False)]
    (fault,) = cast_failures(inputs(), Both(SHAPES, {**CONTENTS, "sales": sales}))
    assert fault.field == "sales.amount"
    assert fault.message.startswith("5 values do not fit decimal")


AMOUNTS = [NAN, ENDLESS, -ENDLESS, TOO_LARGE, -TOO_LARGE, 9.9e28, 0.0, -0.0, None, 12.34]
