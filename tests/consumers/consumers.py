"""Run the programs that read what this library writes, in their own virtual environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / ".venv-consumers" / "bin" / "python"
PATIENCE = 120  # seconds


def consume(program: str, *arguments: str | Path, cache: Path) -> Any:
    """Run a program of `programs/` and return the JSON that it prints on its last line.

    `cache` is the folder that it may write to. Raises RuntimeError if it fails or is not installed.
    """
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is not there: run `make test`, which installs the consumers")
    command = [str(PYTHON), str(HERE / "programs" / f"{program}.py"), *map(str, arguments)]
    environment = {**os.environ, "HOME": str(cache), "CROISSANT_CACHE": str(cache / "croissant")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment, cwd=cache
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
