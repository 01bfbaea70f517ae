"""Quality rules are asset checks of a dataset, with the figures of the Periods that break them."""

import logging

import dagster as dg
import pytest

from dataset_assets.assets.asset_keys import dataset_key
from tests.assets.retailer import MONTHLY, Retailer

RULES = """  quality:
    - {type: row_count, name: few, max: 99}
    - {type: row_count, name: enough, min: 1, severity: block}
"""


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


def test_a_rule_is_an_asset_check_and_a_broken_one_warns(
    retailer: Retailer, instance: dg.DagsterInstance
) -> None:
    retailer.write("monthly", MONTHLY + RULES)
    graph = retailer.definitions().resolve_asset_graph()
    key = dataset_key("monthly")
    names = {each.name for each in graph.asset_check_keys if each.asset_key == key}
    assert {"quality_few", "quality_enough"} <= names
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-03")
    assert result.success
    found = {each.check_name: each for each in result.get_asset_check_evaluations()}
    few, enough = found["quality_few"], found["quality_enough"]
    assert (few.passed, few.severity, few.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert "2024-03: there are at most 99 rows: " in str(few.description)
    assert (enough.passed, enough.severity, enough.blocking) == (True, dg.AssetCheckSeverity.ERROR, True)


def test_a_rule_that_blocks_fails_the_run(retailer: Retailer, instance: dg.DagsterInstance) -> None:
    retailer.write("monthly", MONTHLY + RULES.replace("min: 1,", "min: 1000000,"))
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-02")
    assert not result.success
    found = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert not found["quality_enough"].passed
    assert result.asset_materializations_for_node("datasets__monthly") == []
