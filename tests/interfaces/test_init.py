"""`dataset-assets init FOLDER` writes a project in which every command works at once."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset_assets.errors import ContractError
from dataset_assets.interfaces.cli import init_project
from tests.interfaces.running import run_ok, run_refused

FILES = {
    ".gitignore",
    "README.md",
    "dagster.yaml",
    "definitions/__init__.py",
    "definitions/datasets/order_lines.yaml",
    "definitions/projects/training.yaml",
    "definitions/tests/order_lines/window_and_split.yaml",
    "definitions/users.yaml",
    "pyproject.toml",
    "resources/__init__.py",
    "resources/target.py",
    "resources/targets/local.yaml",
    "tables/orders/2026-01.csv",
    "tables/orders/2026-02.csv",
    "tables/orders/2026-03.csv",
    "tables/products.csv",
    "tests/test_definitions.py",
    "workspace.yaml",
}
BIN = Path(sys.executable).parent


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class NewProject:
    """A project that `init` has written; its programs run in its folder, with nothing in the environment."""

    root: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        prefixes = ("DAGSTER", "DATASET_ASSETS", "PYTHONPATH", "PYTEST")
        env = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> NewProject:
    root = tmp_path_factory.mktemp("new") / "my-shop"
    said = run_ok("init", str(root)).err
    assert said.startswith(f"{len(FILES)} files in {root}\n")
    assert files_below(root) == FILES
    return NewProject(root)


def test_the_files_hold_the_name_of_the_project(project):
    assert 'name = "my-shop"' in (project.root / "pyproject.toml").read_text()
    texts = [(project.root / name).read_text() for name in FILES]
    assert not any("$name" in text for text in texts)


def test_the_first_commands_work_from_the_folder(project):
    assert "all is well" in project.run("dataset-assets", "check").stderr
    partition = ("order_lines", "--partition", "2026-03")
    assert "train 122, eval 33" in project.run("dataset-assets", "materialize", *partition).stdout
    rows = project.run("dataset-assets", "read", *partition, "--format", "csv").stdout.splitlines()
    columns = ["user_id", "product_id", "timestamp", "revenue", "category", "order_id", "split"]
    assert rows[0] == ",".join(f'"{column}"' for column in columns)
    assert len(rows) == 156
    assert (project.root / "definitions/datasets/order_lines.lock").exists()
    assert "all is well" in project.run("dataset-assets", "check").stderr


def test_git_gets_the_files_of_the_project_and_nothing_that_a_run_writes(project):
    project.run("dataset-assets", "materialize", "order_lines", "--partition", "2026-02")
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) - {"definitions/datasets/order_lines.lock"} == FILES


def test_the_commands_of_dagster_accept_the_project(project):
    assert "All definitions loaded successfully" in project.run("dg", "check", "defs").stdout
    project.run("dagster", "definitions", "validate")


def test_the_code_location_has_the_dataset_and_the_job(project):
    code = "import definitions; r = definitions.defs().get_repository_def(); print(r.job_names)"
    assert "'training'" in project.run("python", "-c", code).stdout


def test_the_tests_of_the_project_pass(project):
    assert "3 passed" in project.run("pytest").stdout


def test_an_empty_folder_is_filled(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    run_ok("init", str(root))
    assert files_below(root) == FILES


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert run_refused("init", str(tmp_path)) == f"the folder {tmp_path} is not empty; name a new folder\n"
    assert files_below(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("name", ["1shop", "shop.next", "my shop", "shop-", "größe", "$name"])
def test_a_folder_name_that_is_no_project_name_is_refused(tmp_path, name):
    (line,) = run_refused("init", str(tmp_path / name)).splitlines()
    assert "cannot be the name of a project; use letters, digits, `-` and `_`" in line
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["shop", "shop/inner"])
def test_a_file_in_the_way_stays_as_it_is(tmp_path, name):
    (tmp_path / "shop").write_text("mine")
    expected = f"{tmp_path / name} cannot be written: Not a directory; name a folder that can be written to\n"
    assert run_refused("init", str(tmp_path / name)) == expected
    assert (tmp_path / "shop").read_text() == "mine"


def test_a_folder_without_the_right_to_write_is_refused(tmp_path, monkeypatch):
    """The system's answer is replaced, because root may write everywhere."""

    def deny(path: Path, *_args, **_options) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    assert "cannot be written: Permission denied" in run_refused("init", str(tmp_path / "shop"))


@pytest.mark.parametrize("existed", [False, True])
def test_a_disk_that_is_full_leaves_no_half_project(tmp_path, monkeypatch, existed):
    write, root = Path.write_text, tmp_path / "shop"

    def fill_up(path: Path, *args, **options) -> int:
        if path.name == "pyproject.toml":
            raise OSError(28, "No space left on device", str(path))
        return write(path, *args, **options)

    if existed:
        root.mkdir()
    monkeypatch.setattr(Path, "write_text", fill_up)
    with pytest.raises(ContractError, match=r"pyproject\.toml cannot be written: No space left on device"):
        init_project.write_project(root)
    assert root.exists() == existed
    assert files_below(tmp_path) == set()
