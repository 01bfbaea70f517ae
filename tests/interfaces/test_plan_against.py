"""`plan --against` says what a folder's definitions change in another target, and writes nothing (BR-140)."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.interfaces.conftest import BROKEN
from tests.interfaces.running import run_ok, run_refused

TOWNS = """\
dataset:
  name: Towns
  owner: user-ann
  main_table:
    name: households
    columns: [{name: household_id, type: integer, nullable: false}, {name: town, type: string}]
"""


@pytest.fixture
def folder(retailer: Path) -> Path:
    """The retailer's folder, where all is published in production, which the own target reads from."""
    local = retailer / "local.yaml"
    (retailer / "production.yaml").write_text(local.read_text())
    run_ok("materialize", "profiles", "--target", str(retailer / "production.yaml"))
    sales = ("materialize", "sales", "--target", str(retailer / "production.yaml"))
    run_ok(*sales, "--partition", "2017-03", "--partition", "2017-04")
    text = local.read_text().replace("./warehouse", "./mine")
    local.write_text(f"{text}  reads_from: production.yaml\n")
    return retailer


def rewrite(folder: Path, stem: str, old: str, new: str) -> None:
    path = folder / "definitions" / "datasets" / f"{stem}.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def against(folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the plan against production, by dataset."""
    answer = run_ok("plan", *arguments, "--against", str(folder / "production.yaml"), "--json")
    return {each["dataset"]: each for each in json.loads(answer.out)["datasets"]}


def markdown(folder: Path) -> str:
    return run_ok("plan", "--against", str(folder / "production.yaml"), "--markdown").out


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_definitions_change_nothing(folder):
    found = against(folder)
    assert {stem: each["state"] for stem, each in found.items()} == {
        "profiles": "unchanged",
        "sales": "unchanged",
    }
    assert found["sales"]["row_count"] > 0
    assert not any(each["publications"] for each in found.values())
    assert markdown(folder) == "### Datasets: 2 unchanged against production\n"


def test_a_filter_changes_the_published_periods_and_no_others(folder):
    rewrite(folder, "sales", "min_transactions, value: 2", "min_transactions, value: 3")
    found = against(folder)
    assert found["profiles"]["state"] == "unchanged"
    sales = found["sales"]
    assert (sales["state"], sales["kind"], sales["version_before"], sales["version_after"]) == (
        "changed",
        "breaking",
        1,
        2,
    )
    assert "customer filter" in sales["changes"][0]["text"]
    assert sales["periods"] == ["2017-03", "2017-04"], "2017-02 was never published there"
    assert sales["row_estimate"] > sales["row_count"] > 0
    assert (sales["columns"], sales["rows_here"]) == ([], None)


def test_a_new_column_affects_what_reads_it(folder):
    rewrite(folder, "profiles", "{name: town,", "{name: kids, type: string}\n      - {name: town,")
    rewrite(folder, "sales", "household.town]", "household.town, household.kids]")
    found = against(folder)
    assert found["profiles"]["state"] == "changed"
    assert found["profiles"]["kind"] == "additive"
    assert found["profiles"]["columns"] == [{"name": "kids", "type_before": None, "type_after": "string"}]
    assert found["profiles"]["readers"] == ["sales"]
    assert found["sales"]["state"] == "changed"
    rewrite(folder, "sales", ", household.kids]", "]")
    found = against(folder)
    assert (found["sales"]["state"], found["sales"]["because_of"]) == ("affected", ["profiles"])
    assert found["sales"]["periods"] == ["2017-03", "2017-04"]
    assert set(against(folder, "profiles")) == {"profiles", "sales"}
    assert set(against(folder, "sales")) == {"sales"}


def test_new_removed_renamed_and_broken_files(folder):
    datasets = folder / "definitions" / "datasets"
    (datasets / "towns.yaml").write_text(TOWNS)
    (datasets / "broken.yaml").write_text(BROKEN)
    (datasets / "sales.yaml").rename(datasets / "purchases.yaml")
    found = against(folder)
    assert (found["towns"]["state"], found["towns"]["publications"]) == ("new", 1)
    assert [each["name"] for each in found["towns"]["columns"]] == ["household_id", "town"]
    assert found["broken"]["state"] == "broken"
    assert len(found["broken"]["obstacles"]) > 1
    assert (found["sales"]["state"], found["sales"]["renamed_to"]) == ("removed", "purchases")
    assert found["purchases"]["state"] == "new"
    (datasets / "purchases.yaml").unlink()
    assert against(folder)["sales"]["renamed_to"] is None


def test_periods_that_no_run_can_continue_are_an_obstacle(folder):
    rewrite(folder, "sales", "  partitions: {period: month, start: 2017-02}\n", "")
    rewrite(folder, "profiles", "  owner", "  partitions: {period: month, start: 2017-02}\n  owner")
    found = against(folder)
    for stem, words in (("sales", "by Period, and the file has none"), ("profiles", "as one piece, and the")):
        assert (found[stem]["state"], found[stem]["publications"]) == ("changed", 0)
        [obstacle] = found[stem]["obstacles"]
        assert f"what is published was published {words}" in obstacle
        assert f"was published {words}" in markdown(folder)


def test_a_column_that_other_periods_have_with_another_type_is_an_obstacle(folder):
    path = folder / "data" / "retail" / "households.parquet"
    households = parquet.read_table(path)
    incomes = pa.array([12, 34, None], pa.int64())
    parquet.write_table(households.set_column(1, "income", incomes), path)
    rewrite(folder, "profiles", "{name: income, type: string", "{name: income, type: integer")
    production = ("--target", str(folder / "production.yaml"))
    run_ok("materialize", "profiles", *production)
    words = "the column household__income is integer now, and string in the published Periods 2017-"
    rewrite(folder, "sales", "value: 2}", "value: 1}")
    assert words in run_refused("materialize", "sales", "--partition", "2017-03", *production)
    [obstacle] = against(folder)["sales"]["obstacles"]
    assert f"{words}04" in obstacle


def test_settings_without_a_version_are_named(folder):
    rewrite(folder, "sales", "name: Sales", "name: All sales\n  description: Every line")
    found = against(folder)["sales"]
    assert (found["state"], found["settings"]) == ("unchanged", ["name", "description"])


def test_rows_are_compared_once_the_own_target_has_published(folder):
    rewrite(folder, "sales", "months: 2", "months: 1")
    assert against(folder)["sales"]["rows_here"] is None
    run_ok("materialize", "sales", "--partition", "2017-03")
    here = against(folder)["sales"]["rows_here"]
    assert (here["period"], here["added"]) == ("2017-03", 0)
    assert here["removed"] > 0
    assert f"here of 2017-03 {here['removed']} removed" in markdown(folder)
    rewrite(folder, "sales", "months: 1", "months: 3")
    assert against(folder)["sales"]["rows_here"] is None, "what is published here is of another definition"


def test_nothing_is_written(folder):
    rewrite(folder, "sales", "min_transactions, value: 2", "min_transactions, value: 3")
    before = tree(folder)
    against(folder)
    markdown(folder)
    run_ok("plan", "--against", str(folder / "production.yaml"))
    assert tree(folder) == before


def test_markdown_is_a_table_in_which_no_text_can_end_a_cell(folder):
    hostile = "product_filter: {type: categories, value: ['a | b <script>', '[x](y)']},\n    customer_filter"
    rewrite(folder, "sales", "    customer_filter", f"    {hostile.replace('},', '}')}")
    rewrite(folder, "sales", "revenue: sales_value", "revenue: sales_value\n    category: household.town")
    text = markdown(folder)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| dataset | change | version | rows | to publish | cost | read by |"
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "**breaking**" in text
    assert "<script>" not in text.replace("\\<", "")
    assert "[x](y)" not in text


def test_the_table_in_the_terminal(folder):
    rewrite(folder, "sales", "min_transactions, value: 2", "min_transactions, value: 3")
    answer = run_ok("plan", "--against", str(folder / "production.yaml"))
    for words in ("sales", "1 → 2", "2: 2017-03 to 2017-04", "breaking: "):
        assert words in answer.out
    assert "1 changed, 1 unchanged against production" in answer.err


def test_a_source_that_is_gone_is_an_obstacle(folder):
    rewrite(folder, "sales", "min_transactions, value: 2", "min_transactions, value: 3")
    (folder / "data" / "retail" / "transactions.parquet").unlink()
    assert "transactions" in against(folder)["sales"]["obstacles"][0]


def test_on_bigquery_the_cost_is_that_of_a_dry_run(cloud):
    """The own target is another BigQuery dataset, which reads from production."""
    with cloud.emulator.dataset() as own:
        production = cloud.root / "local.yaml"
        (cloud.root / "production.yaml").write_text(production.read_text())
        run_ok("materialize", "profiles")
        run_ok("materialize", "sales", "--partition", "2017-03")
        cloud.target(warehouse=own)
        production.write_text(f"{production.read_text().rstrip()}\n  reads_from: production.yaml\n")
        rewrite(cloud.root, "sales", "min_transactions, value: 2", "min_transactions, value: 3")
        cloud.reads({"transactions": 5_000_000})
        found = against(cloud.root)["sales"]
        assert (found["state"], found["publications"]) == ("changed", 1)
        assert found["bytes_estimated"] >= 5_000_000
        assert "MiB read |" in markdown(cloud.root)


def test_options_that_do_not_go_together_are_refused(folder):
    production = str(folder / "production.yaml")
    assert "--markdown is for --against" in run_refused("plan", "--markdown")
    assert "leave one of them out" in run_refused("plan", "--against", production, "--markdown", "--json")
    assert "leave out --from" in run_refused("plan", "--against", production, "--from", "2017-03")
    assert "cannot be compared with itself" in run_refused("plan", "--against", str(folder / "local.yaml"))
    assert "there is no dataset 'salez'" in run_refused("plan", "salez", "--against", production)
