"""The file and the lock of a Project with operations and outputs: faults at their places, and versions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_project_file, project_lock_faults
from dataset_assets.catalog.project_versions import read_project_lock
from dataset_assets.errors import LockError

NOW = datetime(2024, 6, 1, tzinfo=UTC)
USERS = "users: {ada: {email: ada@example.org}}\n"
SALES = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1100
  name: Sales
  owner: ada
  main_table:
    name: sales
    columns:
      - {name: line, type: integer, nullable: false}
      - {name: item, type: integer}
      - {name: code, type: integer}
      - {name: at, type: timestamp, nullable: false}
  lookups:
    - target:
        type: table
        name: items
        columns: [{name: code, type: integer}, {name: kind, type: string}]
      join_conditions: [{source_column: code, target_column: code}]
  column_mapping: {user_id: line, product_id: item, timestamp: at, category: items.kind}
  partitions: {period: month, start: 2024-01, end: 2024-06}
"""
PLAIN = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1101
  name: Plain
  owner: ada
  main_table: {name: plain, columns: [{name: a, type: integer}]}
"""
HEAD = """project:
  name: Campaign
  owner: ada
  datasets: [sales, plain]
  operations:
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("datasets", "projects"):
        (tmp_path / name).mkdir()
    (tmp_path / "users.yaml").write_text(USERS)
    (tmp_path / "datasets" / "sales.yaml").write_text(SALES)
    (tmp_path / "datasets" / "plain.yaml").write_text(PLAIN)
    return tmp_path


def declare(folder: Path, *steps: str, stem: str = "campaign", head: str = HEAD) -> None:
    (folder / "projects" / f"{stem}.yaml").write_text(head + "".join(f"    - {each}\n" for each in steps))


OUT = "{type: output, dataset: sales, name: out}"
NO_NAME = (
    "makes the table 'no-name__o', which is no name of a table; "
    "call the project's file by letters, digits and `_`, at most 120 in all"
)
SALES_STEP = "dataset: sales, where: user_id > 1"
FAULTS = [
    (
        "{type: label, dataset: sales, where: pric > 1, set: {a: b}}",
        "6:44: project.operations[0].where: there is no column 'pric' (line 1, column 1 of the condition)",
    ),
    ("{type: label, dataset: sales, where: 'user_id > ', set: {a: b}}", "project.operations[0].where: "),
    (f"{{type: label, {SALES_STEP}}}", "project.operations[0]: sets no label and removes none"),
    ("{type: delete, dataset: sales}", "project.operations[0].where: is required"),
    (
        "{type: delete, where: user_id > 1}",
        "project.operations[0].dataset: is required, because the project has several datasets",
    ),
    (
        "{type: delete, dataset: other, where: user_id > 1}",
        "project.operations[0].dataset: is 'other', which is not among the project's datasets",
    ),
    ("{type: delete, dataset: plain, where: a > 1}", "does nothing: no output of plain comes after it"),
    (
        f"{{type: reperiod, {SALES_STEP}, to: 2024-09}}",
        "project.operations[0].to: sales has no Period 2024-09: it ends with 2024-06",
    ),
    (f"{{type: reperiod, {SALES_STEP}, to: May}}", "project.operations[0].to: "),
    ("{type: output, dataset: sales, name: Out}", "operations[1].name: is 'out', as an output before"),
    (
        "{type: output, dataset: plain, name: p, joins: runtime}",
        "project.operations[0].joins: is runtime, but the dataset has no lookups",
    ),
    (
        "{type: output, dataset: sales, name: p, joins: runtime}",
        "project.operations[0].joins: is runtime, but the dataset does not publish code, ",
    ),
    (
        "{type: output, dataset: sales, name: p, join: runtime}",
        "project.operations[0].join: is not a known key; did you mean `joins`?",
    ),
    ("{type: drop, dataset: sales}", "project.operations[0].type: is 'drop'"),
]


@pytest.mark.parametrize(("step", "fault"), FAULTS)
def test_a_fault_is_told_with_its_place(folder: Path, step: str, fault: str) -> None:
    declare(folder, step, OUT)
    catalog = load_catalog(folder)
    told = "\n".join(map(str, catalog.faults))
    assert fault in told, told
    assert f"{folder}/projects/campaign.yaml:" in told
    assert "campaign" not in catalog.projects
    assert not catalog.outputs


def test_period_moves_need_periods(folder: Path) -> None:
    declare(
        folder,
        "{type: reperiod, dataset: plain, where: a > 1, to: 2024-02}",
        "{type: output, dataset: plain, name: o}",
    )
    [fault] = load_catalog(folder).faults
    assert "is '2024-02', but plain is not published by Period" in str(fault)


def test_an_output_takes_the_table_of_no_other_file(folder: Path) -> None:
    (folder / "datasets" / "campaign__out.yaml").write_text(PLAIN.replace("1101", "1102"))
    declare(folder, OUT)
    declare(folder, "{type: output, dataset: sales, name: c__d}", stem="a__b")
    declare(folder, "{type: output, dataset: sales, name: b__c__d}", stem="a")
    declare(folder, "{type: output, dataset: sales, name: o}", stem="no-name")
    told = [str(fault) for fault in load_catalog(folder).faults]
    assert [fault.split("name: ")[1] for fault in told] == [
        "makes the table 'a__b__c__d', which is that of an output of `a`; choose another name",
        "makes the table 'campaign__out', which is that of the dataset `campaign__out`; choose another name",
        NO_NAME,
    ]


def test_an_output_has_the_operations_of_its_dataset_before_it(folder: Path) -> None:
    declare(
        folder,
        "{type: delete, dataset: sales, where: user_id = 1}",
        "{type: output, dataset: sales, name: first}",
        "{type: label, dataset: plain, where: a = 1, set: {k: v}}",
        "{type: label, dataset: sales, where: user_id = 2, remove: [k]}",
        "{type: output, dataset: sales, name: second}",
        "{type: output, dataset: plain, name: third}",
    )
    catalog = load_catalog(folder)
    assert not catalog.faults
    operations = {
        stem: [each.words for each in output.operations] for stem, output in catalog.outputs.items()
    }
    assert operations == {
        "campaign__first": ["delete"],
        "campaign__second": ["delete", "remove k"],
        "campaign__third": ["set k = 'v'"],
    }


def test_the_lock_gives_each_structure_a_number_once(folder: Path) -> None:
    lock_path = folder / "projects" / "campaign.lock"

    def lock(*steps: str, head: str = HEAD) -> tuple[str, ...]:
        declare(folder, *steps, head=head)
        return lock_project_file(load_catalog(folder), "campaign", NOW)

    assert lock(OUT) == ("recorded its datasets", "version 1: first version", "wrote `id`")
    assert not project_lock_faults(load_catalog(folder), "campaign")
    text = (folder / "projects" / "campaign.yaml").read_text()
    head = text[: text.index("    - ")]
    assert lock(OUT, head=head) == ()
    assert lock(OUT, head=head.replace("name: Campaign", "name: Other")) == (), "a name is not structural"
    declare(folder, "{type: delete, dataset: sales, where: user_id = 1}", OUT, head=head)
    assert project_lock_faults(load_catalog(folder), "campaign")
    changed = lock("{type: delete, dataset: sales, where: user_id = 1}", OUT, head=head)
    assert changed == ("version 2: changed operations",)
    assert lock(OUT, head=head) == ("version 3: changed operations",), "a restored structure has a new number"
    assert [each.number for each in read_project_lock(lock_path).versions] == [1, 2, 3]
    stored = json.loads(lock_path.read_text())
    stored["versions"][0]["structure"]["datasets"] = ["plain"]
    lock_path.write_text(json.dumps(stored))
    with pytest.raises(LockError, match="is not the lock of a project"):
        read_project_lock(lock_path)


def test_a_lock_without_versions_is_read(folder: Path) -> None:
    (folder / "projects" / "campaign.yaml").write_text(HEAD.replace("  operations:\n", ""))
    lock_project_file(load_catalog(folder), "campaign", NOW)
    path = folder / "projects" / "campaign.lock"
    stored = json.loads(path.read_text())
    del stored["versions"]
    path.write_text(json.dumps(stored))
    catalog = load_catalog(folder)
    assert not catalog.faults
    assert not project_lock_faults(catalog, "campaign")
