"""The catalog in memory is the catalog of the files, whatever was changed, added, renamed or removed."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.interfaces.web import catalog_cache
from dataset_assets.interfaces.web.catalog_cache import CatalogCache

USERS = "users:\n  user-ann: {email: ann@example.com}\n"


def file_text(table: str, *, broken: bool = False) -> str:
    kind = "integr" if broken else "integer"
    return f"""\
dataset:
  name: About {table}
  owner: user-ann
  natural_key_columns: [a]
  main_table:
    name: {table}
    columns: [{{name: a, type: {kind}, nullable: false}}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "users.yaml").write_text(USERS)
    for name in ("one", "two", "three"):
        (tmp_path / "datasets" / f"{name}.yaml").write_text(file_text(name))
    return tmp_path


def content(catalog: Catalog) -> dict[str, tuple]:
    return {stem: (each.dataset, each.faults, each.lock) for stem, each in catalog.entries.items()}


def test_an_unchanged_folder_is_read_once(root: Path) -> None:
    cache = CatalogCache(root)
    assert cache.current() is cache.reloaded() is cache.current()


def test_a_changed_file_is_seen_and_the_others_are_not_parsed_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CatalogCache(root)
    cache.current()
    parsed: list[str] = []
    parse = catalog_cache.parse_inside

    def counted(folder: Path, path: Path):
        parsed.append(path.stem)
        return parse(folder, path)

    monkeypatch.setattr(catalog_cache, "parse_inside", counted)
    (root / "datasets" / "two.yaml").write_text(file_text("other"))
    found = cache.reloaded().entries["two"].dataset
    assert found is not None
    assert (found.main_table.name, parsed) == ("other", ["two"])


def test_a_file_of_the_same_size_and_time_is_seen(root: Path) -> None:
    cache = CatalogCache(root)
    path = root / "datasets" / "one.yaml"
    assert cache.current().entries["one"].ok
    before = path.stat()
    path.write_text(file_text("eno"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = cache.reloaded().entries["one"].dataset
    assert found is not None
    assert found.main_table.name == "eno"


def test_other_programs_changes_are_seen_after_a_second(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(catalog_cache, "monotonic", lambda: now[0])
    cache = CatalogCache(root)
    cache.current()
    (root / "datasets" / "four.yaml").write_text(file_text("four"))
    now[0] += 0.9
    assert "four" not in cache.current().entries
    now[0] += 0.2
    assert "four" in cache.current().entries


NAMES = st.sampled_from(["one", "two", "three", "four"])
CHANGES = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(["x", "y"]), st.booleans()),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("users"), st.booleans()),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=8))
def test_it_is_always_the_catalog_of_the_files(tmp_path_factory, changes) -> None:
    root = tmp_path_factory.mktemp("definitions")
    (root / "datasets").mkdir()
    (root / "users.yaml").write_text(USERS)
    cache = CatalogCache(root)
    for kind, *rest in changes:
        change(root, kind, *rest)
        assert content(cache.reloaded()) == content(load_catalog(root))


def change(root: Path, kind: str, *rest) -> None:
    if kind == "users":
        (root / "users.yaml").write_text(USERS if rest[0] else "users: {}\n")
        return
    path = root / "datasets" / f"{rest[0]}.yaml"
    if kind == "write":
        path.write_text(file_text(rest[1], broken=rest[2]))
    elif path.exists() and kind == "remove":
        path.unlink()
    elif path.exists():
        path.rename(root / "datasets" / f"{rest[1]}.yaml")
