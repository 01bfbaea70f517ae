"""Loading a definitions folder: names, Projects, users and calendars; loading never raises."""

# ruff: noqa: E501 - tables of a change and the expected message

import copy
import json
import shutil
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry, lock_project_file, project_lock_faults
from dataset_assets.errors import ContractError, LockError
from dataset_assets.yaml.reader import read_file

FILES = Path(__file__).parent / "files"
STEMS = ("grocery_recommender", "household_value", "product_categories", "sales_orders")
GROCERY_ID = "0b6f3a52-7f0e-4f6e-9d5c-3a1f5f0e9c11"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PROJECT = """project:
  name: Recommender
  owner: user-marcos
  datasets: [grocery_recommender, d1a2b3c4-0000-0000-0000-000000000001]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("datasets", "projects"):
        (tmp_path / folder).mkdir()
    for stem in STEMS:
        shutil.copy(FILES / f"{stem}.yaml", tmp_path / "datasets")
    shutil.copy(FILES / "users.yaml", tmp_path)
    (tmp_path / "projects" / "recommender.yaml").write_text(PROJECT)
    return tmp_path


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def fault_texts(catalog: Catalog) -> list[str]:
    return [str(fault) for fault in catalog.faults]


def test_a_dataset_is_found_by_stem_and_by_id(root: Path) -> None:
    catalog = load_catalog(root)
    entry = catalog.entry("grocery_recommender")
    assert catalog.entry(GROCERY_ID) is catalog.entry(GROCERY_ID.upper()) is entry
    named = catalog.find(UUID(GROCERY_ID))
    assert named
    assert (named.stem, named.dataset) == ("grocery_recommender", entry.dataset)
    assert catalog.find(UUID(int=1)) is None
    with pytest.raises(ContractError, match="did you mean `sales_orders`"):
        catalog.entry("sale_orders")


def test_the_scope_resolves_columns_of_nested_datasets(root: Path) -> None:
    catalog = load_catalog(root)
    scope = catalog.scope(catalog.entry("grocery_recommender"))
    reference = scope.find("value.value")
    assert reference
    assert reference.source.nested
    assert reference.source.nested.stem == "household_value"


def test_a_broken_dataset_cannot_be_used_and_affects_no_other(root: Path) -> None:
    replace(root / "datasets" / "sales_orders.yaml", "name: orders", "name: _orders")
    (root / "datasets" / "no_yaml.yaml").write_text("a: [")
    (root / "datasets" / "empty.yaml").write_text("")
    catalog = load_catalog(root)
    assert [stem for stem, entry in catalog.entries.items() if not entry.ok] == [
        "empty",
        "no_yaml",
        "sales_orders",
    ]
    entry = catalog.entry("sales_orders")
    assert entry.dataset is None
    for use in (catalog.checked, catalog.scope):
        with pytest.raises(ContractError, match="'_orders'"):
            use(entry)
    assert catalog.find(UUID("d1a2b3c4-0000-0000-0000-000000000001")) is None


def test_a_missing_users_file_is_one_fault(root: Path) -> None:
    (root / "users.yaml").unlink()
    catalog = load_catalog(root)
    assert all(entry.ok for entry in catalog.entries.values())
    [fault] = fault_texts(catalog)
    assert "there is no users.yaml, so owners cannot be checked; create it" in fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users:\n  a: {}\n", "users.a: must have an `email` or a `team`"),
        ("users:\n  a: {team: x, email: a@b.org}\n", "and not both"),
        ("users:\n  a: {email: nobody}\n", "users.a.email: is 'nobody', not an e-mail address"),
        ("users:\n  a: {mail: a@b.org}\n", "users.a.mail: is not a known key; did you mean `email`?"),
        ("people: {}\n", "people: is not a known key"),
    ],
)
def test_a_broken_users_file_is_reported_and_no_owner_is(root: Path, text: str, expected: str) -> None:
    (root / "users.yaml").write_text(text)
    catalog = load_catalog(root)
    assert expected in "\n".join(fault_texts(catalog))
    assert all(entry.ok for entry in catalog.entries.values())


def test_owners_are_addresses(root: Path) -> None:
    users = load_catalog(root).users
    addresses = {name: user.address for name, user in users.root.items()}
    assert addresses == {"user-marcos": "marcos@example.com", "team-data": "team:data"}


def test_calendars_of_periods_yaml(root: Path) -> None:
    replace(root / "datasets" / "sales_orders.yaml", "  main_table:", "  partitions: {period: corporate.quarter, start: FY2026-Q1}\n  main_table:")  # fmt: skip
    [fault] = load_catalog(root).entry("sales_orders").faults
    assert "'corporate.quarter' is not a grain of a calendar" in str(fault)
    periods = root / "periods.yaml"
    periods.write_text("calendars:\n  corporate: {type: fiscal, start_month: 4, year_label: ending}\n")
    catalog = load_catalog(root)
    assert catalog.entry("sales_orders").ok
    assert (
        catalog.calendars.cadence("corporate.quarter").parse("FY2026-Q1").start_date.isoformat()
        == "2025-04-01"
    )
    periods.write_text("calendars:\n  corporate: {type: fiscal, start_month: 13, year_label: ending}\n")
    catalog = load_catalog(root)
    assert "calendars.corporate.start_month: is '13', must be at most 12" in fault_texts(catalog)[0]
    assert catalog.entry("sales_orders").ok, "nobody can say which Periods there are"
    periods.write_text("calendars:\n  my-own: {type: retail}\n")
    assert ":2:3: calendars.my-own: is not a name; use letters" in fault_texts(load_catalog(root))[0]
    periods.write_text("calendars:\n  standard: {type: retail}\n")
    assert (
        "calendars.standard: the calendar named 'standard' must be of type"
        in fault_texts(load_catalog(root))[0]
    )


def test_files_that_are_not_read_are_reported(root: Path) -> None:
    (root / "datasets" / "orders.yml").write_text("")
    assert fault_texts(load_catalog(root)) == [
        f"{root}/datasets/orders.yml:1:1: is not read; rename it to orders.yaml"
    ]


# Projects


def test_a_project_names_datasets_by_stem_and_id(root: Path) -> None:
    catalog = load_catalog(root)
    assert fault_texts(catalog) == []
    assert list(catalog.projects) == ["recommender"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("[grocery_recommender,", "[grocery,", "project.datasets[0]: is 'grocery', which no file of datasets/ is called; a dataset that a project names must not be deleted (BR-007)"),
        ("user-marcos", "user-marco", "project.owner: is 'user-marco', whom users.yaml does not have; did you mean `user-marcos`?"),
        ("[grocery_recommender,", "[sales_orders,", "project.datasets[1]: is 'd1a2b3c4-0000-0000-0000-000000000001', the same dataset as 'sales_orders'"),
        ("  name:", "  nam:", "project.nam: is not a known key; did you mean `name`?"),
    ],
)  # fmt: skip
def test_a_broken_project(root: Path, before: str, after: str, expected: str) -> None:
    replace(root / "projects" / "recommender.yaml", before, after)
    catalog = load_catalog(root)
    assert expected in fault_texts(catalog)[0]
    assert catalog.projects == {}
    assert all(entry.ok for entry in catalog.entries.values())


@pytest.mark.parametrize("status", ["disabled", "archived"])
def test_br_008_a_disabled_dataset_remains_in_the_projects_that_name_it(root: Path, status: str) -> None:
    catalog = load_catalog(root)
    for entry in catalog.entries.values():
        lock_entry(entry, NOW)
    assert project_lock_faults(load_catalog(root), "recommender")
    done = lock_project_file(load_catalog(root), "recommender", NOW)
    assert done == ("recorded its datasets", "version 1: first version", "wrote `id`")
    catalog = load_catalog(root)
    assert project_lock_faults(catalog, "recommender") == ()
    assert lock_project_file(catalog, "recommender", NOW + timedelta(days=1)) == ()

    replace(root / "datasets" / "grocery_recommender.yaml", "status: active ", f"status: {status} ")
    (root / "projects" / "newer.yaml").write_text(PROJECT.replace("Recommender", "Newer"))
    catalog = load_catalog(root)
    [fault] = fault_texts(catalog)
    assert f"newer.yaml:4:14: project.datasets[0]: is 'grocery_recommender', which is {status}" in fault
    assert list(catalog.projects) == ["recommender"]
    assert catalog.projects["recommender"].id


def test_a_project_cannot_record_a_dataset_without_an_id(root: Path) -> None:
    path = root / "datasets" / "grocery_recommender.yaml"
    path.write_text("\n".join(line for line in path.read_text().split("\n") if not line.startswith("  id:")))
    with pytest.raises(LockError, match="`grocery_recommender` has no id yet; lock it first"):
        lock_project_file(load_catalog(root), "recommender", NOW)
    assert not (root / "projects" / "recommender.lock").exists()


def test_a_broken_project_lock_is_reported(root: Path) -> None:
    (root / "projects" / "recommender.lock").write_text("<<<<<<< HEAD\n{}")
    catalog = load_catalog(root)
    assert "recommender.lock:1:1: is not the lock of a project" in fault_texts(catalog)[0]
    assert catalog.projects == {}


# Whatever a file holds


def test_a_chain_of_nested_datasets_has_a_maximum_depth(root: Path) -> None:
    for n in range(1, 200):
        lookup = {
            "alias": "inner",
            "target": {"type": "dataset", "id": str(UUID(int=n - 1))},
            "join_conditions": [{"source_column": "k", "target_column": "k"}],
        }
        dataset = {
            "id": str(UUID(int=n)),
            "name": "x",
            "owner": "team-data",
            "main_table": {"name": "t", "columns": [{"name": "k", "type": "integer"}]},
            "lookups": [lookup] * (n > 1),
        }
        (root / "datasets" / f"chain_{n}.yaml").write_text(json.dumps({"dataset": dataset}))
    entries = load_catalog(root).entries
    assert sum(entry.ok for stem, entry in entries.items() if stem.startswith("chain")) == 33
    assert "is nested more than 32 levels deep" in str(entries["chain_34"].faults[0])


def _paths(node: Any, path: tuple = ()) -> list[tuple]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(deeper for key, child in items for deeper in _paths(child, (*path, key)))]


DATA = read_file(FILES / "grocery_recommender.yaml").data
PATHS = _paths(DATA)
junk = st.recursive(
    st.none() | st.text(string.ascii_letters + string.digits + "._- ", max_size=12) | st.sampled_from(["table", "dataset", "0", "none", "rolling"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "columns", "id", "x", "table"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), junk), min_size=1, max_size=4))
def test_loading_raises_for_no_file(
    tmp_path_factory: pytest.TempPathFactory, wrong: list[tuple[tuple, Any]]
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    (root / "datasets").mkdir()
    shutil.copy(FILES / "household_value.yaml", root / "datasets")
    shutil.copy(FILES / "users.yaml", root)
    holder: dict[str, Any] = {"root": copy.deepcopy(DATA)}
    for path, value in wrong:
        node: Any = holder
        for step in ("root", *path)[:-1]:
            inside = (isinstance(node, dict) and step in node) or (
                isinstance(node, list) and step in range(len(node))
            )
            node = node[step] if inside else {}
        last = ("root", *path)[-1]
        if isinstance(node, dict) or (isinstance(node, list) and last in range(len(node))):
            node[last] = value
    (root / "datasets" / "fuzzed.yaml").write_text(json.dumps(holder["root"]))
    entry = load_catalog(root).entries["fuzzed"]
    assert entry.ok == (entry.faults == ())
    assert entry.ok <= (entry.dataset is not None)
    for fault in entry.faults:
        assert fault.position
        assert "placeholder" not in str(fault)
