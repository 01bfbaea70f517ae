"""Parts of the components: a catalog of a single dataset, and a part of a code location."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.assets.code_location import CodeLocationSettings, code_location, graph_definitions
from dataset_assets.assets.target_resource import TargetResource
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog, single_catalog
from dataset_assets.yaml.reader import read_file
from tests.assets.retailer import NOW, open_retailer

FILE = """
type: some.Component
attributes:
  target: local
  dataset:
    name: Brands
    owner: ada
    main_table:
      name: products
      columns: [{name: product_id, type: integer}]
    partitions: {period: fiscal.month, start: FY2024-M01}
"""


def single(folder: Path, text: str = FILE) -> Catalog:
    path = folder / "defs.yaml"
    path.write_text(text)
    return single_catalog(path, "brands", lambda each: read_file(each).part("attributes", "dataset"))


def test_one_dataset_takes_calendars_and_users_from_beside_it(tmp_path):
    (tmp_path / "users.yaml").write_text("users: {ada: {email: ada@example.com}}\n")
    (tmp_path / "periods.yaml").write_text(
        "calendars: {fiscal: {type: fiscal, start_month: 4, year_label: ending}}\n"
    )
    catalog = single(tmp_path)
    entry = catalog.entry("brands")
    assert [str(fault) for fault in entry.faults] == []
    assert entry.lock_path == tmp_path / "defs.lock"
    owner = catalog.users.find("ada")
    assert owner
    assert owner.address == "ada@example.com"


def test_without_users_the_owner_is_not_checked_and_without_calendars_there_are_the_common_ones(tmp_path):
    (fault,) = single(tmp_path).entry("brands").faults
    assert str(fault).startswith(f"{tmp_path / 'defs.yaml'}:11:26: dataset.partitions.period: ")


def test_what_is_wrong_beside_it_is_wrong_with_it(tmp_path):
    (tmp_path / "users.yaml").write_text("users: {ada: {email: nowhere}}\n")
    catalog = single(tmp_path, FILE.replace("fiscal.month", "month").replace("FY2024-M01", "2024-01"))
    (fault,) = catalog.entry("brands").faults
    assert str(fault).startswith(f"{tmp_path / 'users.yaml'}:")
    assert catalog.faults == ()


@pytest.mark.parametrize("text", ["type: some.Component\n", "[]\n", "attributes: {dataset: }\n", ""])
def test_a_file_without_a_dataset_has_one_fault(tmp_path, text):
    faults = single(tmp_path, text).entry("brands").faults
    assert len(faults) == 1
    assert faults[0].position


def part(root: Path, name: str, stems: Sequence[str], **upstream_assets: dg.AssetKey) -> dg.Definitions:
    retailer = open_retailer(root)
    for path in (root / "definitions" / "datasets").glob("*.yaml"):
        if path.stem not in stems:
            path.unlink()
    settings = CodeLocationSettings(
        TargetResource(name=retailer.settings.target), part=name, upstream_assets=upstream_assets
    )
    return graph_definitions(settings.graph(load_catalog(retailer.settings.definitions), NOW), settings)


def test_a_table_that_the_project_makes_is_its_asset(tmp_path):
    raw = dg.AssetKey(["raw", "orders"])
    found = part(tmp_path, "shop", ["monthly"], orders=raw)
    specs = {each.key for each in found.assets or () if isinstance(each, dg.AssetSpec)}
    assert specs == {table_key("shop", "products")}
    graph = found.resolve_asset_graph()
    assert graph.get(dataset_key("monthly")).parent_keys == {raw, table_key("shop", "products")}
    lineage = graph.get(dataset_key("monthly")).metadata["dagster/column_lineage"].deps_by_column
    assert lineage["user_id"] == [dg.TableColumnDep(raw, "customer")]


def test_parts_of_a_code_location_do_not_get_in_each_others_way(tmp_path):
    one, two = (
        part(tmp_path / "1", "one", ["monthly"]),
        part(
            tmp_path / "2", "two", ["nesting", "brands"], products=dg.AssetKey("p"), orders=dg.AssetKey("o")
        ),
    )
    repository = dg.Definitions.merge(one, two).get_repository_def()
    kinds = ("sources", "refresh", "janitor", "alerts")
    names = {sensor.name for sensor in repository.sensor_defs}
    assert names == {f"{kind}__{name}" for kind in kinds for name in ("one", "two")}
    assert {"target__one", "target__two"} <= set(repository.get_top_level_resources())


def test_when_dagster_validates_all_faults_end_it(tmp_path, monkeypatch):
    retailer = open_retailer(tmp_path)
    retailer.write("brands", "dataset: {name: Brands}\n")
    assert code_location(retailer.settings, datetime.now(UTC)).get_repository_def()
    monkeypatch.setenv("DAGSTER_IS_DEFS_VALIDATION_CLI", "1")
    with pytest.raises(SystemExit) as ended:
        code_location(retailer.settings, datetime.now(UTC))
    lines = str(ended.value).splitlines()
    assert len(lines) == len(set(lines)) >= 3
    assert all(":1:" in line or "nesting.yaml" in line for line in lines)
