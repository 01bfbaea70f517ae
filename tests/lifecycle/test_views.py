"""History, differences in words, and the list of datasets."""

# ruff: noqa: E501 - a table of edits and sentences

from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.contract.model import Status
from dataset_assets.errors import AccessError, Fault, LockError
from dataset_assets.lifecycle.diff import diff_versions
from dataset_assets.lifecycle.edit import edit_dataset
from dataset_assets.lifecycle.history import dataset_history
from dataset_assets.lifecycle.listing import list_datasets
from dataset_assets.lifecycle.status import Action, change_status
from dataset_assets.ports.target import Target
from tests.lifecycle.conftest import NOW, lock_everything

EDITS = [
    ("filters.date_range.months=1", "The date range is the last month instead of the last 2 months."),
    (
        "filters.product_filter={type: cumulative_revenue_percent, value: 90}",
        "The product filter keeps the products that earn 90 % of the revenue instead of the top 80 % of the products by revenue.",
    ),
    (
        "filters.customer_filter={type: min_transactions, value: 2}",
        "The customer filter keeps customers with at least 2 transactions instead of every customer.",
    ),
    ("filters.fit_on=train", "Filters are fitted on train rows instead of all rows."),
    (
        "split_config={strategy: random, unit: user, train_percent: 80, test_percent: 10, seed: 7}",
        "The split: 80 % of the users train, 10 % test, at random (seed 7) instead of the last 10 days evaluate.",
    ),
    (
        "split_config.gap_days=3",
        "The split: the last 10 days evaluate, with a gap of 3 days before instead of ",
    ),
    (
        "column_mapping.revenue=household_id",
        "`revenue` is mapped to `household_id` instead of `sales_value`.",
    ),
    ("column_mapping.city=household.town", "`city` is mapped, to `household.town`."),
    (
        "natural_key_columns=[basket_id]",
        "The natural key is `basket_id` instead of `basket_id`, `product_id`.",
    ),
    (
        "lookups[household].join_conditions[household_id].source_column=product_id",
        "The lookup `household` is joined on `product_id` = `household_id` instead of `household_id` = ",
    ),
    ("partitions={period: month, start: 2017-02}", "`partitions` added."),
]


@pytest.mark.parametrize(("assignment", "sentence"), EDITS)
def test_a_difference_is_told_as_a_person_would(
    root: Path, catalog: Catalog, assignment: str, sentence: str
) -> None:
    edit_dataset(catalog, "sales", [assignment])
    found = diff_versions(load_catalog(root), "sales")
    assert found.changes[0].text.startswith(sentence)
    assert (found.before, found.after) == (1, "file")
    lock_everything(root)
    numbered = diff_versions(load_catalog(root), "sales", 1, 2)
    assert (numbered.changes, numbered.after) == (found.changes, 2)
    assert diff_versions(load_catalog(root), "sales").changes == ()


def test_breaking_changes_come_first_and_unknown_versions_are_refused(root: Path, catalog: Catalog) -> None:
    edit_dataset(catalog, "sales", ["column_mapping.city=household.town", "filters.fit_on=train"])
    assert [each.breaking for each in diff_versions(load_catalog(root), "sales").changes] == [True, False]
    with pytest.raises(LockError, match="`sales` has no version 7; it has 1"):
        diff_versions(catalog, "sales", 7)


def test_the_history_lists_versions_and_the_pending_one(root: Path, catalog: Catalog) -> None:
    edit_dataset(catalog, "sales", ["filters.fit_on=train"])
    found = dataset_history(load_catalog(root), "sales")
    assert [(each.version, each.kind, each.locked_at) for each in found.versions] == [
        (1, "first", NOW),
        (2, "breaking", None),
    ]
    assert found.publications == ()


def test_the_list_has_the_fields_of_the_domain(root: Path, catalog: Catalog) -> None:
    change_status(catalog, "profiles", Action.ARCHIVE)
    (root / "datasets" / "broken.yaml").write_text("dataset:\n  name: [\n")
    catalog = load_catalog(root)
    id_ = str(catalog.entry("sales").lock.id)
    found = list_datasets(catalog)
    assert [each.dataset for each in found.datasets] == ["broken", "sales"]
    assert found.datasets[0].faults == 1
    assert found.datasets[1].model_dump(exclude_defaults=True) == {
        "dataset": "sales",
        "id": id_,
        "name": "Sales",
        "status": Status.ACTIVE,
        "ml_model": "recommender",
        "owner": "user-ann",
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
        "tables": ("transactions", "datasets/profiles"),
    }
    names = [each.dataset for each in list_datasets(catalog, archived=True).datasets]
    assert names == ["broken", "profiles", "sales"]
    chosen = list_datasets(catalog, status=Status.ARCHIVED).datasets
    assert [each.dataset for each in chosen] == ["profiles"]
    assert [each.dataset for each in list_datasets(catalog, ml_model="recommender").datasets] == ["sales"]


def test_a_target_that_cannot_be_opened_leaves_its_columns_empty(catalog: Catalog) -> None:
    def closed() -> Target:
        raise AccessError(Fault("nobody is logged in"))

    found = list_datasets(catalog, closed)
    assert [each.row_count for each in found.datasets] == [None, None]
    assert found.remarks == ("what is published is unknown: nobody is logged in",)
