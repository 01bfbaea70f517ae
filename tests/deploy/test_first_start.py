"""A fresh home, used by several processes at once."""

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from dataset_assets.assets.storage import SharedSqliteStorage
from tests.deploy.first_starts import ROOT, first_start, fresh_home

PROCESSES = 6


def open_storage(folder: str, start: Any, answers: Any) -> None:
    start.wait()
    try:
        SharedSqliteStorage.from_config_value(None, {"base_dir": folder})
    except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
        answers.put(f"{type(error).__name__}: {error}")
    else:
        answers.put("")


def test_processes_that_open_a_fresh_storage_at_once_all_can(tmp_path):
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(PROCESSES), context.Queue()
    folder = tmp_path / "storage"
    opening = [
        context.Process(target=open_storage, args=(str(folder), start, answers)) for _ in range(PROCESSES)
    ]
    for each in opening:
        each.start()
    assert [answers.get(timeout=60) for _ in opening] == [""] * PROCESSES
    for each in opening:
        each.join()
    databases = sorted(folder.rglob("*.db"))
    assert [path.name for path in databases] == ["index.db", "runs.db", "schedules.db"]
    for path in databases:
        assert len(versions(path)) == 1, "of two, Dagster can open neither"


def versions(database: Path) -> list[tuple]:
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return found


def test_a_folder_that_dagsters_own_storage_made_is_used_on(tmp_path, monkeypatch):
    own = DagsterSqliteStorage.from_local(str(tmp_path / "storage"))
    own.run_storage.add_run(dg.DagsterRun(job_name="before", run_id="11111111-1111-1111-1111-111111111111"))
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    settings["storage"]["custom"]["config"]["base_dir"] = str(tmp_path / "storage")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert [run.job_name for run in instance.get_runs()] == ["before"]
        storage = instance.get_ref().storage_data
        assert storage
        assert storage.class_name == SharedSqliteStorage.__name__


def test_webserver_and_daemon_come_up_together_on_a_fresh_home(tmp_path):
    assert first_start(fresh_home(tmp_path)) == ""
