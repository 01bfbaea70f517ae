"""The commands of a dataset's life: what they print, write and refuse."""

import json
from pathlib import Path

import pytest

from tests.interfaces.running import run, run_ok, run_refused

PROJECT = "project:\n  name: Shop\n  owner: user-ann\n  datasets: [sales]\n"


def text(retailer: Path, stem: str = "sales") -> str:
    return (retailer / "definitions" / "datasets" / f"{stem}.yaml").read_text()


def test_an_edit_prints_its_difference_and_the_next_version(retailer):
    run_ok("lock")
    answer = run_ok("edit", "sales", "filters.customer_filter.value=3", "owner=user-ann")
    assert "-    customer_filter: {type: min_transactions, value: 2}\n" in answer.out
    assert "+    customer_filter: {type: min_transactions, value: 3}\n" in answer.out
    assert "sales: a structural change: version 2 (breaking)" in answer.err
    assert "value: 3" in text(retailer)
    told = json.loads(run_ok("edit", "sales", "--unset", "split_config", "--dry-run", "--json").out)
    assert (told["structural"], told["written"], told["version"]) == (True, False, 2)
    assert told["changes"][0]["after"] is None
    assert "split_config" in text(retailer)
    assert "nothing changed" in run_ok("edit", "sales", "name=Sales").err


@pytest.mark.usefixtures("retailer")
def test_a_faulty_edit_is_told_with_its_line():
    refused = run_refused("edit", "sales", "column_mapping.city=nowhere")
    assert "sales.yaml:23:11: dataset.column_mapping.city: is 'nowhere'" in refused


@pytest.mark.usefixtures("retailer")
def test_a_locked_project_is_not_edited(monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_LOCKED", "1")
    assert "DATASET_ASSETS_LOCKED is set" in run_refused("archive", "sales")
    assert run_ok("archive", "sales", "--dry-run").out.startswith("sales: active -> archived")


@pytest.mark.usefixtures("retailer")
def test_an_archived_dataset_is_published_on_purpose_alone():
    run_ok("archive", "profiles")
    refused = run_refused("materialize", "profiles")
    assert "`profiles` is archived, so that nothing was published; add --anyway" in refused
    assert "--anyway" in run_refused("backfill", "profiles")
    assert "Nothing is published yet" in run_ok("show", "profiles").out
    run_ok("materialize", "profiles", "--anyway")
    run_ok("edit", "profiles", "owner=user-ann")
    assert json.loads(run_ok("restore", "profiles", "--json").out)["after"] == "active"
    assert "is active already" in run_ok("activate", "profiles").err


def test_a_clone_is_a_draft_that_is_published_by_hand(retailer):
    answer = run_ok("clone", "profiles", "homes", "--name", "Homes")
    assert "a copy of profiles" in answer.out
    assert "name: Homes" in text(retailer, "homes")
    assert "`homes` is a draft" in run_refused("materialize", "homes")
    run_ok("materialize", "homes", "--anyway")
    run_ok("activate", "homes")
    run_ok("materialize", "homes")


def test_a_renamed_dataset_leaves_its_rows_where_they_are(retailer):
    run_ok("materialize", "profiles")
    answer = run_ok("rename", "profiles", "homes")
    assert "profiles -> homes" in answer.out
    assert (
        f"published rows stay where they are: profiles at {(retailer / 'warehouse').as_uri()}" in answer.err
    )
    assert "was published as `profiles`" in run_ok("materialize", "homes").err


def test_a_delete_asks_first_and_says_where_the_rows_are(retailer):
    (retailer / "definitions" / "projects").mkdir()
    (retailer / "definitions" / "projects" / "shop.yaml").write_text(PROJECT)
    assert "the project `shop` uses `sales` (BR-007)" in run_refused("delete", "sales", "--yes")
    assert "the dataset `sales` reads `profiles`" in run_refused("delete", "profiles", "--yes")
    (retailer / "definitions" / "projects" / "shop.yaml").unlink()
    run_ok("clone", "profiles", "homes")
    run_ok("materialize", "homes", "--anyway")
    assert "add --yes" in run_refused("delete", "homes")
    run_ok("clone", "homes", "flats")
    run_ok("materialize", "flats", "--anyway")
    run_ok("use", "flats", "--training-run", "run-7")
    refused = run_refused("delete", "flats", "--yes")
    assert "`flats` is in use: the training run 'run-7' read flats on " in refused
    assert "archive flats" in refused
    listed = {each["dataset"]: each for each in json.loads(run_ok("list", "--json").out)["datasets"]}
    assert listed["flats"]["last_used_at"]
    assert listed["homes"]["last_used_at"] is None
    assert "to delete: " in run_ok("delete", "homes", "--dry-run").out
    answer = run_ok("delete", "homes", "--yes")
    assert "published rows stay: homes at file://" in answer.err
    assert not (retailer / "definitions" / "datasets" / "homes.lock").exists()
    run_ok("delete", "sales", "--yes")


@pytest.mark.parametrize("command", ["edit", "archive", "clone", "rename", "delete"])
@pytest.mark.usefixtures("retailer")
def test_a_missing_dataset_is_named(command):
    more = {"edit": ["a=b"], "clone": ["x"], "rename": ["x"]}.get(command, [])
    answer = run(command, "salse", *more)
    assert (answer.code, "did you mean `sales`?" in answer.err) == (1, True)


def test_the_list_has_the_rows_and_dates_of_the_last_publication(retailer):
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--partition", "2017-03")
    listed = {each["dataset"]: each for each in json.loads(run_ok("list", "--json").out)["datasets"]}
    assert listed["profiles"]["row_count"] == 3
    assert listed["profiles"]["date_range"] is None
    assert listed["sales"]["date_range"] == {"start": "2017-02-01T00:00:00Z", "end": "2017-04-01T00:00:00Z"}
    assert (listed["sales"]["period"], listed["sales"]["version"]) == ("2017-03", 1)
    printed = run_ok("list").out
    assert "2017-02-01 to 2017-03-31" in printed
    (retailer / "local.yaml").write_text("target: {}\n")
    answer = run_ok("list")
    assert "sales" in answer.out
    assert "what is published is unknown" in answer.err


def test_history_and_diff_in_words(retailer):
    run_ok("materialize", "profiles")
    path = retailer / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text().replace("  main_table", "  resolver_id: retail\n  main_table"))
    answer = run_ok("diff", "profiles")
    assert "breaking: `resolver_id` added." in answer.out
    run_ok("lock", "profiles")
    assert "breaking: `resolver_id` added." in run_ok("diff", "profiles", "1", "2").out
    assert "no structural change" in run_ok("diff", "profiles").err
    assert "`profiles` has no version 5; it has 1, 2" in run_refused("diff", "profiles", "5")
    told = json.loads(run_ok("history", "profiles", "--publications", "--json").out)
    assert [each["version"] for each in told["versions"]] == [1, 2]
    assert [(each["rows"], each["version"]) for each in told["publications"]] == [(3, 1)]
    without = run_ok("history", "profiles", "--publications").out
    assert "Publications" in without
    assert "by hand" not in without
    run_ok("rows", "delete", "profiles", "--where", "town = 'Ulm'")
    by_hand = run_ok("history", "profiles", "--publications").out
    assert "delete 1 rows by " in by_hand
    assert ": town = 'Ulm'" in by_hand
    assert "Versions" in run_ok("history", "profiles").out


@pytest.mark.usefixtures("retailer")
def test_a_narrow_screen_lists_each_dataset_on_three_lines(monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    run_ok("materialize", "profiles")
    answer = run_ok("list")
    assert "Household [red]profiles[/red] [profiles] active\n  version: 1 | owner: user-ann" in answer.out
    assert "\n  tables: households | rows: 3\n" in answer.out
