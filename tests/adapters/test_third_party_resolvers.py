"""Tests resolvers of installed packages: use by their `type`, and one sentence for a package with a fault."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_assets.adapters.resolvers import registry
from dataset_assets.adapters.targets import loading
from dataset_assets.adapters.targets.loading import read_target
from dataset_assets.errors import ContractError

SOURCE = Path(__file__).parent / "third_party"
TARGET = """\
target:
  engine: {type: duckdb, memory_limit: 1GB, threads: 1}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: shop
  resolvers:
    shop: {type: TYPE, root: ./data}
"""
PLACE = "6:18: target.resolvers.shop.type"
DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199
  name: Items
  owner: ada
  natural_key_columns: [item]
  main_table:
    name: items
    columns:
      - {name: item, type: integer, nullable: false}
      - {name: kind, type: string}
      - {name: price, type: decimal}
      - {name: since, type: date}
"""
ROWS = """\
{"item": 1, "kind": "tea", "price": 2.5, "since": "2026-01-31"}
{"item": 2, "kind": null, "price": 10, "since": "2026-02-01"}
"""


@pytest.fixture(autouse=True)
def _no_cached_packages():
    for cached in (registry.installed_types, registry.any_resolver, loading._extended_model):
        cached.cache_clear()
    yield
    for cached in (registry.installed_types, registry.any_resolver, loading._extended_model):
        cached.cache_clear()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Install the third party's package into a folder and return the folder."""
    source, found = tmp_path_factory.mktemp("source") / "package", tmp_path_factory.mktemp("site")
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", found]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, source], check=True, capture_output=True
    )
    return found


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "shop"
    (root / "definitions" / "datasets").mkdir(parents=True)
    (root / "resources" / "targets").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "definitions" / "users.yaml").write_text("users: {ada: {email: ada@example.org}}\n")
    (root / "definitions" / "datasets" / "items.yaml").write_text(DATASET)
    (root / "resources" / "targets" / "local.yaml").write_text(TARGET.replace("TYPE", "small_json"))
    (root / "data" / "items.jsonl").write_text(ROWS)
    return root


def run_python(project: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DATASET_ASSETS_")}
    env["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=env, capture_output=True, text=True, check=False
    )


def run_cli(project: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from dataset_assets.interfaces.cli.main import main; main()"
    return run_python(project, site, "-c", code, *arguments)


def test_a_dataset_is_published_through_a_resolver_of_an_installed_package(project, site):
    for arguments in (("lock",), ("doctor",), ("materialize", "items")):
        done = run_cli(project, site, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    for arguments in (
        ("tables",),
        ("describe", "items", "--stats"),
        ("analyze", "items"),
        ("preview", "items"),
    ):
        done = run_cli(project, site, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "tea" in done.stdout, "though the resolver cannot list its tables"
    code = "from dataset_assets.interfaces.reading import read_pandas; print(read_pandas('items').to_csv())"
    done = run_python(project, site, "-c", code)
    assert "1,tea,2.500000000,2026-01-31" in done.stdout, done.stdout + done.stderr
    assert "2,,10.000000000,2026-02-01" in done.stdout


def test_reading_a_target_imports_the_settings_and_no_engine(project, site):
    code = (
        "import sys; from dataset_assets.adapters.targets.loading import read_target; read_target('local');"
        "heavy = ('duckdb', 'deltalake', 'google.cloud.bigquery', 'json_lines_resolver.resolver');"
        "print([name for name in heavy if name in sys.modules], 'json_lines_resolver' in sys.modules)"
    )
    done = run_python(project, site, "-c", code)
    assert done.stdout.strip() == "[] True", done.stderr


def test_a_valid_target_of_built_in_types_lists_no_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda **_: pytest.fail("the packages were listed"))
    read_target(str(written(tmp_path, "parquet")))


def written(folder: Path, resolver_type: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(TARGET.replace("TYPE", resolver_type))
    return path


def install(folder: Path, package: str, resolver_type: str, reference: str) -> None:
    """Write the metadata that an installer leaves of a package with one entry point."""
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{resolver_type} = {reference}\n")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    found = tmp_path / "packages"
    found.mkdir()
    monkeypatch.syspath_prepend(found)
    return found


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ContractError) as caught:
        read_target(str(path))
    return [str(fault).partition("mine.yaml:")[2] for fault in caught.value.faults]


def test_an_unknown_type_lists_the_built_in_and_the_installed_ones(tmp_path, packages):
    install(packages, "acme", "iceberg", "not_imported:Settings")
    (fault,) = faults_of(written(tmp_path, "icebreg"))
    known = "bigquery, csv, delta, duckdb, iceberg, parquet"
    assert fault == f"{PLACE}: is 'icebreg', not one of {known}; did you mean `iceberg`?"


def test_without_packages_an_unknown_type_lists_the_built_in_ones(tmp_path):
    (fault,) = faults_of(written(tmp_path, "parquets"))
    known = "bigquery, csv, delta, duckdb, parquet"
    assert fault == f"{PLACE}: is 'parquets', not one of {known}; did you mean `parquet`?"


def test_two_packages_that_register_one_type_are_one_fault(tmp_path, packages):
    install(packages, "acme", "iceberg", "not_imported:Settings")
    install(packages, "other", "iceberg", "not_imported:Settings")
    (fault,) = faults_of(written(tmp_path, "iceberg"))
    message = "is 'iceberg', which the packages acme and other register; uninstall all but one of them"
    assert fault == f"{PLACE}: {message}"
    read_target(str(written(tmp_path, "csv")))


def test_a_package_that_cannot_be_imported_is_one_fault(tmp_path, packages):
    install(packages, "acme", "iceberg", "acme_broken:Settings")
    (packages / "acme_broken.py").write_text("import a_library_that_is_missing\n")
    (fault,) = faults_of(written(tmp_path, "iceberg"))
    reason = "ModuleNotFoundError: No module named 'a_library_that_is_missing'"
    message = f"is 'iceberg', which the package acme registers but which cannot be loaded: {reason}"
    assert fault == f"{PLACE}: {message}; reinstall it"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Settings = dict", "for which the package acme registers acme_odd:Settings, not a subclass of"),
        (
            "from dataset_assets.adapters.resolvers.parquet import ParquetSettings as Settings",
            "which the package acme registers with settings whose `type` is 'parquet'; declare both alike",
        ),
    ],
)
def test_a_package_that_registers_something_else_is_one_fault(tmp_path, packages, monkeypatch, code, message):
    monkeypatch.delitem(sys.modules, "acme_odd", raising=False)
    install(packages, "acme", "iceberg", "acme_odd:Settings")
    (packages / "acme_odd.py").write_text(code + "\n")
    (fault,) = faults_of(written(tmp_path, "iceberg"))
    assert fault.startswith(f"{PLACE}: is 'iceberg', {message}")


def test_a_built_in_type_stays_built_in(tmp_path, packages):
    install(packages, "acme", "parquet", "not_imported:Settings")
    path = written(tmp_path, "parquet")
    assert read_target(str(path)).file.resolvers["shop"].type == "parquet"
    path.write_text(path.read_text().replace("root: ./data", "root: ./data, bucket: mine"))
    unknown, conflict = faults_of(path)
    assert unknown.startswith("6:41: target.resolvers.shop.bucket: is not a known key")
    message = "is 'parquet', a built-in type that the package acme registers too"
    hint = "the built-in resolver is used; the package has to register another type"
    assert conflict == f"{PLACE}: {message}; {hint}"


def test_faults_of_an_installed_resolver_are_in_its_own_keys(project, site):
    path = project / "resources" / "targets" / "local.yaml"
    path.write_text(path.read_text().replace("root: ./data", "root: ./data, bucket: mine"))
    done = run_cli(project, site, "materialize", "items")
    assert done.returncode == 1
    place = "local.yaml:6:44: target.resolvers.shop.bucket"
    assert f"{place}: is not a known key; known here: zone, tables, type, root" in done.stderr
