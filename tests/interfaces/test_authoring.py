"""`suggest` and `new` on a small retailer: at once, step by step, and what goes wrong."""

import json
import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataset_assets.interfaces.cli.app import app
from dataset_assets.lifecycle.wizard.wizard import KEYS
from tests.interfaces.running import run, run_ok, run_refused

TABLES = ("--tables", "transactions,households")
FILE = Path("definitions/datasets/winter.yaml")


pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def shop(retailer, monkeypatch) -> Path:
    """Return the retailer's folder as the current one, so that paths are short."""
    monkeypatch.chdir(retailer)
    return retailer


def answers(*lines: str) -> tuple[int, str, str]:
    """Run the wizard with these lines as its input."""
    result = CliRunner().invoke(app, ["new"], input="".join(f"{line}\n" for line in lines))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_suggestions_have_values_reasons_and_omissions():
    said = run_ok("suggest", "transactions", "households").out
    assert "lookup on household_id = households.household_id" in said
    assert "each `household_id` of 3 rows is there once, and 75 % of the 360 rows" in said
    assert "filters.product_filter" in said


def test_suggestions_as_json():
    found = json.loads(run_ok("suggest", "transactions", "households", "--json").out)
    mapping = {concept: each["column"] for concept, each in found["column_mapping"].items()}
    assert mapping["user_id"] == "household_id"
    assert mapping["revenue"] == "sales_value"
    assert found["natural_key_columns"]["columns"] == ["basket_id"]
    assert found["split_config"]["value"] == {
        "strategy": "time_based", "eval_days": 14, "gap_days": 0, "test_days": 0,
    }  # fmt: skip
    assert {each["name"] for each in found["columns"] if each["sensitive"]} == {"income"}
    assert "12-secret" not in json.dumps(found)


def test_a_table_that_does_not_exist_gets_a_sentence():
    assert "did you mean 'transactions'?" in run_refused("suggest", "transaction")


def test_thresholds_are_those_of_the_settings_file(shop):
    path = shop / "definitions" / "suggestions.yaml"
    path.write_text("suggestions:\n  product_filter: {above_products: 3, value: 70}\n")
    found = json.loads(run_ok("suggest", "transactions", "--json").out)
    assert found["filters"]["product_filter"]["value"] == {"value": 70, "type": "cumulative_revenue_percent"}
    path.write_text("suggestions:\n  product_filter: {above: 3}\n")
    assert "suggestions.yaml:2:20: suggestions.product_filter.above: is not a known key" in run_refused(
        "suggest", "transactions"
    )


def test_a_new_dataset_is_valid_and_published_without_an_edit():
    answer = run_ok("new", "winter", *TABLES, "--accept-suggestions", "--ml-model", "recommender")
    assert FILE.read_text() == answer.out
    assert "wrote definitions/datasets/winter.yaml" in answer.err
    assert "dataset-assets analyze winter" in answer.err
    assert "all is well" in run_ok("check").err
    analyzed = json.loads(run_ok("analyze", "winter", "--json").out)
    assert analyzed["row_count_estimate"] == 360
    run_ok("activate", "winter")
    assert "every (basket_id) is there once" in run_ok("materialize", "winter").out


def test_a_dry_run_writes_nothing_and_json_has_everything():
    said = json.loads(run_ok("new", "winter", *TABLES, "--accept-suggestions", "--dry-run", "--json").out)
    assert (said["dataset"], said["file"], said["written"]) == ("winter", str(FILE), False)
    assert said["text"].startswith("# A draft")
    assert said["suggestions"]["column_mapping"]["user_id"]["column"] == "household_id"
    assert said["next"][0] == "dataset-assets check"
    assert not FILE.exists()


def test_assignments_replace_suggestions():
    run_ok(
        "new", "winter", *TABLES, "--accept-suggestions", "--name", "Winter: sales",
        "--set", "column_mapping.revenue=none", "--set", "split_config.eval_days=7",
        "--set", "filters.date_range={type: rolling, months: 2}",
    )  # fmt: skip
    text = FILE.read_text()
    assert "name: 'Winter: sales'" in text
    assert "revenue" not in text
    assert "split_config: {strategy: time_based, eval_days: 7}" in text
    assert "date_range: {type: rolling, months: 2}" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sales", *TABLES, "--accept-suggestions"), "there is a dataset 'sales' already"),
        (("winter", *TABLES, "--accept-suggestions", "--owner", "user-bob"), "whom users.yaml does not have"),
        (("winter", *TABLES, "--accept-suggestions", "--set", "owner"), "'owner' is no assignment"),
        (
            ("winter", "--tables", "retail/transactions,transactions", "--accept-suggestions"),
            "two of the tables",
        ),
    ],
)
def test_a_new_dataset_that_cannot_be_is_refused(arguments, sentence):
    assert sentence in run_refused("new", *arguments)
    assert not FILE.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("winter", "--accept-suggestions"), "needs a STEM and --tables"),
        (("winter", "--json"), "--json needs --accept-suggestions"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, sentence):
    answer = run("new", *arguments)
    assert answer.code == 2
    assert sentence in " ".join(answer.err.replace("│", " ").split())


def test_the_wizard_writes_what_the_answers_say():
    code, said, err = answers(
        "Winter",
        "1st", "sales", "winter",  # two wrong answers
        "?", "What was bought in winter", "bob", "", "-",
        "transaction", "transactions", "househoulds", "households", "nothing", "",
        "maybe", "",
        "household", "household_id", "", "household_id", "", "", "", "", "", "", "",
        "nothing", "", "household_id.x", "",
        "yesterday", "2017-01-01 to 2017-03-31", "best", "", "0", "2", "half", "time_based 10",
        "perhaps", "yes",
    )  # fmt: skip
    assert code == 0, (said, err)
    for sentence in (
        "Step 1 of 4: Name and description",
        "'1st' cannot name a dataset and its table",
        "there is a dataset 'sales' already",
        "for whoever finds the dataset",
        "'bob' is no owner of users.yaml",
        "Step 2 of 4: Source tables",
        "360 rows | last updated",
        "'transaction' is no table that can be read; did you mean 'transactions'?",
        "'househoulds' is no other table; did you mean 'households'?",
        "'nothing' is no lookup",
        "on household_id | 75 % match",
        "Step 3 of 4: Column mapping",
        "'maybe' is neither yes nor no",
        "did you mean 'household_id'?",
        "`household_id` is integer; choose a column of type date or timestamp",
        "integer | 4 distinct | 1 to 4",
        "'nothing' is no column of the main table",
        "Step 4 of 4: Filters and split",
        "'yesterday' is no date range",
        "'best' is no product filter",
        "'0' is no whole number",
        "'half' is no split",
        "Estimated dataset size after filters:",
        "Total transactions  270",
        "Unique customers    4",
        "Train set           240 (89%)",
        "`yes` writes the file",
    ):
        assert sentence in said, said
    text = FILE.read_text()
    assert "customer_filter: {type: min_transactions, value: 2}" in text
    assert "split_config: {strategy: time_based, eval_days: 10}" in text
    assert "date_range: {type: fixed, start_date: 2017-01-01, end_date: 2017-03-31}" in text
    assert "wrote definitions/datasets/winter.yaml" in err


def test_going_back_keeps_the_answers():
    defaults = [""] * (len(KEYS) - 3)
    code, said, _ = answers(
        "Winter", "cold_winter", "back", "back", "", "", "", *defaults, "back", "random 70", "yes"
    )
    assert code == 0, said
    text = Path("definitions/datasets/cold_winter.yaml").read_text()
    assert "name: Winter\n" in text
    assert "split_config: {strategy: random, train_percent: 70, unit: user}" in text


def test_a_no_and_an_ended_input_write_nothing(shop):
    before = sorted((shop / "definitions").rglob("*"))
    for lines in (["Winter", *[""] * (len(KEYS) - 1), "no"], ["Winter", ""], []):
        code, _, err = answers(*lines)
        assert code == 1
        assert err.splitlines()[-1] == "cancelled; nothing is written"
    assert sorted((shop / "definitions").rglob("*")) == before


def test_a_split_is_checked_against_the_shortest_window_that_there_can_be():
    lines = ["Winter", *[""] * (len(KEYS) - 5), "rolling 1", "", "", "time_based 28", "time_based 7", "yes"]
    code, said, _ = answers(*lines)
    assert code == 0, said
    assert "28 days of eval leave nothing to train on of 28 days" in said


def test_control_c_in_a_terminal_writes_nothing():
    """A real terminal: the prompt appears, a wrong answer gets a sentence, Ctrl-C cancels."""
    child, terminal = pty.fork()
    if child == 0:
        code = "from dataset_assets.interfaces.cli.main import main; main()"
        os.execv(sys.executable, [sys.executable, "-c", code, "new"])
    try:
        assert "Dataset name *" in _until(terminal, "Dataset name *")
        os.write(terminal, b"\r")
        assert "is required" in _until(terminal, "is required")
        os.write(terminal, b"Winter\r")
        _until(terminal, "[winter]")
        assert "cancelled; nothing is written" in _cancelled(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGINT
    finally:
        os.close(terminal)
    assert not FILE.exists()


def _cancelled(terminal: int) -> str:
    """Return what the terminal shows after Ctrl-C, pressed each second until the command has cancelled.

    A signal that comes between the prompt and the reading of the answer is only seen with the next key.
    """
    shown, deadline = "", time.monotonic() + 60
    while "nothing is written" not in shown:
        assert time.monotonic() < deadline, f"not cancelled within a minute: {shown!r}"
        os.write(terminal, b"\x03")
        while select.select([terminal], [], [], 1.0)[0] and "nothing is written" not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def _until(terminal: int, text: str) -> str:
    """Return what the terminal shows up to a text. Fails after a minute with what it shows instead."""
    shown, deadline = "", time.monotonic() + 60
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"no {text!r} within a minute: {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
