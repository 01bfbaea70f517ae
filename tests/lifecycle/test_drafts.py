"""Drafts: what accepting all suggestions gives, assignments, and the datasets that drafts become."""

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import ContractError
from dataset_assets.lifecycle.assignments import with_assignments
from dataset_assets.lifecycle.draft import Identity, dataset_of, draft_of
from dataset_assets.lifecycle.new_dataset import name_of, only_owner, write_draft
from tests.discovery.plain_tables import suggested
from tests.discovery.test_suggestions import CUSTOMERS, PRODUCTS, sales

IDENTITY = Identity(name="Winter", owner="user-ann", ml_model="recommender")


@pytest.fixture
def suggestions():
    return suggested(sales(store_id=("i", [number % 3 for number in range(240)])), PRODUCTS, CUSTOMERS)


def test_a_draft_accepts_what_is_no_guess(suggestions):
    draft = draft_of(suggestions, IDENTITY)
    assert (draft.name, draft.main_table) == ("Winter", "sales")
    assert [each.alias for each in draft.lookups] == ["products", "customers"]
    assert draft.column_mapping
    assert draft.column_mapping.city == "customers.city"
    assert draft.split_config
    assert draft.filters.fit_on == "train"


def test_only_columns_that_are_read_are_declared(suggestions):
    draft = with_assignments(draft_of(suggestions, IDENTITY), ["extra_columns=[products.producer_city]"])
    dataset = dataset_of(draft, suggestions.columns)
    assert dataset.status == "draft"
    products = dataset.lookups[0].target.model_dump()["columns"]
    assert [each["name"] for each in products] == [
        "product_id", "title", "department", "product_category", "producer_city",
    ]  # fmt: skip
    assert "store_id" not in {each.name for each in dataset.main_table.columns}


def test_a_contract_alone_declares_every_column(suggestions):
    assignments = ["column_mapping=none", "filters=none", "split_config=none", "extra_columns=none"]
    dataset = dataset_of(with_assignments(draft_of(suggestions, IDENTITY), assignments), suggestions.columns)
    assert dataset.column_mapping is None
    assert "store_id" in {each.name for each in dataset.main_table.columns}


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("column_mapping.revenue=store_id", "column_mapping.revenue", "store_id"),
        ("split_config.eval_days=7", "split_config.eval_days", 7),
        ("filters.customer_filter={type: min_transactions, value: 3}", "filters.customer_filter.value", 3),
        ("filters.date_range={type: rolling, months: 2}", "filters.date_range.months", 2),
        ("natural_key_columns=[order_id]", "natural_key_columns", ("order_id",)),
        ("description=A = b, [c]", "description", "A = b, [c]"),
        ("column_mapping.city=none", "column_mapping.city", None),
        ("name='quoted'", "name", "quoted"),
    ],
)
def test_assignments_change_a_draft(suggestions, assignment, field, value):
    found = with_assignments(draft_of(suggestions, IDENTITY), [assignment])
    for step in field.split("."):
        found = getattr(found, step)
    assert found == value


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("revenue", "'revenue' is no assignment; write it as `column_mapping.revenue=sales_value`"),
        ("colum_mapping.revenue=x", "colum_mapping: is not a known key; did you mean `column_mapping`?"),
        ("split_config.eval_days=soon", "split_config.eval_days: is 'soon', not a whole number"),
        (
            "name.short=x",
            "'name.short' leads into `name`, which is not a mapping; assign the whole of `name`",
        ),
        ("extra_columns=[a", "is not closed"),
        ("main_table=none", "main_table: is required"),
    ],
)
def test_a_wrong_assignment_gets_a_sentence(suggestions, assignment, sentence):
    with pytest.raises(ContractError) as caught:
        with_assignments(draft_of(suggestions, IDENTITY), [assignment])
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("column_mapping.revenue=sale_value", "which `sales` does not have; did you mean `sales_value`?"),
        (
            "column_mapping.category=product.department",
            "no lookup is called `product`; it has: products, customers",
        ),
        ("lookups=none", "no lookup is called `products`; it has no lookups"),
        ("extra_columns=[customers.towns]", "which `customers` does not have"),
    ],
)
def test_a_column_that_does_not_exist_gets_a_sentence(suggestions, assignment, sentence):
    draft = with_assignments(draft_of(suggestions, IDENTITY), [assignment])
    with pytest.raises(ContractError) as caught:
        dataset_of(draft, suggestions.columns)
    assert sentence in str(caught.value)


def test_a_file_is_written_once_and_is_valid(catalog: Catalog, suggestions):
    draft = draft_of(suggestions, IDENTITY)
    looked_at = write_draft(catalog, "winter", draft, suggestions, dry_run=True)
    assert not looked_at.written
    assert not (catalog.root / "datasets" / "winter.yaml").exists()
    made = write_draft(catalog, "winter", draft, suggestions)
    assert (catalog.root / "datasets" / "winter.yaml").read_text() == made.text == looked_at.text
    assert made.next[0] == "dataset-assets check"
    assert "# All 240 rows differ in `order_id` and `product_id`." in made.text
    with pytest.raises(ContractError, match="already"):
        write_draft(catalog, "winter", draft, suggestions)


def test_a_draft_that_breaks_a_rule_is_not_written(catalog: Catalog, suggestions):
    draft = with_assignments(draft_of(suggestions, IDENTITY), ["owner=bob", "split_config.eval_days=400"])
    with pytest.raises(ContractError) as caught:
        write_draft(catalog, "winter", draft, suggestions)
    assert {"bob" in str(caught.value), "leave nothing to train on" in str(caught.value)} == {True}
    assert not (catalog.root / "datasets" / "winter.yaml").exists()


def test_names_and_owners_have_defaults(catalog: Catalog):
    assert name_of("order_lines") == "Order lines"
    with pytest.raises(ContractError, match="known: user-ann, team-data"):
        only_owner(catalog.users)
