"""Lists are answered from memory, and facts of publications come as soon as they are known."""

from pathlib import Path
from time import monotonic, sleep

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Status
from dataset_assets.interfaces.web import dataset_index
from dataset_assets.interfaces.web.dataset_index import DatasetIndex, ListQuery
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.status import Action, change_status
from tests.interfaces.conftest import PROFILES, SALES, TARGET, USERS, write_tables
from tests.interfaces.running import run_ok


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project with two datasets, one of which is published."""
    root = tmp_path / "definitions"
    (root / "datasets").mkdir(parents=True)
    for name, text in (("users", USERS), ("datasets/profiles", PROFILES), ("datasets/sales", SALES)):
        (root / f"{name}.yaml").write_text(text)
    (tmp_path / "local.yaml").write_text(TARGET)
    write_tables(tmp_path / "data" / "retail")
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(root))
    monkeypatch.setenv("DATASET_ASSETS_TARGET", str(tmp_path / "local.yaml"))
    run_ok("materialize", "profiles")
    return Workspace.of()


def listed(index: DatasetIndex, catalog: Catalog, **query) -> list[str]:
    return [each.dataset for each in index.matching(catalog, ListQuery(**query))]


def rows(index: DatasetIndex, catalog: Catalog) -> dict[str, int | None]:
    found, remarks = index.described(index.matching(catalog, ListQuery()))
    assert remarks == ()
    return {each.dataset: each.row_count for each in found}


def test_a_search_looks_at_names_and_tables(workspace: Workspace) -> None:
    index, catalog = DatasetIndex(lambda: workspace.target), workspace.catalog
    assert listed(index, catalog) == ["profiles", "sales"]
    assert listed(index, catalog, search="TRANS") == ["sales"]
    assert listed(index, catalog, search="profiles") == ["profiles", "sales"]
    assert listed(index, catalog, search="profiles nothing") == []
    assert listed(index, catalog, status=Status.DRAFT) == []
    assert listed(index, catalog, ml_model="none") == []


def test_archived_datasets_are_listed_on_request(workspace: Workspace) -> None:
    change_status(workspace.catalog, "sales", Action.ARCHIVE)
    index, catalog = DatasetIndex(lambda: workspace.target), Workspace.of().catalog
    assert listed(index, catalog) == ["profiles"]
    assert listed(index, catalog, archived=True) == ["profiles", "sales"]
    assert listed(index, catalog, status=Status.ARCHIVED) == ["sales"]


def test_facts_are_read_once_and_again_in_the_background_when_they_are_old(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(dataset_index, "monotonic", lambda: now[0])
    index, catalog = DatasetIndex(lambda: workspace.target), workspace.catalog
    assert rows(index, catalog) == {"profiles": 3, "sales": None}
    run_ok("materialize", "sales", "--partition", "2017-03")
    assert rows(index, catalog) == {"profiles": 3, "sales": None}, "they are not old yet"
    now[0] += dataset_index.FRESH_SECONDS + 1
    assert rows(index, catalog) == {"profiles": 3, "sales": None}, "nobody waits"
    until = monotonic() + 30
    while rows(index, catalog)["sales"] is None:
        assert monotonic() < until
        sleep(0.05)


def test_a_dataset_that_was_forgotten_is_read_at_once(workspace: Workspace) -> None:
    index, catalog = DatasetIndex(lambda: workspace.target), workspace.catalog
    assert rows(index, catalog)["sales"] is None
    run_ok("materialize", "sales", "--partition", "2017-03")
    index.forget("sales")
    assert rows(index, catalog)["sales"] == 177


def test_a_target_that_cannot_be_opened_leaves_a_remark(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "local.yaml").write_text("target: {}\n")
    index = DatasetIndex(lambda: workspace.target)
    found, remarks = index.described(index.matching(workspace.catalog, ListQuery()))
    assert [each.row_count for each in found] == [None, None]
    assert "what is published is unknown" in remarks[0]
