"""The asset graph before any run has keys, metadata, lineage, faults and project jobs."""

import re
from typing import Any

import dagster as dg
import pytest

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.asset_keys import (
    PROJECT_TAG,
    dataset_key,
    group,
    pool,
    table_key,
    tag_value,
    word,
)
from dataset_assets.assets.code_location import code_location
from dataset_assets.assets.definition_tests_job import JOB
from dataset_assets.assets.row_jobs import FORMS
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.structures import structural_hash
from tests.assets.retailer import BRANDS, BROKEN, MONTHLY, NESTING, NOW, TARGET, Retailer


def graph(retailer: Retailer) -> Any:
    definitions = retailer.definitions()
    dg.Definitions.validate_loadable(definitions)
    return definitions.resolve_asset_graph()


def spec(retailer: Retailer, stem: str) -> Any:
    return graph(retailer).get(dataset_key(stem)).to_asset_spec()


def jobs(retailer: Retailer) -> dict[str, set[dg.AssetKey]]:
    """Return the jobs of Projects, and the datasets that each publishes."""
    repository = retailer.definitions().get_repository_def()
    found = {job.name: set(job.asset_layer.selected_asset_keys) for job in repository.get_all_jobs()}
    others = {JOB, *(form.job_name for form in FORMS)}
    return {name: keys for name, keys in found.items() if not (name.startswith("__") or name in others)}


def test_tables_are_external_and_there_once_and_nested_datasets_are_upstream(retailer):
    found = graph(retailer)
    assert {key.to_user_string() for key in found.get_all_asset_keys()} == {
        "shop/orders",
        "shop/products",
        "datasets/monthly",
        "datasets/brands",
        "datasets/nesting",
    }
    assert found.get(table_key("shop", "orders")).is_external
    nesting = found.get(dataset_key("nesting"))
    assert nesting.parent_keys == {table_key("shop", "orders"), dataset_key("brands")}
    assert nesting.is_executable


def test_a_routed_table_is_an_asset_of_the_resolver_that_has_it(retailer):
    lake = "    lake: {type: bigquery, project: test-project, dataset: retail}\n"
    routed = TARGET.replace("  resolvers:\n", "  routes: {products: lake}\n  resolvers:\n") + lake
    (retailer.root / "target.yaml").write_text(routed)
    found = graph(retailer)
    tables = {key for key in found.get_all_asset_keys() if found.get(key).is_external}
    orders, products = table_key("shop", "orders"), table_key("lake", "products")
    assert tables == {orders, products}
    assert found.get(dataset_key("monthly")).parent_keys == tables
    assert found.get(dataset_key("brands")).parent_keys == {products}
    lineage = spec(retailer, "monthly").metadata["dagster/column_lineage"].deps_by_column
    assert lineage["products__brand"] == [dg.TableColumnDep(products, "brand")]
    assert lineage["user_id"] == [dg.TableColumnDep(orders, "customer")]
    retailer.write("brands", BRANDS.replace("  owner:", "  resolver_id: shop\n  owner:"))
    assert graph(retailer).get(dataset_key("brands")).parent_keys == {table_key("shop", "products")}


def test_a_table_has_the_partitions_that_its_readers_need(retailer):
    found = graph(retailer)
    orders = found.get(table_key("shop", "orders"))
    assert orders.partitions_def.get_first_partition_key() == "2024-01", (
        "two months before the end of 2024-02"
    )
    assert found.get(table_key("shop", "products")).partitions_def is None
    mapping = found.get_partition_mapping(dataset_key("monthly"), orders.key)
    assert mapping.start_offset == -1
    columns = orders.metadata["dagster/column_schema"].columns
    assert {"order_id", "customer", "amount"} <= {column.name for column in columns}


def test_a_dataset_shows_its_columns_where_they_come_from_and_whose_it_is(retailer):
    found = spec(retailer, "monthly")
    columns = {column.name: column for column in found.metadata["dagster/column_schema"].columns}
    assert list(columns)[:6] == [
        "user_id",
        "product_id",
        "timestamp",
        "revenue",
        "order_id",
        "products__brand",
    ]
    assert "_row_id" in columns
    assert columns["order_id"].constraints.other == ["natural key"]
    assert not columns["user_id"].constraints.nullable
    lineage = found.metadata["dagster/column_lineage"].deps_by_column
    assert lineage["user_id"] == [dg.TableColumnDep(table_key("shop", "orders"), "customer")]
    assert lineage["products__brand"] == [dg.TableColumnDep(table_key("shop", "products"), "brand")]
    assert "split" not in lineage
    assert found.owners == ["ada@example.com"]
    assert found.group_name == "ranking"
    assert found.kinds == {"duckdb", "deltalake"}
    assert found.metadata["dagster/table_name"]
    assert "What was ordered in two months" in found.description
    assert found.description.splitlines()[0][0].isalnum(), "lists of assets show Markdown as it is written"
    assert "1 (pending: first version)" in found.description
    assert "A publication for each month from" in found.description
    types = {name: column.type for name, column in columns.items()}
    assert (types["_row_id"], types["_created_at"]) == ("string", "timestamp"), "the words of the file"
    reference = found.metadata["dagster/code_references"].code_references[0]
    assert reference.file_path == str(retailer.settings.definitions / "datasets" / "monthly.yaml")
    assert reference.line_number == 2


def test_a_dataset_shows_when_its_periods_end(retailer):
    retailer.write("monthly", MONTHLY.replace("start: 2024-02", "start: 2024-02, end: 2024-04"))
    found = graph(retailer).get(dataset_key("monthly"))
    keys = found.partitions_def.get_partition_keys()
    assert keys == ["2024-02", "2024-03", "2024-04"]
    assert "A publication for each month from 2024-02 to 2024-04." in found.to_asset_spec().description


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", "Refreshed by hand."),
        ("  refresh: {on: upstream}\n", "Refreshes by itself when what it reads has changed."),
        ('  refresh: {cron: "0 6 * * *"}\n', "Refreshes by itself after each tick of `0 6 * * *`."),
        ("  refresh: {on: upstream, paused: true}\n", "Does not refresh by itself: paused."),
        ("  refresh: {on: upstream}\n  status: draft\n", "Does not refresh by itself: the dataset is draft."),
    ],
)
def test_a_dataset_shows_when_it_refreshes(retailer, settings, told):
    retailer.write("monthly", MONTHLY.rstrip("\n") + "\n" + settings)
    assert graph(retailer).get(dataset_key("monthly")).to_asset_spec().description.endswith(told)


def test_a_nested_datasets_columns_come_from_its_asset(retailer):
    lineage = spec(retailer, "nesting").metadata["dagster/column_lineage"].deps_by_column
    assert lineage["brands__brand"] == [dg.TableColumnDep(dataset_key("brands"), "brand")]


def test_the_code_version_is_that_of_the_structure(retailer):
    before = spec(retailer, "brands").code_version
    catalog = load_catalog(retailer.settings.definitions)
    assert before == structural_hash(catalog.checked(catalog.entry("brands")))[:12]
    retailer.write("brands", BRANDS.replace("name: Brands", "name: All brands"))
    assert spec(retailer, "brands").code_version == before
    retailer.write("brands", BRANDS.replace("type: string", "type: string, nullable: false"))
    assert spec(retailer, "brands").code_version != before


def test_blocking_checks_are_declared(retailer):
    found = graph(retailer)
    checks = {key.name: found.get(key).blocking for key in found.get(dataset_key("monthly")).check_keys}
    assert checks["natural_key_unique"]
    assert not checks["leak"]
    assert "split_not_empty" not in {key.name for key in found.get(dataset_key("brands")).check_keys}


def test_a_broken_file_is_an_asset_that_shows_what_is_wrong(retailer):
    retailer.write("broken", BROKEN)
    found = spec(retailer, "broken")
    faults = load_catalog(retailer.settings.definitions).entry("broken").faults
    assert str(faults[0]) in found.description
    assert found.metadata["faults"].value == "\n".join(map(str, faults))
    assert found.metadata["dagster/code_references"].code_references[0].line_number == 5
    assert spec(retailer, "monthly").group_name == "ranking"


def test_a_broken_target_makes_every_asset_say_so(retailer):
    (retailer.root / "target.yaml").write_text("target: {engine: {type: duckdb}}\n")
    found = graph(retailer)
    assert {key.to_user_string() for key in found.get_all_asset_keys()} == {
        "datasets/monthly",
        "datasets/brands",
        "datasets/nesting",
    }
    assert "target.yaml:1:" in spec(retailer, "brands").metadata["faults"].value


def test_a_resolver_that_the_target_does_not_have_breaks_only_its_dataset(retailer):
    retailer.write("brands", BRANDS.replace("owner: shop-team", "owner: shop-team\n  resolver_id: elsewhere"))
    assert "has no resolver 'elsewhere'" in spec(retailer, "brands").metadata["faults"].value
    assert spec(retailer, "monthly").group_name == "ranking"


def test_faults_of_other_files_are_an_asset_of_their_own(retailer):
    (retailer.settings.definitions / "projects" / "p.yaml").write_text("project: {name: P}\n")
    found = graph(retailer).get(dg.AssetKey("definitions")).to_asset_spec()
    assert "p.yaml:1:" in found.metadata["faults"].value


def test_archived_datasets_are_hidden_unless_something_shown_reads_them(retailer):
    archived = "owner: {}\n  status: archived".format
    retailer.write("monthly", MONTHLY.replace("owner: ada", archived("ada")))
    retailer.write("brands", BRANDS.replace("owner: shop-team", archived("shop-team")))
    keys = {key.to_user_string() for key in graph(retailer).get_all_asset_keys()}
    assert "datasets/monthly" not in keys
    assert "datasets/brands" in keys
    retailer.write("nesting", NESTING.replace("owner: ada", archived("ada")))
    assert graph(retailer).get_all_asset_keys() == set()


def test_a_project_is_a_job_and_one_for_each_way_of_partitioning(retailer):
    retailer.project("ranking", "monthly", "nesting")
    retailer.project("all-of-it", "monthly", "brands", "01a2001c-5bb3-7d55-869e-000000000003")
    found = jobs(retailer)
    assert found == {
        "ranking": {dataset_key("monthly"), dataset_key("nesting")},
        "all_of_it": {dataset_key("monthly"), dataset_key("nesting")},
        "all_of_it__brands": {dataset_key("brands")},
    }
    job: Any = retailer.definitions().resolve_job_def("ranking")
    assert job.tags[PROJECT_TAG] == "01a2001c-5bb3-7d55-869e-0000000000aa"
    assert job.partitions_def.get_first_partition_key() == "2024-02"


@pytest.mark.parametrize(
    "partitions", ["{period: quarter, start: 2024-Q1}", "{period: month, start: 2024-03}", None]
)
def test_jobs_keep_their_names_when_periods_change(retailer, partitions):
    retailer.project("ranking", "monthly")
    retailer.project("all_of_it", "monthly", "brands")
    retailer.project("other", "brands", "monthly")
    before = jobs(retailer)
    assert set(before) == {"ranking", "all_of_it", "all_of_it__brands", "other", "other__monthly"}
    old = "  partitions: {period: month, start: 2024-02}\n"
    assert old in MONTHLY
    retailer.write("monthly", MONTHLY.replace(old, f"  partitions: {partitions}\n" if partitions else ""))
    after = jobs(retailer)
    if partitions:
        assert after == before
    else:
        everything = {dataset_key("monthly"), dataset_key("brands")}
        assert after == {"ranking": {dataset_key("monthly")}, "all_of_it": everything, "other": everything}


def test_a_broken_dataset_is_in_every_job_of_its_project(retailer):
    retailer.write("broken", BROKEN)
    retailer.project("ranking", "monthly", "brands", "broken")
    assert all(dataset_key("broken") in keys for keys in jobs(retailer).values())
    retailer.project("ranking", "broken")
    assert jobs(retailer) == {"ranking": {dataset_key("broken")}}


def test_a_folder_without_files_loads(tmp_path, retailer):
    empty = tmp_path / "empty"
    empty.mkdir()
    definitions = code_location(Settings(target=retailer.settings.target, definitions=empty), NOW)
    dg.Definitions.validate_loadable(definitions)
    (empty / "users.yaml").write_text("users: {}\n")
    definitions = code_location(Settings(target=retailer.settings.target, definitions=empty), NOW)
    assert definitions.resolve_asset_graph().get_all_asset_keys() == set()


@pytest.mark.parametrize("text", ["two-tower", "recommender/two tower", "///", "ä", "x" * 300, "a.b/c"])
def test_names_are_ones_that_dagster_takes(text: str):
    dg.AssetSpec("a", group_name=group(text), tags={"t": tag_value(text)})
    assert re.fullmatch(r"[A-Za-z0-9_]+", word(text))
    assert re.fullmatch(r"[A-Za-z0-9_]+", pool(text))
