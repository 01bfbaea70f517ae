"""Hostile names, links, folders, options and outputs get one sentence and the right exit code (BR-203)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.interfaces.running import process, run, run_ok, run_refused


def datasets() -> Path:
    return Path(os.environ["DATASET_ASSETS_DEFINITIONS"]) / "datasets"


def edit(name: str, before: str, after: str) -> None:
    path = datasets() / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize("mark", ["\u202a", "\u202e", "\u2066", "\u2067", "\u2069"])
@pytest.mark.parametrize("form", ["{}", '"\\u{:04x}"'])
@pytest.mark.usefixtures("retailer")
def test_marks_that_turn_writing_are_refused(mark, form):
    written = form.format(mark) if form == "{}" else form.format(ord(mark))
    edit("sales.yaml", "name: Sales", f"name: {written}" if form != "{}" else f"name: Sa{written}les")
    answer = run("check")
    assert answer.code == 1
    assert f"U+{ord(mark):04X}" in answer.out
    assert mark not in answer.out


@pytest.mark.parametrize(
    "value", ["a\\nfake.yaml:1:1: x", "a\\rb", "\\e[2J", "a\\u200bb", "a\\u2028b", "x" * 5000]
)
@pytest.mark.usefixtures("retailer")
def test_a_value_makes_no_line_of_its_own(value):
    edit("sales.yaml", "  owner: user-ann", f'  owner: "{value}"')
    answer = run("check")
    (line,) = answer.out.splitlines()
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize("where", ["datasets/x.yaml", "projects/x.yaml", "users.yaml", "periods.yaml"])
@pytest.mark.usefixtures("retailer")
def test_a_link_out_of_the_definitions_is_not_followed(tmp_path, where):
    secret = tmp_path / "secret"
    secret.write_text("root:x:0:0: a secret\n")
    link = datasets().parent / where
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    for arguments in (("check",), ("check", str(link))):
        answer = run(*arguments)
        assert answer.code == 1
        assert "is a link that leads out of the definitions folder; put the file itself here" in answer.out
        assert "secret" not in answer.out


@pytest.mark.usefixtures("retailer")
def test_a_link_within_the_definitions_is_followed():
    inner = datasets().parent / "shared"
    inner.mkdir()
    (datasets() / "sales.yaml").rename(inner / "sales.yaml")
    (datasets() / "sales.yaml").symlink_to(inner / "sales.yaml")
    run_ok("check")


EMPTY = [
    ("sql", "sales", "--partition", ""),
    ("sql", "sales", "--partition="),
    ("sql", "sales", "--as-of", " "),
    ("materialize", "sales", "--from", ""),
    ("read", "sales", "--columns", ""),
    ("plan", ""),
    ("check", ""),
    ("read", "sales", "-o", ""),
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
@pytest.mark.usefixtures("retailer")
def test_an_empty_value_is_refused(arguments):
    answer = run(*arguments)
    assert answer.code == 2
    assert "is empty" in answer.err


@pytest.mark.usefixtures("retailer")
def test_only_files_of_datasets_are_judged_as_such(monkeypatch):
    root = datasets().parent
    monkeypatch.chdir(root.parent)
    (root.parent / "compose.yaml").write_text("services: {}\n")
    run_ok("check", ".")
    other = root.parent / "other"
    other.mkdir()
    (other / "users.yaml").write_text("users: {}\n")
    assert "there is no .yaml file of a dataset in" in run("check", "other").out
    (other / "wrong.yaml").write_text("datset: {}\n")
    assert "did you mean `dataset`?" in run("check", "other").out
    assert "is the list of users, not the file of a dataset" in run("check", "other/users.yaml").out


@pytest.mark.parametrize(
    "value", ["http://[", "http://", "ftp://x", "http://x:abc", "http://x:99999", "page"]
)
@pytest.mark.parametrize("name", ["WEBSERVER", "ALERT_WEBHOOK"])
@pytest.mark.usefixtures("retailer")
def test_a_wrong_address_in_the_environment_is_a_sentence(monkeypatch, name, value):
    monkeypatch.setenv(f"DATASET_ASSETS_{name}", value)
    said = run_refused("check")
    assert said.startswith(f"the environment variable DATASET_ASSETS_{name} is not the address of a page")


@pytest.mark.usefixtures("retailer")
def test_a_target_that_is_no_path_is_a_sentence():
    for target in ("~nosuch/x.yaml", "~nosuch/y/x.yaml", "nosuch", "a/../\u202ex.yaml", "x" * 5000 + ".yaml"):
        answer = run("check", "--target", target)
        assert answer.code == 1
        assert len(answer.out + answer.err) < 12_000


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -c 'from dataset_assets.interfaces.cli.main import main; main()'"
    return subprocess.run(
        ["bash", "-c", line.format(command)],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.usefixtures("retailer")
def test_outputs_that_cannot_be_written_are_a_sentence():
    full = shell("{} schema > /dev/full")
    assert (full.returncode, "Traceback" in full.stderr) == (1, False)
    assert "no space left on device" in full.stderr.lower()
    closed = shell("{} list >&-")
    assert (closed.returncode, closed.stderr) == (1, "standard output: bad file descriptor\n")
    assert shell("{} check >&- 2>&-").returncode == 0
    piped = shell("{} schema | head -1")
    assert (piped.returncode, piped.stderr) == (0, "")
    edit("sales.yaml", "name: Sales", "name: Säles")
    plain = shell("{} list", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert "S\\xe4les" in plain.stdout


READY = """
from dataset_assets.interfaces.cli import main
prepare = main._prepare_outputs
main._prepare_outputs = lambda: (prepare(), print("ready", flush=True))
main.main()
"""
"""A program that prints a line once it can be interrupted, then runs the command."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("delay", [0, 0.1, 0.2])
@pytest.mark.usefixtures("retailer")
def test_a_command_that_is_stopped_early_says_so(number, code, delay):
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", READY, "materialize", "profiles"]
    running = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    assert running.stdout
    assert running.stdout.readline() == "ready\n"
    time.sleep(delay)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert said.splitlines()[-1] == "stopped; everything that was published before is as it was"
    assert running.returncode == code


@pytest.mark.usefixtures("retailer")
def test_outside_of_a_project_nothing_is_touched(tmp_path, monkeypatch):
    empty = tmp_path / "nothing"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(empty / "definitions"))
    for arguments in (
        ["list"],
        ["check"],
        ["lock"],
        ["plan"],
        ["clean"],
        ["demo", "--root", "."],
        ["read", "x"],
    ):
        assert "there are no definitions here" in run(*arguments).err
    assert list(empty.iterdir()) == []


def test_a_command_of_its_own_process_has_the_same_boundary(tmp_path):
    answer = process("check", env=os.environ | {"DATASET_ASSETS_DEFINITIONS": str(tmp_path)})
    assert answer.returncode == 1
    assert answer.stderr.startswith("there are no definitions here")
