"""The baselines' own environment, built once from the hash-pinned lock: dbt needs other versions."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import PROJECT

LOCK = Path(__file__).parent / "requirements.lock"


def baseline_python() -> Path:
    """Its interpreter, below `build/`; a changed lock makes another environment."""
    number = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = PROJECT / "build" / f"baselines-{number}"
    python = folder / "bin" / "python"
    done = folder / ".complete"
    if not done.exists():
        print(f"installing pandas, polars and dbt-duckdb into {folder.relative_to(PROJECT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([str(python), *install, "-r", str(LOCK)], check=True)
        done.touch()
    return python
