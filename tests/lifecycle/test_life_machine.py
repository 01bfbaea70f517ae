"""Random walks over the life of datasets in a real git repository, with branches, merges and reverts.

After every step: no number names two structures, nothing that is referenced or used is lost, every file is
valid or its fault is explained, and comments are kept. Merges and reverts are git's own: one that removes a
used dataset is taken back, as a reviewer would. With `DATASET_ASSETS_PROVE=1` there are 300 walks.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry, lock_project_file
from dataset_assets.catalog.references import nesting_references, project_references
from dataset_assets.catalog.versions import read_lock
from dataset_assets.contract.model import Status
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.lifecycle.clone import clone_dataset
from dataset_assets.lifecycle.create import create_dataset
from dataset_assets.lifecycle.delete import delete_dataset
from dataset_assets.lifecycle.edit import edit_dataset
from dataset_assets.lifecycle.rename import rename_dataset
from dataset_assets.lifecycle.status import Action, change_status
from tests.lifecycle.conftest import NOW, PROFILES, PROJECT, SALES, USERS

WALKS = 300 if os.environ.get("DATASET_ASSETS_PROVE") else 4
STEPS = 20
NAMES = ("sales", "profiles", "homes", "shops", "spring")
BRANCHES = ("one", "two")
EDITS = (
    (["name=Another"], []),
    (["owner=team-data"], []),
    (["main_table.columns[+]={name: extra_a, type: string}"], []),
    (["main_table.columns[+]={name: extra_b, type: integer}"], []),
    (["main_table.columns[town].nullable=false"], []),
    (["filters.product_filter.value=90"], []),
    (["filters.date_range.months=3", "split_config.eval_days=7"], []),
    (["filters.customer_filter={type: min_transactions, value: 2}"], []),
    ([], ["main_table.columns[extra_a]"]),
    ([], ["lookups", "extra_columns"]),
    ([], ["filters.product_filter"]),
)
COMMENT = re.compile(r"#[^\n]*")
GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
}  # fmt: skip


class Life(RuleBasedStateMachine):
    """A folder of definitions under git. `structures` are those that each (id, number) has named so far."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.now = NOW
        self.used: set[str] = set()
        self.refused = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        for name in ("datasets", "projects"):
            (self.root / name).mkdir()
        (self.root / "users.yaml").write_text(USERS)
        (self.root / ".gitignore").write_text(".*.guard\n")
        (self.root / "datasets" / "profiles.yaml").write_text(PROFILES)
        (self.root / "datasets" / "sales.yaml").write_text(SALES)
        (self.root / "projects" / "shop.yaml").write_text(PROJECT)
        self.git("init", "-q", "-b", "main")
        self.structures: dict[tuple[str, int], str] = {}
        self.lock_everything()
        self.commit()

    # what people do with the files

    @rule(stem=st.sampled_from(NAMES), source=st.sampled_from((PROFILES, SALES)))
    def create(self, stem: str, source: str) -> None:
        text = re.sub(r"  id: 01a2001c-5ba[ef]-[^\n]*\n", "", source, count=1)
        self.attempt(lambda catalog: create_dataset(catalog, stem, text))

    @rule(name=st.sampled_from(NAMES), edit=st.sampled_from(EDITS))
    def edit(self, name: str, edit: tuple[list[str], list[str]]) -> None:
        before = self.comments(name)
        done = self.attempt(lambda catalog: edit_dataset(catalog, name, *edit))
        if done:
            assert before <= self.comments(name) | ({"# the season"} if edit[1] else set())

    @rule(name=st.sampled_from(NAMES), action=st.sampled_from(Action))
    def status(self, name: str, action: Action) -> None:
        before = self.comments(name)
        self.attempt(lambda catalog: change_status(catalog, name, action))
        assert self.comments(name) == before

    @rule(name=st.sampled_from(NAMES), stem=st.sampled_from(NAMES))
    def clone(self, name: str, stem: str) -> None:
        before = self.comments(name)
        if self.attempt(lambda catalog: clone_dataset(catalog, name, stem, now=self.clock())):
            assert self.comments(stem) == before

    @rule(name=st.sampled_from(NAMES), stem=st.sampled_from(NAMES))
    def rename(self, name: str, stem: str) -> None:
        before = self.comments(name)
        if self.attempt(lambda catalog: rename_dataset(catalog, name, stem)):
            assert self.comments(stem) == before

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        catalog = load_catalog(self.root)
        entry = catalog.entries.get(name)
        guarded = entry and (project_references(catalog, entry) or nesting_references(catalog, entry))
        if self.attempt(lambda catalog: delete_dataset(catalog, name, self.uses_of)):
            assert entry
            assert not guarded
            assert str(entry.lock.id) not in self.used

    @rule(name=st.sampled_from(NAMES))
    def use(self, name: str) -> None:
        entry = load_catalog(self.root).entries.get(name)
        if entry and entry.ok and entry.lock.id:
            self.used.add(str(entry.lock.id))

    @rule(name=st.sampled_from(NAMES))
    def name_in_project(self, name: str) -> None:
        path = self.root / "projects" / "shop.yaml"
        text = path.read_text()
        entry = load_catalog(self.root).entries.get(name)
        if entry and entry.dataset and entry.dataset.status in (Status.DRAFT, Status.ACTIVE):
            path.write_text(re.sub(r"datasets: \[[^]]*\]", f"datasets: [{name}]", text))

    @rule()
    def lock(self) -> None:
        self.lock_everything()

    # what git does with them

    @rule(branch=st.sampled_from(BRANCHES))
    def switch(self, branch: str) -> None:
        self.commit()
        known = self.git("branch", "--list", branch).strip()
        self.git("checkout", "-q", *([branch] if known else ["-b", branch]))

    @rule()
    def switch_to_main(self) -> None:
        self.commit()
        self.git("checkout", "-q", "main")

    @rule(branch=st.sampled_from((*BRANCHES, "main")), side=st.sampled_from(("--ours", "--theirs")))
    def merge(self, branch: str, side: str) -> None:
        """Merge a branch. Of a conflict in a lock both sides are kept, of any other one side."""
        self.commit()
        before = self.git("rev-parse", "HEAD").strip()
        if not self.git("branch", "--list", branch).strip():
            return
        self.git("merge", "-q", "--no-edit", branch, check=False)
        for path in self.git("diff", "--name-only", "--diff-filter=U").split():
            self.resolve(path, side)
        self.finish("merge", before)

    @rule()
    def revert(self) -> None:
        """Undo the last commit as docs/lifecycle.md says: the files go back, the locks only grow."""
        self.commit()
        parents = self.git("log", "-1", "--format=%P").split()
        if len(parents) != 1:
            return
        self.git("revert", "--no-commit", "HEAD")
        kept = self.git("ls-tree", "-r", "--name-only", "HEAD").split()
        for path in (path for path in kept if path.endswith(".lock") and self.has_file(path)):
            self.git("checkout", "HEAD", "--", path)
        self.finish("revert", self.git("rev-parse", "HEAD").strip())
        self.git("revert", "--quit", check=False)

    def finish(self, message: str, before: str) -> None:
        """Lock and commit the result of git, or take it back if a used dataset would be gone everywhere."""
        structures = dict(self.structures)
        self.lock_everything()
        self.commit(message)
        if self.lost(self.ids()):
            self.git("reset", "-q", "--hard", before)
            self.structures = structures

    # what holds after each step

    @invariant()
    def files_are_valid_or_explained(self) -> None:
        catalog = load_catalog(self.root)
        for entry in catalog.entries.values():
            assert entry.document is not None
            assert entry.ok or all(fault.message and fault.position for fault in entry.faults)
        assert all(fault.message for fault in catalog.faults)

    @invariant()
    def a_number_names_one_structure(self) -> None:
        for path in (self.root / "datasets").glob("*.lock"):
            named: dict[int, str] = {}
            lock = read_lock(path)
            for line in lock.lines if not lock.faults else ():
                assert named.setdefault(line.version, line.sha256) == line.sha256

    @invariant()
    def what_is_used_is_still_there(self) -> None:
        """On the branch where it was used; the other branches have it once they are merged."""
        assert self.lost(self.ids()) == set()

    # helpers

    def lost(self, ids: set[str]) -> set[str]:
        """Return the used ids that no branch has any more."""
        missing = self.used - ids
        return {id_ for id_ in missing if not self.git("grep", "-l", id_, *self.branches(), check=False)}

    def ids(self) -> set[str]:
        return {str(entry.lock.id) for entry in load_catalog(self.root).entries.values()}

    def branches(self) -> list[str]:
        return self.git("branch", "--format=%(refname:short)").split()

    def attempt(self, change: Callable[[Catalog], Any]) -> Any:
        """Make a change; one that is refused has written nothing."""
        before = self.contents()
        try:
            return change(load_catalog(self.root))
        except DatasetAssetsError:
            unchanged = self.contents() == before
        assert unchanged
        return None

    def lock_everything(self) -> None:
        """Lock what can be locked, and record which structure each number names from then on."""
        now = self.clock()
        for stem in load_catalog(self.root).entries:
            with self.refusals():
                lock_entry(load_catalog(self.root).entries[stem], now)
        catalog = load_catalog(self.root)
        for stem in catalog.projects:
            with self.refusals():
                lock_project_file(catalog, stem, now)
        if self.git("branch", "--show-current").strip() in ("", "main"):
            self.record(load_catalog(self.root))

    def record(self, catalog: Catalog) -> None:
        """On main, whose versions are published, a number keeps its structure for ever."""
        for entry in catalog.entries.values():
            for line in entry.lock.lines if entry.ok else ():
                key = str(line.id), line.version
                assert self.structures.setdefault(key, line.sha256) == line.sha256

    @contextmanager
    def refusals(self) -> Generator[None]:
        try:
            yield
        except DatasetAssetsError:
            self.refused += 1

    def uses_of(self, entry: Entry) -> list[str]:
        return ["a training run read it"] if str(entry.lock.id) in self.used else []

    def resolve(self, path: str, side: str) -> None:
        file = self.root / path
        if path.startswith("datasets/") and path.endswith(".lock") and file.exists():
            lines = [line for line in file.read_text().split("\n") if not re.match(r"(<|=|>|\|){7}", line)]
            file.write_text("\n".join(lines))
            self.git("add", path)
        elif self.git("checkout", side, "--", path, check=False) is not None and self.has_stage(path, side):
            self.git("add", path)
        else:
            self.git("rm", "-q", "--cached", path, check=False)
            file.unlink(missing_ok=True)

    def has_stage(self, path: str, side: str) -> bool:
        stage = {"--ours": "2", "--theirs": "3"}[side]
        return any(line.split()[2] == stage for line in self.git("ls-files", "-u", "--", path).splitlines())

    def has_file(self, lock: str) -> bool:
        return (self.root / lock).with_suffix(".yaml").exists()

    def comments(self, stem: str) -> set[str]:
        path = self.root / "datasets" / f"{stem}.yaml"
        return set(COMMENT.findall(path.read_text())) if path.exists() else set()

    def contents(self) -> dict[str, bytes]:
        folders = (self.root / "datasets", self.root / "projects")
        files = (path for folder in folders for path in folder.iterdir() if path.suffix != ".guard")
        return {path.name: path.read_bytes() for path in files}

    def commit(self, message: str = "step") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now.astimezone(UTC)

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | GIT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=WALKS, stateful_step_count=STEPS, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
