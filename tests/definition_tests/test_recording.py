"""Recording: which columns get made-up values, which changes are tried, and what is refused."""

from datetime import UTC, datetime

import pytest

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.definition_tests.candidates import Candidates
from dataset_assets.definition_tests.changed_settings import changed_datasets
from dataset_assets.definition_tests.made_up import without_sensitive
from dataset_assets.errors import UnsupportedError
from dataset_assets.periods.instants import AsOf
from tests.definition_tests.conftest import ITEMS

AS_OF = AsOf(datetime(2024, 3, 1, tzinfo=UTC))


def inputs_of(shop, stem="sales"):
    catalog = load_catalog(shop.root)
    scope = catalog.scope(catalog.entry(stem))
    return SelectionInput(scope, logical_relations(scope), AS_OF)


def test_each_setting_is_changed_alone(shop):
    words = [each.words for each in changed_datasets(inputs_of(shop).scope)]
    assert len(words) == len(set(words))
    assert {
        "filters.date_range.months 1",
        "filters.date_range.months 3",
        "filters.customer_filter.value 1",
        "filters.product_filter.value fruit",
        "split_config.eval_days 8",
        "lookups[0].join_conditions[0].source_column line",
        "column_mapping.product_id line",
    } <= set(words)


def test_joined_columns_hide_what_a_sensitive_column_holds(shop):
    shop.dataset("items", ITEMS.replace("item, type: integer,", "item, type: integer, sensitive: true,"))
    row = {"line": 1, "buyer": "ann@example.com", "item": 77, "price": None, "sold_at": None}
    other = {**row, "line": 2, "buyer": "bob\x07"}
    thing = {"item": 77, "kind": "a\x07b", "listed_on": None, "fresh": None}
    found = without_sensitive(inputs_of(shop), Candidates([row, other, row], {"thing": [thing]}))
    first, second, third = found.main
    assert first == third
    assert first["buyer"] != second["buyer"]
    assert "example" not in str(found)
    assert first["item"] == found.lookups["thing"][0]["item"] != 77
    assert found.lookups["thing"][0]["kind"] == "a\\x07b"
    assert first["line"] == 1


def test_a_sensitive_boolean_is_refused(shop):
    fresh = "fresh, type: boolean"
    shop.dataset("items", ITEMS.replace(fresh, f"{fresh}, sensitive: true"))
    with pytest.raises(UnsupportedError, match=r"thing\.fresh is a sensitive boolean"):
        without_sensitive(inputs_of(shop), Candidates([], {}))
