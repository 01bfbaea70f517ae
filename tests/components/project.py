"""Run the scenarios of `inside.py` in the folder of the second project, and read what it published."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

INSIDE = Path(__file__).parent / "inside.py"


@dataclass(frozen=True)
class Project:
    """Its folder, and the environment of its processes."""

    root: Path
    env: Mapping[str, str]

    def run(self, scenario: str) -> Any:
        """Run a scenario of `inside.py` in a process of its own and return its JSON."""
        command = [sys.executable, str(INSIDE), scenario]
        done = subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def published(self, stem: str) -> pa.Table:
        """Read a published table from the warehouse."""
        return DeltaTable(self.root / "warehouse" / stem).to_pyarrow_table()

    def edit(self, name: str, **changes: str) -> None:
        """Replace words in a file."""
        path = self.root / name
        text = path.read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
