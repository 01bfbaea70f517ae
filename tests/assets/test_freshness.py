"""Dagster's freshness daemon evaluates the `freshness` of dataset files."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.freshness import FreshnessDaemon

from dataset_assets.assets.asset_keys import dataset_key
from tests.assets.retailer import BRANDS, MONTHLY, Retailer

ROOT = Path(__file__).parents[2]
WITHIN = "  freshness: {within: 26h}\n"

KEYS = {stem: dataset_key(stem) for stem in ("brands", "monthly", "nesting")}


@pytest.fixture
def instance(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as found:
        yield found


@pytest.fixture
def workspace(
    retailer: Retailer, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> Generator[WorkspaceProcessContext]:
    retailer.write("brands", BRANDS + WITHIN)
    retailer.write("monthly", MONTHLY + WITHIN.replace("26h", "90m"))
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.settings.definitions))
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="definitions"))  # ty: ignore[abstract-class-instantiation]
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as found:
        yield found


def seen(workspace: WorkspaceProcessContext, **later: float) -> dict[str, str]:
    """What the daemon finds out, so long from now on."""
    with freeze_time(datetime.now(UTC) + timedelta(**later)):
        list(FreshnessDaemon().run_iteration(workspace))
    found = workspace.instance.get_freshness_state_records(list(KEYS.values()))
    return {stem: found[key].freshness_state.value for stem, key in KEYS.items()}


def test_a_dataset_is_fresh_for_as_long_as_it_says(
    retailer: Retailer, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    assert seen(workspace) == {"brands": "UNKNOWN", "monthly": "UNKNOWN", "nesting": "NOT_APPLICABLE"}
    assert retailer.materialize(instance, "brands").success
    instance.report_runless_asset_event(dg.AssetMaterialization(KEYS["monthly"], partition="2024-02"))
    fresh, late = seen(workspace, minutes=89), seen(workspace, minutes=91)
    assert (fresh["brands"], fresh["monthly"]) == ("PASS", "PASS")
    assert (late["brands"], late["monthly"]) == ("PASS", "FAIL")
    assert seen(workspace, hours=27)["brands"] == "FAIL"
    instance.report_runless_asset_event(dg.AssetMaterialization(KEYS["monthly"], partition="2024-02"))
    assert seen(workspace, minutes=89)["monthly"] == "PASS", "a repaired old Period is new, too"


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml"])
def test_the_daemon_is_switched_on(file: str) -> None:
    assert yaml.safe_load((ROOT / file).read_text())["freshness"] == {"enabled": True}
