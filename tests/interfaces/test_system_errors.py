"""An error of the operating system is one sentence with the path, and publications stay unchanged."""

import errno
import os
import resource
from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError

from dataset_assets.adapters.delta import folder as delta_folder
from dataset_assets.adapters.delta import warehouse as delta_warehouse
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.system_errors import system_error, system_errors_as_faults
from tests.interfaces.running import process, run_ok, run_refused

KINDS = ("ENOSPC", "EROFS", "EDQUOT", "EMFILE", "EACCES", "EFBIG")


def rows() -> str:
    return run_ok("read", "profiles", "--format", "csv").out


def declare_another(retailer: Path) -> None:
    """Change a dataset's file so that the next run publishes other rows."""
    path = retailer / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text().replace("      - {name: town, type: string}\n", ""))


def check_message(said: str, retailer: Path, kind: str) -> None:
    last = said.strip().splitlines()[-1]
    reason = os.strerror(getattr(errno, kind))
    assert str(retailer / "warehouse" / "profiles") in last
    assert f"{reason[0].lower()}{reason[1:]}; " in last, "what would do is told as well"


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_files_beside_the_rows(retailer, monkeypatch, kind):
    run_ok("materialize", "profiles")
    before = rows()
    declare_another(retailer)
    number = getattr(errno, kind)

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(delta_folder.os, "fsync", fails)
        check_message(run_refused("materialize", "profiles"), retailer, kind)
    assert rows() == before
    assert not list(retailer.rglob("*.part"))
    run_ok("materialize", "profiles")
    assert rows() != before


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_the_table_log(retailer, monkeypatch, kind):
    run_ok("materialize", "profiles")
    before = rows()
    declare_another(retailer)
    text = f"Generic LocalFileSystem error: Unable to copy data to file: x (os error {getattr(errno, kind)})"

    def fails(*_: object, **__: object) -> None:
        raise (OSError if kind == "ENOSPC" else DeltaError)(text)

    with monkeypatch.context() as patch:
        patch.setattr(delta_warehouse.DeltaTable, "create_write_transaction", fails)
        check_message(run_refused("materialize", "profiles"), retailer, kind)
    assert rows() == before
    run_ok("materialize", "profiles")
    assert rows() != before


def test_errors_of_a_process_with_a_file_size_limit(retailer):
    run_ok("materialize", "profiles")
    before = rows()
    declare_another(retailer)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    answer = process("materialize", "profiles", preexec_fn=limited)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    last = answer.stderr.strip().splitlines()[-1]
    assert "warehouse/profiles" in last
    assert "file too large" in last.lower()
    assert rows() == before
    run_ok("materialize", "profiles")


def test_a_closed_pipe_is_no_fault():
    with pytest.raises(BrokenPipeError), system_errors_as_faults():
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def test_an_error_without_a_number_shows_itself():
    with pytest.raises(OSError, match="something of a library"), system_errors_as_faults():
        raise OSError("something of a library")
    assert system_error(OSError("something of a library"), "x") is None
    with (
        pytest.raises(DatasetAssetsError, match="x: permission denied; let this user"),
        system_errors_as_faults(),
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")
