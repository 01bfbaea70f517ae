"""Unchanged files of a large folder are not parsed and checked again; nothing outdated is remembered."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dataset_assets.catalog import checked_files, load_catalog, parsed_files
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.yaml import reader

DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-{number:012x}
  name: Dataset {number}
  owner: ann
  main_table: {{name: t, columns: [{{name: k, type: integer}}]}}
  lookups: [{{target: {target}, join_conditions: [{{source_column: k, target_column: k}}]}}]
"""
USERS = "users: {ann: {email: ann@example.com}}\n"
NUMBER = 6


class Folder:
    """A folder of datasets of which each nests the one before it, and what loading it parses and checks."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.parsed: list[str] = []
        self.checked: list[str] = []
        (root / "datasets").mkdir(parents=True)
        (root / "users.yaml").write_text(USERS)
        for number in range(NUMBER):
            self.path(number).write_text(text_of(number))
        self._count(monkeypatch, reader, "read", lambda _, path: self.parsed.append(Path(path).stem))
        self._count(monkeypatch, parsed_files, "check", lambda inputs, _: self.checked.append(inputs.stem))

    @staticmethod
    def _count(monkeypatch: pytest.MonkeyPatch, module: object, name: str, note: Callable) -> None:
        whole = getattr(module, name)

        def counted(*args):
            note(*args)
            return whole(*args)

        monkeypatch.setattr(module, name, counted)

    def path(self, number: int) -> Path:
        return self.root / "datasets" / f"d{number}.yaml"

    def load(self) -> Catalog:
        """Load it, and compare what is found with what is found when nothing is remembered."""
        self.parsed.clear()
        self.checked.clear()
        found = load_catalog.load_catalog(self.root)
        noted = [*self.parsed], [*self.checked]
        with pytest.MonkeyPatch.context() as anew:
            anew.setattr(checked_files, "FEWEST_FILES", 1_000)
            assert facts_of(load_catalog.load_catalog(self.root)) == facts_of(found)
        self.parsed[:], self.checked[:] = noted
        return found


def text_of(number: int) -> str:
    nested = f"{{type: dataset, id: 01a2001c-5bae-7b91-b4bb-{number - 1:012x}}}"
    table = "{type: table, name: u, columns: [{name: k, type: integer}]}"
    return DATASET.format(number=number, target=nested if number else table)


def facts_of(catalog: Catalog) -> Mapping[str, object]:
    return {
        stem: (each.dataset, each.faults, each.document and each.document.data, each.lock)
        for stem, each in catalog.entries.items()
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(checked_files, "FEWEST_FILES", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Folder(tmp_path / "definitions", monkeypatch)


def store(folder: Folder) -> Path:
    [path] = (folder.root.parent / "cache" / "dataset-assets").iterdir()
    return path


def test_unchanged_files_are_not_read_again(folder):
    assert len(folder.load().entries) == NUMBER
    assert (len(folder.parsed), len(folder.checked)) == (NUMBER + 1, NUMBER)
    before = store(folder).stat().st_mtime_ns
    found = folder.load()
    assert (folder.parsed, folder.checked) == (["users"], [])
    assert store(folder).stat().st_mtime_ns == before, "nothing is written"
    entry = found.entries["d3"]
    assert str(entry.document.position(("dataset", "owner"))) == f"{folder.path(3)}:4:10"


def test_a_changed_file_is_read_again_and_checked_with_those_that_nest_it(folder):
    folder.load()
    folder.path(3).write_text(text_of(3).replace("Dataset 3", "Another"))
    assert folder.load().entries["d3"].dataset.name == "Another"
    assert (folder.parsed, sorted(folder.checked)) == (["users", "d3"], ["d3", "d4", "d5"])
    folder.path(3).write_text(text_of(3).replace("name: k", "name: other"))
    found = folder.load()
    assert [each.ok for each in found.entries.values()] == [True, True, True, False, False, False]
    assert folder.load().entries["d3"].faults == found.entries["d3"].faults
    assert folder.parsed == ["users"], "it can be parsed"
    assert sorted(folder.checked) == ["d3", "d4", "d5"], "faults are not remembered"


def test_what_else_the_rules_read_has_them_applied_again(folder):
    folder.load()
    (folder.root / "users.yaml").write_text("users: {bob: {email: bob@example.com}}\n")
    assert not any(each.ok for each in folder.load().entries.values())
    (folder.root / "users.yaml").write_text(USERS)
    (folder.root / "periods.yaml").write_text("calendars: {corporate: {type: standard}}\n")
    folder.load()
    assert len(folder.checked) == NUMBER
    folder.load()
    (folder.root / "datasets" / "d5.lock").write_text("no version\n")
    assert not folder.load().entries["d5"].ok
    (folder.root / "datasets" / "D4.yaml").write_text(text_of(4))
    found = folder.load().entries
    assert not found["d4"].ok
    assert not found["D4"].ok


def test_broken_files_have_their_faults_each_time(folder):
    folder.path(2).write_text("dataset: {name: [}\n")
    folder.path(4).write_text(text_of(4).replace("owner: ann", "ower: ann"))
    first = facts_of(folder.load())
    assert facts_of(folder.load()) == first
    assert "d2" in folder.parsed


@pytest.mark.parametrize("damage", ["cut", "another", "empty", "folder"])
def test_a_damaged_store_counts_as_none(folder, damage):
    folder.load()
    path = store(folder)
    text = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"cut": text[:-9], "another": text.replace(b"ann", b"bob"), "empty": b""}[damage])
    assert len(folder.load().entries) == NUMBER
    assert len(folder.parsed) == NUMBER + 1


def test_another_version_of_the_library_reads_all_files_again(folder, monkeypatch):
    folder.load()
    monkeypatch.setattr(checked_files, "_code_version", lambda: "another")
    folder.load()
    assert (len(folder.parsed), len(folder.checked)) == (NUMBER + 1, NUMBER)
    folder.load()
    assert folder.checked == []


def test_without_a_place_to_write_all_files_are_read(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(folder.load().entries) == NUMBER
    assert len(folder.load().entries) == NUMBER
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", lambda: Path(os.devnull))
    assert len(folder.load().entries) == NUMBER


def test_files_that_are_gone_are_forgotten_and_few_are_not_remembered(folder, tmp_path):
    folder.load()
    size = store(folder).stat().st_size
    for number in range(3, NUMBER):
        folder.path(number).unlink()
    folder.load()
    assert store(folder).stat().st_size < size
    (tmp_path / "cache").rename(tmp_path / "away")
    folder.path(2).unlink()
    folder.path(1).unlink()
    folder.load()
    assert not (tmp_path / "cache").exists()


def test_a_caller_that_keeps_parsed_files_itself_changes_nothing(folder):
    folder.load()
    before = store(folder).read_bytes()
    load_catalog.load_catalog(folder.root, lambda path: load_catalog.parse_inside(folder.root, path))
    assert store(folder).read_bytes() == before
