"""Both components work in a separate Dagster project that uses the installed package."""

import json
from collections import Counter
from pathlib import Path

ONE = "shop/defs/basket_lines/defs.yaml"
OWNERS = dict.fromkeys(("resources", "definitions", "interfaces"), "shop")
"""Names that the library does not claim in a project that installs it: each package is the project's own."""
COLUMNS = ["user_id", "product_id", "timestamp", "revenue", "order_id", "split"]


MANY = (
    "type: dataset_assets.assets.components.DatasetsComponent\nattributes: {target: ../../../target.yaml}\n"
)


def test_a_dataset_over_an_asset_of_the_project_is_published(project, site):
    found = project.run("publish")
    assert Path(found["package"]).is_relative_to(site)
    assert found["owners"] == OWNERS
    assert found["keys"] == ["datasets/basket_lines", "raw/orders"]
    assert found["parents"] == ["raw/orders"]
    assert found["window"] == -1
    assert found["upstream"] == [True, True, True]
    assert found["dataset"]["said"] == []
    assert found["dataset"]["rows"] == [80]
    table = project.published("basket_lines")
    assert [name for name in table.column_names if not name.startswith("_")] == COLUMNS
    assert sorted(table["order_id"].to_pylist()) == [*range(1000, 1040), *range(2000, 2040)]
    assert Counter(table["split"].to_pylist()) == {0: 72, 1: 8}
    # what was published is up to date until the upstream asset is made anew
    assert found["requested"] == [[], [], ["2026-02"]]
    assert (project.root / ONE).with_suffix(".lock").exists()


def test_what_is_scaffolded_works_at_once(project):
    found = project.run("scaffold")
    for command in ("many", "one", "check", "list", "components", "inspect"):
        code, said = found[command]
        assert code == 0, said
    assert found["owners"] == OWNERS
    listed = json.loads(found["list"][1])
    keys = {asset["asset_key"] for asset in listed["assets"]}
    assert {"datasets/basket_lines", "datasets/many_example", "datasets/one", "shop/orders"} <= keys
    sensors = {sensor["name"] for sensor in listed["sensors"]}
    assert {"sources__many", "refresh__many", "janitor__many", "alerts__many"} <= sensors
    assert "dataset_assets.assets.components.DatasetsComponent" in found["components"][1]
    assert "natural_key_columns" in found["inspect"][1]
    for stem in ("many_example", "one"):
        assert found["runs"][stem] == {"ok": True, "rows": [8], "said": []}
        assert set(project.published(stem)["split"].to_pylist()) == {0, 1}


def test_a_mistake_is_told_with_its_place_and_without_a_traceback(project):
    folder = project.root / "shop/defs/many/datasets"
    folder.mkdir(parents=True)
    (folder.parent / "defs.yaml").write_text(MANY)
    (folder / "nothing.yaml").write_text("dataset: {name: Nothing}\n")
    project.edit(ONE, decimal="decimel")
    project.edit(ONE, **{"[order_id]": "[order]"})
    found = project.run("mistakes")
    code, said = found["yaml"]
    assert code == 1
    assert f"{ONE}:17 " in said
    assert "decimel" in said
    code, said = found["ours"]
    faults = [
        f"{ONE}:9:27: dataset.natural_key_columns[0]: is 'order'",
        f"{ONE}:17:31: dataset.main_table.columns[4].type: is 'decimel'",
    ]
    others = [
        "shop/defs/many/users.yaml:1:1: there is no users.yaml",
        "shop/defs/many/datasets/nothing.yaml:1:10: dataset.owner: is required",
    ]
    assert code == 1
    assert all(fault in said for fault in (*faults, *others))
    for name in ("yaml", "ours"):
        code, said = found[name]
        assert code == 1
        assert "Traceback" not in said
        assert "Stack Trace" not in said
    assert not found["run"]["ok"]
    assert all(fault in found["run"]["said"][0] for fault in faults)
    assert found["orders"]["ok"]
