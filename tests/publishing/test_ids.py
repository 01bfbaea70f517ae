"""Renamed files and changed dataset ids are reported or refused."""

import pytest

from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.errors import ContractError
from dataset_assets.publishing.dataset_ids import rename_notices
from dataset_assets.staleness.plan import plans
from tests.publishing.shop import KEYED, NOW, Shop

OWN, OTHER = "01a2001c-5bae-7b91-b4bb-a18b13ce1100", "01a2001c-5bae-7b91-b4bb-a18b13ce11ff"
pytestmark = pytest.mark.parametrize("store", ["duckdb", "bigquery"], indirect=True)


def rename(shop: Shop, old: str, new: str) -> None:
    folder = shop.root / "definitions" / "datasets"
    for suffix in (".yaml", ".lock"):
        path = folder / f"{old}{suffix}"
        if path.exists():
            path.rename(folder / f"{new}{suffix}")


def told(shop: Shop, stem: str) -> str:
    return "".join(rename_notices(shop.target, [shop.catalog.entry(stem)]))


def test_a_renamed_file_is_reported(shop: Shop) -> None:
    assert told(shop, "sales") == "", "nothing is published"
    shop.publish()
    assert told(shop, "sales") == ""
    rename(shop, "sales", "turnover")
    assert told(shop, "turnover") == (
        "`turnover` was published as `sales` before its file was renamed; that table stays as it is; "
        "rename the file back, or delete the old table"
    )
    shop.publish(stem="turnover")
    assert told(shop, "turnover") == "", "it has a table of its own"
    assert shop.rows(), "the other one stays"
    rename(shop, "turnover", "income")
    assert "was published as `sales`, `turnover` before" in told(shop, "income")
    shop.declare(KEYED.replace(OWN, OTHER), "income")
    assert told(shop, "income") == "", "another dataset"


def test_an_id_that_changed_after_it_was_published_is_refused(shop: Shop) -> None:
    before = shop.publish()
    rows = shop.rows()
    (shop.root / "definitions" / "datasets" / "sales.lock").unlink()
    shop.declare(KEYED.replace(OWN, OTHER))
    with pytest.raises(ContractError) as error:
        shop.publish()
    (fault,) = error.value.faults
    assert fault.field == "dataset.id"
    assert fault.message == f"is {OTHER}, but what is published was made by the dataset {OWN}"
    assert shop.rows() == rows
    shop.declare(KEYED)
    assert shop.publish().table_version == before.table_version


def test_a_plan_reports_a_changed_id(shop: Shop) -> None:
    shop.publish()
    (shop.root / "definitions" / "datasets" / "sales.lock").unlink()
    shop.declare(KEYED.replace(OWN, OTHER))
    catalog = shop.catalog
    entry = catalog.entry("sales")
    periods = chosen_periods(catalog, entry, NOW, first="2024-02", last="2024-02")
    (plan,) = plans(catalog, shop.target, entry, periods, NOW)
    faults = [fault for each in (*plan.due, *plan.uncertain) for fault in each.obstacles]
    assert [fault.field for fault in faults] == ["dataset.id"]
    assert OWN in faults[0].message
