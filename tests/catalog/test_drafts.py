"""Tests datasets that are no part of the definitions folder yet: files elsewhere, and texts."""

from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.drafts import with_draft
from dataset_assets.catalog.load_catalog import load_catalog

PROFILES = """\
dataset:
  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d
  name: Profiles
  owner: ann
  main_table:
    name: households
    columns: [{name: household_id, type: integer, nullable: false}]
"""
SALES = """\
dataset:
  name: Sales
  owner: ann
  main_table:
    name: sales
    columns: [{name: household_id, type: integer}]
  lookups:
    - alias: household
      target: {type: dataset, id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d}
      join_conditions: [{source_column: household_id, target_column: household_id}]
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    root = tmp_path / "definitions"
    (root / "datasets").mkdir(parents=True)
    (root / "users.yaml").write_text("users: {ann: {email: ann@example.com}}\n")
    (root / "datasets" / "profiles.yaml").write_text(PROFILES)
    (root / "datasets" / "broken.yaml").write_text("dataset: {name: Broken}\n")
    return load_catalog(root)


def test_a_text_is_a_dataset_of_the_catalog(catalog, tmp_path):
    path = catalog.root / "datasets" / "sales.yaml"
    found, entry = with_draft(catalog, path, SALES)
    assert entry.faults == ()
    assert (entry.stem, entry.path, entry.lock.id) == ("sales", path, None)
    assert [each.name for each in found.scope(entry).sources] == ["sales", "household"]
    assert not path.exists()
    assert catalog.named("sales") is None
    assert found.entries["broken"].faults == catalog.entries["broken"].faults != ()
    assert list(tmp_path.rglob("*.lock")) == []


def test_a_file_elsewhere_replaces_the_one_with_its_stem(catalog, tmp_path):
    draft = tmp_path / "profiles.yaml"
    draft.write_text(PROFILES.replace("Profiles", "Other profiles"))
    found, entry = with_draft(catalog, draft)
    assert entry.faults == ()
    assert found.checked(entry).name == "Other profiles"
    assert catalog.checked(catalog.entry("profiles")).name == "Profiles"


def test_an_id_that_another_file_has_is_a_fault_of_the_draft(catalog, tmp_path):
    _, entry = with_draft(catalog, tmp_path / "copy.yaml", PROFILES)
    assert [fault.field for fault in entry.faults] == ["dataset.id"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "dataset"),
        ("dataset: [", "draft.yaml:2:1: a value is missing"),
        (SALES.replace("type: integer", "type: integr"), "did you mean `integer`?"),
        (SALES.replace("0d6b764edd8d", "0d6b764edd8e"), "lookups[0].target.id"),
        (SALES.replace("owner: ann", "owner: bob"), "dataset.owner"),
    ],
)
def test_faults_have_their_place_in_the_text(catalog, text, sentence):
    _, entry = with_draft(catalog, Path("draft.yaml"), text)
    assert sentence in "\n".join(map(str, entry.faults))


def test_a_file_that_is_not_there(catalog, tmp_path):
    _, entry = with_draft(catalog, tmp_path / "gone.yaml")
    assert "gone.yaml:1:1: cannot be read: no such file or directory" in str(entry.faults[0])
