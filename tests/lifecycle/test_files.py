"""Edit, status, clone, rename and delete: what each writes, what it refuses, and what it leaves alone."""

# ruff: noqa: E501 - tables of an edit and its result

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry
from dataset_assets.contract.model import Status
from dataset_assets.errors import ContractError, DatasetAssetsError, LockError
from dataset_assets.lifecycle import rename
from dataset_assets.lifecycle.clone import clone_dataset
from dataset_assets.lifecycle.delete import delete_dataset
from dataset_assets.lifecycle.edit import edit_dataset
from dataset_assets.lifecycle.rename import rename_dataset
from dataset_assets.lifecycle.status import TRANSITIONS, Action, change_status
from tests.lifecycle.conftest import NOW, contents


def text(root: Path, name: str = "sales") -> str:
    return (root / "datasets" / f"{name}.yaml").read_text()


def unused(_entry: object) -> list[str]:
    return []


@pytest.mark.parametrize(
    ("assignment", "before", "after", "structural"),
    [
        ("filters.product_filter.value=90", "percent, value: 80}", "percent, value: 90}", True),
        ("dataset.name=Sales: the new", "name: Sales  ", 'name: "Sales: the new"  ', False),
        ("column_mapping.city=household.town", "sales_value\n  ex", "sales_value\n    city: household.town\n  ex", True),
        ("main_table.columns[3].nullable=false", "decimal}", "decimal, nullable: false}", True),
        ("main_table.columns[sales_value].description=Paid", "decimal}", "decimal, description: Paid}", False),
        ("filters.fit_on=train", "value: 80}\n", "value: 80}\n    fit_on: train\n", True),
        ("description=What was bought", "  owner", "  description: What was bought\n  owner", False),
        ("extra_columns[+]=household.income", "[household.town]", "[household.town, household.income]", True),
        ("partitions={period: month, start: 2017-02}", "", "", True),
        ("filters.date_range={type: fixed, start_date: 2017-01-01, end_date: 2017-02-01}", "rolling, months: 2", "fixed, start_date: 2017-01-01, end_date: 2017-02-01", True),
    ],
)  # fmt: skip
def test_an_edit_changes_its_field_alone(
    root: Path, catalog: Catalog, assignment: str, before: str, after: str, structural: bool
) -> None:
    old = text(root)
    done = edit_dataset(catalog, "sales", [assignment])
    if before:
        assert text(root) == old.replace(before, after, 1)
    assert text(root).count("#") == old.count("#")
    assert (done.structural, done.version, done.written) == (structural, 1 + structural, True)
    assert [change.field for change in done.changes] == [
        assignment.partition("=")[0]
        .removeprefix("dataset.")
        .replace("[+]", "[1]")
        .replace("[sales_value]", "[3]")
    ]
    assert load_catalog(root).entry("sales").ok
    assert json.loads(done.model_dump_json())["kind"] == done.kind


def test_fields_are_removed(root: Path, catalog: Catalog) -> None:
    done = edit_dataset(
        catalog, "sales", [], ["ml_model", "filters.product_filter", "extra_columns[household.town]"]
    )
    new = text(root)
    assert "ml_model" not in new
    assert "product_filter" not in new
    assert "extra_columns: []" in new
    assert done.summary.startswith("extra column `household.town` removed")
    assert done.changes[0].model_dump() == {"field": "ml_model", "before": "recommender", "after": None}


def test_a_dry_run_prints_a_patch_and_writes_nothing(root: Path, catalog: Catalog) -> None:
    before = contents(root)
    done = edit_dataset(catalog, "sales", ["ml_model=ranking"], dry_run=True, locked=True)
    assert "-  ml_model: recommender\n+  ml_model: ranking\n" in done.diff
    assert not done.written
    assert contents(root) == before


@pytest.mark.parametrize(
    ("assignments", "removals", "told"),
    [
        (["filters.product_filter.value=900"], [], "sales.yaml:34:56: dataset.filters.product_filter.value"),
        (
            ["column_mapping.user_id=nobody"],
            [],
            "is 'nobody', which the main table `transactions` does not have",
        ),
        (["main_table.colums=[]"], [], "did you mean `columns`?"),
        (["version=3"], [], "version: is written by the system"),
        (["id=3"], ["created_at"], "created_at: is written by the system"),
        (["status=archived"], [], "use `activate`, `disable`"),
        (["owner"], [], "'owner' is no `key=value`"),
        (["a b=3"], [], "'a b' is not the name of a field"),
        (["main_table.columns[nobody].type=string"], [], "there is no item 'nobody'"),
        (["main_table.columns[9].type=string"], [], "does not exist"),
        (["filters={type"], [], "is no value"),
        (["name=[a]"], [], "name"),
        ([], ["refresh"], "does not exist"),
        ([], ["main_table"], "is required"),
        ([], [], "there is nothing to edit"),
    ],
)
def test_a_faulty_edit_writes_nothing(
    root: Path, catalog: Catalog, assignments: list[str], removals: list[str], told: str
) -> None:
    before = contents(root)
    with pytest.raises(ContractError) as error:
        edit_dataset(catalog, "sales", assignments, removals)
    assert told in str(error.value)
    assert contents(root) == before


def test_an_edit_must_not_break_the_datasets_that_nest_it(root: Path, catalog: Catalog) -> None:
    before = contents(root)
    with pytest.raises(ContractError, match=r"sales.yaml:31.*extra_columns\[0\]: is 'household.town'"):
        edit_dataset(catalog, "profiles", [], ["main_table.columns[town]"])
    assert contents(root) == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(
    root: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataset_assets.lifecycle import edit  # noqa: PLC0415 - patched here alone

    proposed = edit.proposed

    def with_another_editor(*arguments: Any) -> Any:
        answer = proposed(*arguments)
        path = root / "datasets" / "sales.yaml"
        path.write_text(path.read_text() + "# mine\n")
        return answer

    monkeypatch.setattr(edit, "proposed", with_another_editor)
    with pytest.raises(LockError, match="changed by somebody else"):
        edit_dataset(catalog, "sales", ["ml_model=ranking"])
    assert text(root).endswith("# mine\n")
    assert "ranking" not in text(root)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("status", Status)
def test_every_transition_is_made_or_refused(root: Path, action: Action, status: Status) -> None:
    path = root / "datasets" / "sales.yaml"
    path.write_text(path.read_text().replace("  owner", f"  status: {status}   # mine\n  owner"))
    after = TRANSITIONS[action].get(status)
    if after is None:
        with pytest.raises(ContractError, match=f"`sales` is {status}: it cannot be"):
            change_status(load_catalog(root), "sales", action)
        return
    done = change_status(load_catalog(root), "sales", action)
    assert (done.before, done.after, done.written) == (status, after, status is not after)
    assert f"status: {after}   # mine\n" in path.read_text()
    again = change_status(load_catalog(root), "sales", action)
    assert not again.written


def test_a_reference_that_is_not_recorded_keeps_a_dataset_open(root: Path) -> None:
    (root / "projects" / "shop.lock").unlink()
    with pytest.raises(ContractError, match="which is disabled: not for new references"):
        change_status(load_catalog(root), "sales", Action.DISABLE)
    assert "status" not in text(root)


def test_a_clone_is_a_draft_with_an_id_of_its_own(root: Path, catalog: Catalog) -> None:
    done = clone_dataset(catalog, "sales", "sales_too", now=NOW)
    entry = load_catalog(root).entry("sales_too")
    assert entry.ok
    assert entry.dataset
    assert (entry.dataset.name, entry.dataset.status) == ("Sales (copy)", Status.DRAFT)
    assert (str(entry.dataset.id), entry.dataset.version) == (done.id, 1)
    assert len(entry.lock.lines) == 1
    assert text(root, "sales_too").count("#") == text(root).count("#")
    assert load_catalog(root).entry("sales").ok


def test_a_rename_moves_the_lock_and_edits_projects(root: Path, catalog: Catalog) -> None:
    before = contents(root)
    done = rename_dataset(catalog, "sales", "purchases")
    after = contents(root)
    assert after["datasets/purchases.yaml"] == before["datasets/sales.yaml"]
    assert after["datasets/purchases.lock"] == before["datasets/sales.lock"]
    assert after["projects/shop.yaml"] == before["projects/shop.yaml"].replace("[sales]", "[purchases]")
    assert not [name for name in after if "sales" in name]
    assert (done.projects, done.published_as) == (("shop",), ())
    renamed = load_catalog(root)
    assert (renamed.entry("purchases").ok, renamed.faults) == (True, ())


@pytest.mark.parametrize("stage", ["rename", "write_text", "unlink"])
def test_an_interrupted_rename_is_explained_and_finished(
    root: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def crash(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    owner = rename if stage == "write_text" else Path
    with monkeypatch.context() as patched:
        patched.setattr(owner, stage, crash)
        with pytest.raises(KeyboardInterrupt):
            rename_dataset(load_catalog(root), "sales", "purchases")
    left = load_catalog(root)
    assert all(entry.ok for entry in left.entries.values())
    assert "left by an interrupted rename" in " ".join(map(str, left.faults))
    rename_dataset(left, "sales", "purchases")
    assert load_catalog(root).faults == ()
    assert not list(root.rglob("sales.*"))
    assert "[purchases]" in (root / "projects" / "shop.yaml").read_text()


@pytest.mark.parametrize(
    ("stem", "told"),
    [
        ("profiles", "there is a dataset 'profiles' already"),
        ("Profiles", "differs from `profiles` by case"),
        ("my-sales", "cannot name a dataset"),
        ("sales", "is called 'sales' already"),
    ],
)
def test_a_taken_name_is_refused(root: Path, catalog: Catalog, stem: str, told: str) -> None:
    before = contents(root)
    with pytest.raises(ContractError, match=told):
        rename_dataset(catalog, "sales", stem)
    assert contents(root) == before


def test_what_is_referred_to_is_not_deleted(root: Path, catalog: Catalog) -> None:
    before = contents(root)
    with pytest.raises(ContractError, match=r"shop.yaml:6:14: the project `shop` uses `sales` \(BR-007\)"):
        delete_dataset(catalog, "sales", unused)
    with pytest.raises(ContractError, match=r"sales.yaml:24:35: the dataset `sales` reads `profiles`"):
        delete_dataset(catalog, "profiles", unused)
    (root / "projects" / "shop.yaml").write_text("project: [sales")
    with pytest.raises(ContractError, match="the project `shop` uses `sales`"):
        delete_dataset(load_catalog(root), "sales", unused)
    (root / "projects" / "shop.yaml").unlink()
    with pytest.raises(ContractError, match="`sales` is in use: run 7 read it"):
        delete_dataset(load_catalog(root), "sales", lambda _: ["run 7 read it"])
    assert contents(root)["datasets/sales.yaml"] == before["datasets/sales.yaml"]


def test_a_deleted_dataset_leaves_nothing_and_its_name_gets_a_new_id(root: Path) -> None:
    (root / "projects" / "shop.yaml").unlink()
    (root / "projects" / "shop.lock").unlink()
    old, id_ = text(root), load_catalog(root).entry("sales").lock.id
    done = delete_dataset(load_catalog(root), "sales", unused)
    assert (done.version, done.id, len(done.files)) == (1, str(id_), 2)
    assert not list(root.rglob("sales.*"))
    new = "\n".join(line for line in old.split("\n") if not line.strip().startswith(("id:", "version:")))
    (root / "datasets" / "sales.yaml").write_text(new)
    lock_entry(load_catalog(root).entry("sales"), NOW)
    assert load_catalog(root).entry("sales").lock.id != id_


@pytest.mark.parametrize(
    "change",
    [
        lambda catalog: edit_dataset(catalog, "sales", ["ml_model=x"], locked=True),
        lambda catalog: change_status(catalog, "sales", Action.DISABLE, locked=True),
        lambda catalog: clone_dataset(catalog, "sales", "copy", now=NOW, locked=True),
        lambda catalog: rename_dataset(catalog, "sales", "other", locked=True),
    ],
)
def test_locked_files_are_not_changed(root: Path, catalog: Catalog, change: Any) -> None:
    before = contents(root)
    with pytest.raises(DatasetAssetsError, match="DATASET_ASSETS_LOCKED is set"):
        change(catalog)
    assert contents(root) == before
