"""Fixtures: the installed package, and a project that uses nothing else of this repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components.project import Project

ROOT = Path(__file__).parents[2]
PACKAGE = "dataset_assets"


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A folder that the package is installed into, from a copy: building leaves files beside its sources."""
    source, found = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / PACKAGE, source / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = [
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--no-compile",
        "--quiet",
        "--target",
        found,
    ]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, source], check=True, capture_output=True
    )
    return found


@pytest.fixture
def project(site, tmp_path) -> Project:
    """A copy of `shop/`."""
    root = tmp_path / "shop"
    shutil.copytree(Path(__file__).parent / "shop", root, ignore=shutil.ignore_patterns("__pycache__"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    own = {
        key: value for key, value in os.environ.items() if not key.startswith(("DAGSTER", "DATASET_ASSETS"))
    }
    path = os.pathsep.join(map(str, (site, root)))
    return Project(root, own | {"PYTHONPATH": path, "DAGSTER_HOME": str(home)})
