"""The commands that need no data: `list`, `show`, `check`, `lock`, `schema`."""

import json
import os
import subprocess
import sys

import pytest

from tests.interfaces.conftest import BROKEN, TARGET
from tests.interfaces.running import process, run, run_ok, run_refused

HEAVY = ("duckdb", "deltalake", "dagster", "pandas", "pyarrow")


@pytest.mark.parametrize("arguments", [["--help"], ["check"], ["schema"], ["lock", "--check"]])
@pytest.mark.usefixtures("retailer")
def test_what_needs_no_data_loads_no_engine(arguments):
    run_ok("lock")
    code = (
        "import sys\nfrom dataset_assets.interfaces.cli.app import app\n"
        f"try:\n    app({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("retailer")
def test_list_shows_each_dataset():
    answer = run_ok("list")
    sales = next(line for line in answer.out.splitlines() if line.startswith(" sales"))
    words = ("Sales", "active", "1 (pending)", "user-ann", "month from 2017-02", "datasets/profiles")
    assert all(word in sales for word in words)
    assert "[red]profiles[/red]" in answer.out


def test_list_hides_archived_ones_and_shows_broken_ones(retailer):
    folder = retailer / "definitions" / "datasets"
    (folder / "broken.yaml").write_text(BROKEN)
    sales = (folder / "sales.yaml").read_text()
    (folder / "sales.yaml").write_text(
        sales.replace("  name: Sales\n", "  name: Sales\n  status: archived\n", 1)
    )
    answer = run_ok("list")
    assert "month from" not in answer.out
    assert any(line.split()[:2] == ["broken", "broken"] for line in answer.out.splitlines())
    assert "run `dataset-assets check`" in answer.err
    assert "archived" in run_ok("list", "--all").out


@pytest.mark.usefixtures("retailer")
def test_narrow_screens_lose_nothing(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    answer = run_ok("list")
    assert all(word in answer.out for word in ("month from 2017-02", "user-ann", "datasets/profiles"))


@pytest.mark.usefixtures("retailer")
def test_show_says_what_the_file_says():
    answer = run_ok("show", "sales")
    for words in ("ann@example.com", "household.income", "(sensitive)", "rolling, months 2", "eval_days 10"):
        assert words in answer.out
    assert "household_id = household.household_id" in answer.out
    assert "Nothing is published yet" in answer.out


@pytest.mark.usefixtures("retailer")
def test_an_id_works_wherever_a_stem_does():
    assert run_ok("show", "01A2001C-5BAE-7B91-B4BB-A18B13CE11ED").out == run_ok("show", "sales").out


def test_show_of_a_broken_or_unknown_dataset_is_refused(retailer):
    (retailer / "definitions" / "datasets" / "broken.yaml").write_text(BROKEN)
    assert "did you mean `sales`?" in run_refused("show", "sale")
    faults = run_refused("show", "broken").splitlines()
    assert any("broken.yaml:7:36: dataset.main_table.columns[0].type" in line for line in faults)


@pytest.mark.usefixtures("retailer")
def test_check_says_that_all_is_well():
    answer = run_ok("check")
    assert answer.out == ""
    assert answer.err == "4 files checked, all is well\n"


def test_check_prints_every_fault_of_every_file(retailer):
    (retailer / "definitions" / "datasets" / "broken.yaml").write_text(BROKEN)
    (retailer / "definitions" / "datasets" / "worse.yaml").write_text("dataset: [\n")
    answer = run("check")
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert {line.split(":")[0].rpartition("/")[2] for line in lines} == {"broken.yaml", "worse.yaml"}
    assert any("broken.yaml:3:10: dataset.owner: is 'user-bob'" in line for line in lines)
    assert any("broken.yaml:7:36: dataset.main_table.columns[0].type" in line for line in lines)
    assert answer.err == f"6 files checked: {len(lines)} faults in 2\n"


def test_check_of_paths_looks_at_nothing_else(retailer):
    folder = retailer / "definitions" / "datasets"
    (folder / "broken.yaml").write_text(BROKEN)
    assert run_ok("check", str(folder / "sales.yaml")).err == "1 file checked, all is well\n"
    assert run("check", str(folder / "broken.yaml")).code == 1
    assert "broken.yaml" in run("check", str(folder)).out
    assert "broken.yaml" in run("check", str(retailer / "definitions")).out


def test_a_file_outside_of_the_folder_is_checked_with_its_users_and_datasets(retailer):
    outside = retailer / "elsewhere" / "other_sales.yaml"
    outside.parent.mkdir()
    text = (retailer / "definitions" / "datasets" / "sales.yaml").read_text()
    outside.write_text(text.replace("11ed", "11ee"))
    assert run_ok("check", str(outside)).err == "1 file checked, all is well\n"
    outside.write_text(
        text.replace("11ed", "11ee").replace("user-ann", "user-bob").replace("0d6b764edd8d", "0d6b764edd8e")
    )
    answer = run("check", str(outside.parent))
    assert answer.code == 1
    assert "other_sales.yaml:4:10: dataset.owner" in answer.out
    assert "other_sales.yaml:16:35: dataset.lookups[0].target.id" in answer.out


def test_check_of_a_path_that_is_not_there(retailer):
    answer = run("check", str(retailer / "nowhere.yaml"), str(retailer / "definitions"))
    assert answer.code == 1
    assert answer.out.startswith("there is no file or folder")
    (retailer / "empty").mkdir()
    assert "there is no .yaml file" in run("check", str(retailer / "empty")).out


def test_files_are_named_from_the_current_directory_on(retailer, monkeypatch):
    (retailer / "definitions" / "datasets" / "broken.yaml").write_text(BROKEN)
    monkeypatch.chdir(retailer)
    assert run("check").out.startswith("definitions/datasets/broken.yaml:3:10: dataset.owner")
    assert " definitions/datasets/sales.yaml " in run_ok("show", "sales").out
    (retailer / "elsewhere").mkdir()
    monkeypatch.chdir(retailer / "elsewhere")
    path = retailer / "definitions" / "datasets" / "broken.yaml"
    assert run("check").out.startswith(f"{path}:3:10: dataset.owner")


def test_check_reads_the_target(retailer):
    path = retailer / "local.yaml"
    tables = "{sales: {location: 's-{period}.parquet', period: moon}}"
    path.write_text(TARGET.replace("root: ./data/retail", f"root: ./data, tables: {tables}"))
    answer = run("check")
    assert answer.code == 1
    assert (
        "local.yaml:6:100: target.resolvers.retail.tables.sales.period: 'moon' is not a grain" in answer.out
    )
    assert "did you mean 'month'" in answer.out
    assert answer.err == "4 files checked: 1 fault in 1\n"
    assert "no target 'locall'; did you mean 'local'" in run("check", "--target", "locall").out


def test_check_knows_the_resolvers_of_the_target(retailer):
    sales = retailer / "definitions" / "datasets" / "sales.yaml"
    text = sales.read_text()
    sales.write_text(text.replace("  owner:", "  resolver_id: retial\n  owner:"))
    fault = (
        "yaml:4:16: dataset.resolver_id: is 'retial', which the target 'local' does not have;"
        " did you mean `retail`?"
    )
    outside = retailer / "elsewhere.yaml"
    outside.write_text(sales.read_text().replace("11ed", "11ee").replace("user-ann", "user-bob"))
    for arguments in (["check"], ["check", str(sales)]):
        assert fault in run(*arguments).out
    assert "resolver_id" not in run("check", str(outside)).out, "it may be meant for another target"
    (retailer / "local.yaml").write_text("target: {}\n")
    assert "resolver_id" not in run("check").out
    assert run_ok("check", str(sales)).out == ""


def test_a_folder_that_is_no_definitions_folder(retailer, monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer / "nowhere"))
    for command in (["check"], ["list"], ["lock"], ["show", "sales"]):
        assert "set DATASET_ASSETS_DEFINITIONS" in run_refused(*command)


def test_lock_writes_once(retailer):
    folder = retailer / "definitions" / "datasets"
    before = run_refused("lock", "--check")
    assert "version 1 (first) is not locked" in before
    assert not list(folder.glob("*.lock"))
    first = run_ok("lock")
    assert "sales: version 1 (first)" in first.out
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert "sales: up to date" in run_ok("lock").out
    assert texts == {path.name: path.read_text() for path in folder.iterdir()}
    assert "every lock is up to date" in run_ok("lock", "--check").err


def test_lock_of_one_leaves_the_others(retailer):
    run_ok("lock", "profiles")
    assert [path.name for path in (retailer / "definitions" / "datasets").glob("*.lock")] == ["profiles.lock"]
    assert "there is no dataset 'sailes'" in run_refused("lock", "sailes")


def test_a_broken_file_does_not_keep_the_others_from_being_locked(retailer):
    (retailer / "definitions" / "datasets" / "broken.yaml").write_text(BROKEN)
    answer = run("lock")
    assert answer.code == 1
    assert "sales: version 1" in answer.out
    assert "broken.yaml:7:36" in answer.err


def test_lock_records_projects(retailer):
    projects = retailer / "definitions" / "projects"
    projects.mkdir()
    (projects / "all.yaml").write_text("project:\n  name: All\n  owner: user-ann\n  datasets: [sales]\n")
    assert "the project `all`" in run_refused("lock", "--check")
    assert "project all: recorded its datasets" in run_ok("lock").out
    run_ok("lock", "--check")


@pytest.mark.usefixtures("retailer")
def test_schema_is_json():
    assert json.loads(run_ok("schema").out)["required"] == ["dataset"]


@pytest.mark.usefixtures("retailer")
def test_mistakes_in_the_command_itself_exit_with_2():
    assert run("nonsense").code == 2
    assert run("list", "--nonsense").code == 2
    assert run("sql").code == 2
    assert run("sql", "sales", "--split", "nonsense").code == 2


@pytest.mark.usefixtures("retailer")
def test_colours_are_for_terminals_that_want_them():
    done = process("show", "sales")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.usefixtures("retailer")
def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[3" not in process("list").stdout


@pytest.mark.usefixtures("retailer")
def test_a_bad_setting_is_named(monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_LOCKED", "perhaps")
    assert "DATASET_ASSETS_LOCKED is 'perhaps'" in run_refused("list")
    assert os.environ["DATASET_ASSETS_LOCKED"] == "perhaps"
