"""The lock of versions: ascending numbers, one structure each, also after merges and concurrent writes."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid6 import uuid7

from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import entry_lock_faults, lock_entry, repair_merge
from dataset_assets.catalog.structures import structural_hash
from dataset_assets.catalog.versions import lock_dataset, read_lock
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError, LockedMeanwhileError, LockError
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

NOW = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
TEXT = """# Purchases, as the shop sees them.
dataset:
  name: Purchases   # for people
  owner: team-data

  main_table:
    name: purchases
    columns:
      - {name: id, type: integer}   # the receipt
      - {name: amount, type: decimal}
"""
USERS = "users:\n  team-data: {team: data}\n"


def dataset(*columns: str, **fields: object) -> Dataset:
    declared = [{"name": name, "type": "integer"} for name in ("id", *columns)]
    table = {"name": "purchases", "columns": declared}
    return Dataset.model_validate({"name": "P", "owner": "team-data", "main_table": table, **fields})


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "purchases.yaml", tmp_path / "purchases.lock"


def lock(paths: tuple[Path, Path], *columns: str, minutes: int = 0, **fields: object) -> int:
    return lock_dataset(*paths, dataset(*columns, **fields), NOW + timedelta(minutes=minutes)).number


def test_numbers_go_up_with_the_structure(paths: tuple[Path, Path]) -> None:
    empty = read_lock(paths[1])
    assert empty.version_of(dataset()).pending
    assert not paths[1].exists()
    assert [lock(paths), lock(paths), lock(paths, "a"), lock(paths, "a"), lock(paths, "a", "b")] == [
        1,
        1,
        2,
        2,
        3,
    ]
    found = read_lock(paths[1])
    assert found.faults == ()
    assert [line.kind for line in found.lines] == ["first", "additive", "additive"]
    assert found.lines[1].summary == "column `a` of the main table added"
    assert found.lines[1].sha256 == structural_hash(dataset("a"))
    assert found.lines[0].id.version == 7
    assert {line.id for line in found.lines} == {found.id}


def test_a_change_is_pending_until_it_is_locked(paths: tuple[Path, Path]) -> None:
    lock(paths, "a")
    version = read_lock(paths[1]).version_of(dataset())
    assert (version.number, version.pending, version.kind) == (2, True, "breaking")
    assert version.summary == "column `a` of the main table removed"
    current = read_lock(paths[1]).version_of(dataset("a"))
    assert (current.number, current.pending, current.kind) == (1, False, "same")


def test_a_revert_gets_a_number_of_its_own(paths: tuple[Path, Path]) -> None:
    assert [lock(paths), lock(paths, "a"), lock(paths), lock(paths, "a")] == [1, 2, 3, 4]
    assert read_lock(paths[1]).faults == ()


def test_the_file_only_grows(paths: tuple[Path, Path]) -> None:
    before = ""
    for n in range(4):
        lock(paths, *"abcd"[:n])
        text = paths[1].read_text()
        assert text.startswith(before)
        assert text.count("\n") == n + 1
        before = text


def test_another_change_is_recorded_without_a_number(paths: tuple[Path, Path]) -> None:
    lock(paths)
    assert lock(paths, minutes=5, description="Told anew") == 1
    assert lock(paths, minutes=9, description="Told anew") == 1
    found = read_lock(paths[1])
    assert [(line.version, line.kind) for line in found.lines] == [(1, "first"), (1, "same")]
    assert found.lines[-1].locked_at == datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
    assert not found.version_of(dataset()).pending
    assert lock(paths, "a", description="Told anew") == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=8))
def test_a_number_never_names_two_structures(
    tmp_path_factory: pytest.TempPathFactory, history: list[set]
) -> None:
    folder = tmp_path_factory.mktemp("lock")
    paths = folder / "p.yaml", folder / "p.lock"
    names: dict[int, str] = {}
    for columns in history:
        number = lock(paths, *sorted(columns))
        assert names.setdefault(number, structural_hash(dataset(*sorted(columns)))) == structural_hash(
            dataset(*sorted(columns))
        )
    assert sorted(names) == list(range(1, len(names) + 1))


PROCESS = """
import sys, json
from datetime import UTC, datetime
from pathlib import Path
from dataset_assets.contract.model import Dataset
from dataset_assets.catalog.versions import lock_dataset
data = json.loads(sys.argv[2])
folder = Path(sys.argv[1])
sys.stdin.readline()
version = lock_dataset(folder / "p.yaml", folder / "p.lock", Dataset.model_validate(data), datetime.now(UTC))
print(version.number)
"""


def test_eight_processes_append_one_line(tmp_path: Path) -> None:
    data = dataset("a").model_dump_json(exclude_none=True)
    command = [sys.executable, "-c", PROCESS, str(tmp_path), data]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["1"] * 8
    assert [process.returncode for process in running] == [0] * 8
    assert len(read_lock(tmp_path / "p.lock").lines) == 1
    assert not [path for path in tmp_path.iterdir() if path.name not in ("p.lock", ".p.lock.guard")]


def fault_text(path: Path) -> str:
    faults = read_lock(path).faults
    assert faults
    return "\n".join(map(str, faults))


def test_an_edited_line_is_reported(paths: tuple[Path, Path]) -> None:
    lock(paths)
    lock(paths, "a")
    text = paths[1].read_text()
    paths[1].write_text(text.replace('"a"', '"z"'))
    assert fault_text(paths[1]).startswith(
        f"{paths[1]}:2:1: version 2 was edited: its structure does not match"
    )
    paths[1].write_text(text.replace('"version": 1', '"version": "one"'))
    assert fault_text(paths[1]).startswith(f"{paths[1]}:1:1: is not a version")
    paths[1].write_text(text + "{\n")
    assert fault_text(paths[1]).startswith(f"{paths[1]}:3:1: is not a version: it is no JSON")
    for broken in ("[]\n", "1\n", '{"version": 1}\n', "\x00\n", "[" * 100_000):
        paths[1].write_text(broken)
        assert fault_text(paths[1]).startswith(f"{paths[1]}:1:1: is not a version")
    before = paths[1].read_text()
    with pytest.raises(LockError):
        lock(paths, "b")
    assert paths[1].read_text() == before


def test_a_conflict_of_git_is_reported_as_one(paths: tuple[Path, Path]) -> None:
    lock(paths)
    ours = paths[1].read_text()
    paths[1].write_text(f"{ours}<<<<<<< HEAD\n{ours}=======\n{ours}>>>>>>> other\n")
    assert fault_text(paths[1]).startswith(f"{paths[1]}:2:1: git left the marks of a conflict here; delete")
    with pytest.raises(LockError, match="conflict"):
        repair_merge(paths[1])


def branches(
    paths: tuple[Path, Path], ours: Sequence[Iterable[str]], theirs: Sequence[Iterable[str]]
) -> None:
    """Return the lock of a merge that kept both sides: common lines, then our lines, then theirs."""
    lock(paths)
    past = paths[1].read_text()
    sides = []
    for side in (ours, theirs):
        paths[1].write_text(past)
        for n, columns in enumerate(side, 1):
            lock(paths, *columns, minutes=n)
        sides.append(paths[1].read_text().removeprefix(past))
    paths[1].write_text(past + "".join(sides))


def test_a_merge_that_kept_both_sides_is_reported_and_repaired(paths: tuple[Path, Path]) -> None:
    branches(paths, ["a", "ab"], ["c", "cd"])
    assert f"{paths[1]}:4:1: version 2 names two structures" in fault_text(paths[1])
    assert "run `dataset-assets lock`" in fault_text(paths[1])
    with pytest.raises(LockError):
        lock(paths, "x")
    done = repair_merge(paths[1])
    assert len(done) == 2
    assert done[0].startswith("version 2 of 2026-01-31 12:01:00 is now version 4")
    found = read_lock(paths[1])
    assert found.faults == ()
    assert [line.version for line in found.lines] == [1, 2, 3, 4, 5]
    assert [line.sha256 for line in found.lines[3:]] == [structural_hash(dataset(*c)) for c in ("c", "cd")]
    assert found.lines[3].kind == "breaking"
    assert "column `a` of the main table removed" in found.lines[3].summary
    assert repair_merge(paths[1]) == ()
    assert lock(paths, *"abcd") == 6


def test_the_same_change_on_both_sides_is_one_version(paths: tuple[Path, Path]) -> None:
    branches(paths, ["a"], ["a"])
    assert read_lock(paths[1]).faults == ()
    assert lock(paths, "a") == 2


def test_a_reordered_lock_is_read_the_same_or_refused_and_repaired(paths: tuple[Path, Path]) -> None:
    """The lines were reordered by hand, or by a merge."""
    lock(paths)
    lock(paths, minutes=1, description="Told anew")
    lock(paths, "a", minutes=2)
    lock(paths, minutes=3)
    before = paths[1].read_text()
    wanted = [line.version for line in read_lock(paths[1]).lines]
    for order in permutations(before.splitlines(keepends=True)):
        paths[1].write_text("".join(order))
        found = read_lock(paths[1])
        in_order = [line.version for line in found.lines] == wanted
        assert bool(found.faults) == (not in_order)
        if in_order:
            assert found.version_of(dataset()).number == 3
            continue
        with pytest.raises(LockError, match="run `dataset-assets lock`"):
            lock(paths)
        assert repair_merge(paths[1]) == ("put the lines in the order of their numbers",)
        assert paths[1].read_text() == before
    assert lock(paths) == 3


def test_a_line_that_a_merge_kept_twice_gives_its_number_once(paths: tuple[Path, Path]) -> None:
    lock(paths)
    lock(paths, "a")
    lock(paths, "a", "b")
    before = paths[1].read_text()
    paths[1].write_text(before + before.splitlines(keepends=True)[1])
    assert "version 2 comes after version 3" in fault_text(paths[1])
    repair_merge(paths[1])
    assert paths[1].read_text() == before


def test_the_first_lock_gives_the_id(paths: tuple[Path, Path]) -> None:
    """Two first runs have staged rows with ids of their own: one of them has to run again."""
    ours, theirs = uuid7(), uuid7()
    assert lock_dataset(*paths, dataset(), NOW, theirs).number == 1
    before = paths[1].read_text()
    with pytest.raises(LockedMeanwhileError, match="another run has given purchases its id meanwhile; run"):
        lock_dataset(*paths, dataset(), NOW, ours)
    assert paths[1].read_text() == before
    assert read_lock(paths[1]).id == theirs
    assert lock_dataset(*paths, dataset("a"), NOW, theirs).number == 2


sides = st.lists(st.sets(st.sampled_from("abc")).map(sorted), max_size=4)


@settings(max_examples=40, deadline=None)
@given(sides, sides)
def test_any_merge_can_be_repaired(
    tmp_path_factory: pytest.TempPathFactory, ours: list[list[str]], theirs: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths = folder / "p.yaml", folder / "p.lock"
    branches(paths, ours, theirs)
    before = {line.sha256 for line in read_lock(paths[1]).lines}
    repair_merge(paths[1])
    found = read_lock(paths[1])
    assert found.faults == ()
    assert {line.sha256 for line in found.lines} == before
    lock(paths, "a", "b", "c", "d")
    assert read_lock(paths[1]).faults == ()


# lock and lock --check, on files.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "users.yaml").write_text(USERS)
    (tmp_path / "datasets" / "purchases.yaml").write_text(TEXT)
    return tmp_path


def entry(root: Path) -> Entry:
    return load_catalog(root).entry("purchases")


def test_lock_writes_the_system_fields_and_nothing_else(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    [fault] = entry_lock_faults(entry(root))
    assert "version 1 (first) is not locked" in str(fault)
    assert path.read_text() == TEXT
    done = lock_entry(entry(root), NOW)
    assert done == ("version 1 (first): first version", "wrote `id`, `version`, `created_at`, `updated_at`")
    added = (
        f"  id: {entry(root).lock.id}\n  version: 1\n"
        '  created_at: "2026-01-31T12:00:00Z"\n  updated_at: "2026-01-31T12:00:00Z"\n'
    )
    assert path.read_text() == TEXT.replace("dataset:\n", f"dataset:\n{added}")
    assert entry_lock_faults(entry(root)) == ()
    assert lock_entry(entry(root), NOW + timedelta(days=1)) == ()


def test_every_change_sets_updated_at_and_a_structural_one_the_version(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    lock_entry(entry(root), NOW)
    first = path.read_text()
    path.write_text(first.replace("name: Purchases ", "name: All purchases "))
    assert "has changed since it was locked" in str(entry_lock_faults(entry(root))[0])
    lock_entry(entry(root), NOW + timedelta(hours=1))
    second = path.read_text()
    assert second == first.replace("name: Purchases ", "name: All purchases ").replace(
        'updated_at: "2026-01-31T12', 'updated_at: "2026-01-31T13'
    )
    path.write_text(second.replace("{name: amount, type: decimal}", "{name: amount, type: integer}"))
    lock_entry(entry(root), NOW + timedelta(hours=2))
    assert "  version: 2\n" in path.read_text()
    assert 'created_at: "2026-01-31T12:00:00Z"' in path.read_text()
    assert 'updated_at: "2026-01-31T14:00:00Z"' in path.read_text()
    path.write_text(path.read_text().replace("version: 2", "version: 1"))
    assert "is not 2 as in the lock" in str(entry_lock_faults(entry(root))[0])
    lock_entry(entry(root), NOW + timedelta(hours=3))
    assert "  version: 2\n" in path.read_text()
    assert entry_lock_faults(entry(root)) == ()


AS_JSON = build(read(TEXT, "x"), Dataset, "dataset").model_dump_json(exclude_defaults=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dataset:\n", "dataset:\n  id:\n  version: ~   # system\n"),
        ("dataset:\n", "dataset:\n  version: '7'\n  updated_at: 2020-01-01 10:00:00Z   # old\n"),
        ("dataset:\n", "dataset:  # one\n\n      # deep\n"),
        ("\n", "\r\n"),
        (TEXT, "\ufeff" + TEXT),
        (TEXT, f'{{"dataset": {AS_JSON}}}'),
    ],
    ids=["empty", "old", "comments", "crlf", "bom", "json"],
)  # fmt: skip
def test_the_layout_of_a_file_does_not_change(root: Path, before: str, after: str) -> None:
    path = root / "datasets" / "purchases.yaml"
    text = TEXT.replace(before, after)
    path.write_bytes(text.encode())
    lock_entry(entry(root), NOW)
    locked = entry(root)
    assert entry_lock_faults(locked) == ()
    assert locked.dataset
    assert (locked.dataset.id, locked.dataset.version) == (locked.lock.id, 1)
    written = path.read_bytes().decode()
    assert written.count("\r\n") == (written.count("\n") if "\r\n" in text else 0)
    assert written.startswith("\ufeff") == text.startswith("\ufeff")
    assert written.count("#") == text.count("#")
    assert lock_entry(entry(root), NOW + timedelta(days=1)) == ()


def test_keys_with_a_question_mark_are_written_as_well(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    text = TEXT.replace("dataset:\n", "? dataset\n:\n")
    path.write_text(text)
    lock_entry(entry(root), NOW)
    assert entry_lock_faults(entry(root)) == ()
    assert path.read_text().count("#") == text.count("#")


def test_lock_repairs_a_merge_and_reports_it(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    lock_path = path.with_suffix(".lock")
    lock_entry(entry(root), NOW)
    past, text = lock_path.read_text(), path.read_text()
    sides = []
    for column in ("a", "b"):
        lock_path.write_text(past)
        path.write_text(text + f"      - {{name: {column}, type: string}}\n")
        lock_entry(entry(root), NOW)
        sides.append(lock_path.read_text().removeprefix(past))
    lock_path.write_text(past + "".join(sides))
    path.write_text(text + "      - {name: a, type: string}\n      - {name: b, type: string}\n")
    assert "names two structures" in str(entry(root).faults[0])
    with pytest.raises(ContractError):
        load_catalog(root).checked(entry(root))
    done = lock_entry(entry(root), NOW)
    assert done[0] == "version 2 of 2026-01-31 12:00:00 is now version 3"
    assert done[1].startswith("version 4 (additive): column `a`")
    assert "  version: 4\n" in path.read_text()


def test_a_file_with_faults_is_not_locked(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    path.write_text(TEXT.replace("decimal", "money"))
    with pytest.raises(ContractError, match="money"):
        lock_entry(entry(root), NOW)
    assert sorted(path.parent.iterdir()) == [path]


def test_id_and_version_must_be_those_of_the_lock(root: Path) -> None:
    path = root / "datasets" / "purchases.yaml"
    lock_entry(entry(root), NOW)
    text, id_ = path.read_text(), str(entry(root).lock.id)
    path.write_text(text.replace(id_, str(UUID(int=5))))
    assert f"dataset.id: is '{UUID(int=5)}', but the lock says '{id_}'" in str(entry(root).faults[0])
    path.write_text(text.replace("version: 1", "version: 9"))
    assert "dataset.version: is 9, which the lock does not know" in str(entry(root).faults[0])
    path.write_text("\n".join(line for line in text.split("\n") if "  id:" not in line))
    assert str(load_catalog(root).checked(entry(root)).id) == id_


def test_loading_never_writes(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    entry_lock_faults(entry(root))
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
