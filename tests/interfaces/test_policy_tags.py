"""Sensitive columns of tables in BigQuery get the target's policy tag, before their rows are visible."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from dataset_assets.interfaces.workspace import Workspace
from tests.bigquery.emulator import PATIENCE, once
from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run_ok, run_refused

TAG = "projects/acme/locations/eu/taxonomies/1/policyTags/2"
OWN = "projects/acme/locations/eu/taxonomies/1/policyTags/9"


def with_tag(cloud: Cloud, tag: str | None = TAG) -> None:
    setting = f", policy_tag: {tag}" if tag else ""
    cloud.target(warehouse=f"{cloud.dataset}{setting}")


def tags(cloud: Cloud, table: str) -> Mapping[str, list[str]]:
    """Return the policy tags of a table's columns, as BigQuery answers."""
    client = cloud.proxy.client()
    found = client.get_table(f"{cloud.dataset}.{table}", retry=once(), timeout=PATIENCE)
    return {each.name: list(each.policy_tags.names) for each in found.schema if each.policy_tags}


def names(cloud: Cloud) -> list[str]:
    found = cloud.proxy.client().list_tables(cloud.dataset, retry=once(), timeout=PATIENCE)
    return [each.table_id for each in found]


def sent(cloud: Cloud, place: str, table: str) -> list[dict]:
    """Return the schemas that were sent for a table, by column."""
    requests = [each for each in cloud.proxy.requests if each.place == place]
    if place == "tables.patch":
        requests = [each for each in requests if urlsplit(each.path).path.endswith(f"/tables/{table}")]
    bodies = [json.loads(each.body) for each in requests]
    named = [each for each in bodies if each.get("tableReference", {}).get("tableId", table) == table]
    schemas = [each["schema"]["fields"] for each in named if "schema" in each]
    return [{field["name"]: field for field in fields} for fields in schemas]


def test_the_table_is_created_with_the_tag(cloud: Cloud):
    with_tag(cloud)
    run_ok("materialize", "profiles")
    [created] = sent(cloud, "tables.insert", "profiles")
    assert {name: each.get("policyTags") for name, each in created.items() if "policyTags" in each} == {
        "income": {"names": [TAG]}
    }
    assert tags(cloud, "profiles") == {"income": [TAG]}
    places = [each.place for each in cloud.proxy.requests]
    labels = [each.labels.get("step") for each in cloud.proxy.requests]
    assert places.index("tables.insert") < labels.index("publish"), "no row is there before the tag is"


def test_later_publications_keep_the_tag(cloud: Cloud):
    with_tag(cloud)
    run_ok("materialize", "profiles")
    cloud.put("households", "SELECT n AS household_id, 'x' AS income, 'y' AS town FROM UNNEST([8, 9]) AS n")
    path = cloud.root / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(
        path.read_text().replace("name: town, type: string", "name: town, type: string, description: T")
    )
    run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {"income": [TAG]}
    [patched] = sent(cloud, "tables.patch", "profiles")
    assert patched["town"]["description"] == "T"
    assert patched["income"]["policyTags"] == {"names": [TAG]}
    run_ok("rows", "delete", "profiles", "--where", "household_id = 9")
    run_ok("materialize", "sales", "--partition", "2017-03")
    assert tags(cloud, "sales") == {"household__income": [TAG]}
    with_tag(cloud, None)
    cloud.put("households", "SELECT 8 AS household_id, 'y' AS income, 'z' AS town")
    run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {"income": [TAG]}, "a target without the setting removes no tag"


def test_a_table_that_was_published_before_is_protected_without_new_rows(cloud: Cloud):
    run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {}
    with_tag(cloud)
    cloud.proxy.requests.clear()
    answer = run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {"income": [TAG]}
    assert "publish" not in cloud.billed(), answer.err
    cloud.proxy.requests.clear()
    run_ok("materialize", "profiles")
    assert sent(cloud, "tables.patch", "profiles") == [], "the tag is written once"
    assert sum(each.place == "tables.get" for each in cloud.proxy.requests) > 0


def test_a_column_that_becomes_sensitive_and_a_tag_of_somebody_else(cloud: Cloud):
    with_tag(cloud, OWN)
    run_ok("materialize", "profiles")
    with_tag(cloud)
    path = cloud.root / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(
        path.read_text().replace("name: town, type: string", "name: town, type: string, sensitive: true")
    )
    run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {"income": [OWN], "town": [TAG]}


def test_a_new_sensitive_column_has_the_tag_before_its_values(cloud: Cloud):
    with_tag(cloud)
    run_ok("materialize", "profiles")
    cloud.put(
        "households",
        "SELECT n AS household_id, 'a' AS income, 'b' AS town, 'c' AS phone FROM UNNEST([1]) AS n",
    )
    path = cloud.root / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text() + "      - {name: phone, type: string, sensitive: true}\n")
    cloud.proxy.requests.clear()
    run_ok("materialize", "profiles")
    assert tags(cloud, "profiles") == {"income": [TAG], "phone": [TAG]}
    places = [each.labels.get("step") or each.place for each in cloud.proxy.requests]
    assert places.index("columns") < places.index("tables.patch") < places.index("publish")


def test_a_sample_has_the_tag(cloud: Cloud):
    with_tag(cloud)
    run_ok("materialize", "profiles", "--sample", "50%")
    [sample] = [name for name in names(cloud) if name.startswith("_sample_profiles")]
    assert tags(cloud, sample) == {"income": [TAG]}


def test_a_name_that_is_no_policy_tag_is_refused(cloud: Cloud):
    with_tag(cloud, "secret")
    said = run_refused("materialize", "profiles")
    assert "policy_tag: is 'secret', not the resource name of a policy tag; write it as projects/P" in said


@pytest.mark.usefixtures("retailer")
def test_other_warehouses_have_no_policy_tags():
    target = Workspace.of().target
    with target.engine.connect() as session:
        assert target.warehouse.protect("profiles", (), session) is None
