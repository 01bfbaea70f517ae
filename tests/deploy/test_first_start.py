"""Several processes can open the storage of a fresh DAGSTER_HOME at once."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from filelock import FileLock, Timeout

from dataset_assets.assets.storage import SharedSqliteStorage
from dataset_assets.errors import DatasetAssetsError
from tests.deploy.first_starts import ROOT, first_start, fresh_home

PROCESSES = 6
STARTS = int(os.environ.get("DATASET_ASSETS_FIRST_STARTS", "1"))


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


@pytest.mark.parametrize("number", range(STARTS))
def test_webserver_and_daemon_come_up_together_on_a_fresh_home(tmp_path, number):
    assert first_start(fresh_home(tmp_path)) == "", f"start {number + 1} of {STARTS}"


def test_a_lock_that_a_killed_process_has_left_is_no_lock(tmp_path):
    """The kernel releases the lock of a killed process; the lock file remains."""
    (tmp_path / ".opening").touch()
    with process_that_holds(tmp_path / ".opening") as holder:
        with pytest.raises(Timeout):
            FileLock(tmp_path / ".opening", timeout=0).acquire()
        holder.kill()
        holder.wait()
        begun = time.monotonic()
        SharedSqliteStorage(str(tmp_path))
        assert time.monotonic() - begun < 30


HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def process_that_holds(path: Path) -> Generator[subprocess.Popen]:
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        yield holder
        holder.kill()


def test_an_unwritable_folder_is_reported(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetAssetsError, match="Dagster cannot keep its runs and events in ") as raised:
        SharedSqliteStorage(str(tmp_path / "file" / "storage"))
    assert "Not a directory; let it be a folder on a disk of this machine" in str(raised.value)
