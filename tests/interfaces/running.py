"""Run the command line in this process or in another, and check its outcome."""

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
    """Run a command. Any exception but SystemExit fails the test, because a user would see a traceback."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return Answer(result.exit_code, result.stdout, result.stderr)


def run_ok(*arguments: str) -> Answer:
    """Run a command that must succeed, and return its output."""
    answer = run(*arguments)
    assert answer.code == 0, answer.err
    return answer


def run_refused(*arguments: str) -> str:
    """Run a command that must fail with exit code 1 and plain lines on stderr, and return these lines."""
    answer = run(*arguments)
    assert answer.code == 1, (answer.out, answer.err)
    return answer.err


def process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process."""
    command = [
        sys.executable,
        "-c",
        "from dataset_assets.interfaces.cli.main import main; main()",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
