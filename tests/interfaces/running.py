"""Runs the command in this process, as a person would."""

import subprocess
import sys
from dataclasses import dataclass

from typer.testing import CliRunner

from dataset_assets.interfaces.cli.app import app


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def run(*arguments: str) -> Answer:
    """Anything that is raised and is not an exit fails the test here: a user would see a traceback."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return Answer(result.exit_code, result.stdout, result.stderr)


def well(*arguments: str) -> Answer:
    """A command that must succeed."""
    answer = run(*arguments)
    assert answer.code == 0, answer.err
    return answer


def refused(*arguments: str) -> str:
    """What is said of a mistake: plain lines on stderr, exit code 1."""
    answer = run(*arguments)
    assert answer.code == 1, (answer.out, answer.err)
    return answer.err


def process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "from dataset_assets.interfaces.cli.main import main; main()",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
