"""A new file is written whole and valid, or not at all."""

from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import ContractError
from dataset_assets.lifecycle.create import create_dataset
from tests.lifecycle.conftest import PROFILES, contents

NEW = PROFILES.replace("  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d   # given once\n", "")


def test_the_text_becomes_the_file(root: Path, catalog: Catalog) -> None:
    created = create_dataset(catalog, "homes", NEW)
    assert (root / "datasets" / "homes.yaml").read_text() == NEW
    assert created.model_dump(mode="json") == {
        "dataset": "homes",
        "file": str(root / "datasets" / "homes.yaml"),
        "text": NEW,
        "written": True,
    }
    assert load_catalog(root).entry("homes").ok


def test_a_dry_run_writes_nothing(root: Path, catalog: Catalog) -> None:
    before = contents(root)
    assert not create_dataset(catalog, "homes", NEW, dry_run=True).written
    assert contents(root) == before


@pytest.mark.parametrize(
    ("stem", "text", "told"),
    [
        ("sales", NEW, "there is a dataset 'sales' already"),
        ("Sales", NEW, "differs from `sales` by case"),
        ("my-homes", NEW, "cannot name a dataset"),
        ("../homes", NEW, "cannot name a dataset"),
        ("..", NEW, "cannot name a dataset"),
        ("a\0b", NEW, "cannot name a dataset"),
        ("homes", NEW.replace("integer", "integr"), "homes.yaml:10:36: dataset.main_table.columns[0].type"),
        ("homes", NEW.replace("user-ann", "user-bob"), "whom users.yaml does not have"),
        ("homes", PROFILES, "as in `profiles`"),
        ("homes", "dataset: [", "homes.yaml:2:1"),
        ("homes", "", "the file is empty"),
    ],
)
def test_faults_are_told_and_nothing_is_written(
    root: Path, catalog: Catalog, stem: str, text: str, told: str
) -> None:
    before = contents(root)
    with pytest.raises(ContractError) as error:
        create_dataset(catalog, stem, text)
    assert told in str(error.value)
    assert contents(root) == before


def test_the_lock_of_a_deleted_dataset_is_not_taken_over(root: Path) -> None:
    (root / "datasets" / "sales.yaml").unlink()
    with pytest.raises(ContractError, match=r"sales.lock is the lock of a dataset whose file is missing"):
        create_dataset(load_catalog(root), "sales", NEW)
