"""Measure what Dagster adds to a warm run: job J materialized as an asset, less the publication inside."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg

from benchmarks.measure import Report, Series, of_this_project
from benchmarks.workspace import JOB_J, Workspace, workspace
from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets import materialization
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.code_location import code_location


def main(repeats: int) -> Report:
    """In a process of its own, whose standard error receives Dagster's log."""
    return {"table": of_this_project("benchmarks.dagster_run", str(repeats))["table"]}


def inside(repeats: int) -> Report:
    """Runs of an unchanged source, in one process, with Dagster's own storage in SQLite."""
    whole, published = Series(), Series()
    with workspace() as space, dg.DagsterInstance.local_temp(str(_folder(space))) as instance:
        run = _run(space, instance)
        for is_warm in (False, False, *[True] * repeats):  # the first publishes, the second warms the others
            timed = _timed(materialization.materialize, published if is_warm else Series())
            with patch.object(materialization, "materialize", timed):
                (whole if is_warm else Series()).time(run)
    rest = Series(_less(whole.wall, published.wall), _less(whole.cpu, published.cpu))
    series = {"a run, nothing changed": whole, "the publication in it": published, "Dagster's part": rest}
    return {"table": {name: each.against(whole) for name, each in series.items()}}


def _folder(space: Workspace) -> Path:
    folder = space.root / "dagster"
    folder.mkdir()
    return folder


def _run(space: Workspace, instance: dg.DagsterInstance) -> Callable[[], None]:
    target = str(space.target_file())
    settings = Settings(project=space.root, definitions=space.root / "definitions", target=target)
    every_asset = code_location(settings, datetime.now(UTC)).resolve_implicit_global_asset_job_def()
    job = every_asset.get_subset(asset_selection={dataset_key(JOB_J)})

    def run() -> None:
        assert job.execute_in_process(instance=instance, partition_key=space.period.id).success

    return run


def _timed(publish: Callable[..., Any], series: Series) -> Callable[..., Any]:
    return lambda *given: series.time(lambda: publish(*given))


def _less(whole: list[float], part: list[float]) -> list[float]:
    return [all_ - some for all_, some in zip(whole, part, strict=True)]


if __name__ == "__main__":
    print(json.dumps(inside(int(sys.argv[1]))))
