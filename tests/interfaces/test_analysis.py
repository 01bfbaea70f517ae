"""The commands `analyze` and `preview`: output, JSON, drafts, cost, and wrong inputs."""

import json
import re

import pytest

from tests.interfaces.cloud import Cloud
from tests.interfaces.conftest import SALES
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_cost import scanned

GIB = 1024**3
MARCH = ("sales", "--partition", "2017-03")
FIELDS = {
    "dataset", "period", "as_of", "approximate", "bytes_estimated", "row_count_estimate",
    "unique_users_estimate", "unique_products_estimate", "train_rows", "eval_rows", "test_rows",
    "splits", "folds", "date_range", "steps", "fit_on", "revenue_filters", "leaks", "checks", "column_stats",
}  # fmt: skip


@pytest.fixture
def published(retailer):
    """Publish the nested dataset."""
    run_ok("materialize", "profiles")
    return retailer


def files(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


def test_an_analysis_has_the_sizes_of_the_publication(published):
    before = files(published)
    found = json.loads(run_ok("analyze", *MARCH, "--json").out)
    assert files(published) == before, "nothing is published, claimed or locked"
    assert set(found) == FIELDS
    run_ok("materialize", *MARCH)
    rows = len(run_ok("read", "sales", "--format", "jsonl").out.splitlines())
    assert found["row_count_estimate"] == rows
    assert found["train_rows"] + found["eval_rows"] == rows
    assert found["splits"]["eval"]["percent"] == pytest.approx(100 * found["eval_rows"] / rows)
    assert found["date_range"] == {"start": "2017-02-01", "end": "2017-03-31"}
    assert [(each["step"], each["applies"]) for each in found["steps"]] == [
        ("window", True), ("product_filter", False), ("customer_filter", True),
    ]  # fmt: skip
    assert [(each["type"], each["value"]) for each in found["revenue_filters"]] == [
        ("top_revenue_percent", 80), ("cumulative_revenue_percent", 80),
    ]  # fmt: skip
    assert (found["approximate"], found["bytes_estimated"], found["test_rows"]) == (False, None, None)
    assert found["leaks"]["products_leaked"] == 0


@pytest.mark.usefixtures("published")
def test_an_analysis_for_people():
    answer = run_ok("analyze", *MARCH)
    assert "date range" in answer.out
    assert "product filter (none)" in answer.out
    assert "cumulative_revenue_percent 80" in answer.out
    assert "as of 2017-04-01T00:00:00Z, Period 2017-03" in answer.err
    assert "lookups_matched: " in answer.err
    assert "-secret" not in answer.out + answer.err
    assert "-secret" not in run_ok("analyze", *MARCH, "--json").out


@pytest.mark.usefixtures("published")
def test_a_preview_masks_sensitive_values():
    answer = run_ok("preview", *MARCH, "-n", "3")
    assert "(sensitive)" in answer.out
    assert "-secret" not in answer.out
    assert "\x1b" not in answer.out
    assert answer.err.endswith(
        "the first 3 rows, by time and key; sensitive columns are masked: household__income\n"
    )
    found = json.loads(run_ok("preview", *MARCH, "--json", "--split", "eval").out)
    assert [each["name"] for each in found["columns"] if each["sensitive"]] == ["household__income"]
    rows = found["rows"]
    assert {row["split"] for row in rows} == {1}
    assert rows == sorted(rows, key=lambda row: (row["timestamp"], row["basket_id"]))
    assert {row["household__income"] for row in rows} == {"(sensitive)"}
    again = json.loads(run_ok("preview", *MARCH, "--json", "--split", "eval", "-n", "2").out)
    assert again["rows"] == rows[:2]
    assert not [name for name in rows[0] if name.startswith("_")]


def test_a_draft_is_analyzed_before_it_is_part_of_the_definitions(published):
    draft = published / "draft.yaml"
    draft.write_text(re.sub(r"  id: 01a2001c-5bae.*\n", "", SALES).replace("value: 2", "value: 999"))
    before = files(published)
    found = json.loads(run_ok("analyze", str(draft), "--partition", "2017-03", "--json").out)
    assert (found["dataset"], found["row_count_estimate"]) == ("draft", 0)
    failed = {each["name"] for each in found["checks"] if each["blocking"] and not each["passed"]}
    assert failed == {"not_empty", "split_not_empty"}
    answer = run_ok("analyze", str(draft), "--partition", "2017-03")
    assert answer.err.endswith("a run would not publish these rows\n")
    assert files(published) == before
    draft.write_text(draft.read_text().replace("type: decimal", "type: decimel"))
    said = run_refused("preview", str(draft))
    assert "draft.yaml:11" in said
    assert "did you mean `decimal`?" in said


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sale"], "there is no dataset 'sale'; did you mean `sales`?"),
        (["nowhere/sales.yaml"], "nowhere/sales.yaml:1:1: cannot be read: no such file or directory"),
        (["sales", "--partition", "2016-01"], "sales has no Period 2016-01"),
        (["sales", "--partition", "soon"], "'soon'"),
        (["sales", "--partition", "2017-03", "--as-of", "2017-03-01"], "a Period decides its own as-of"),
        (["profiles", "--partition", "2017-03"], "profiles is not published by Period"),
        (["profiles", "--as-of", "yesterday"], "as-of 'yesterday' is not an instant"),
    ],
)
def test_wrong_inputs_get_a_sentence(arguments, sentence):
    for command in ("analyze", "preview"):
        assert sentence in run_refused(command, *arguments)


@pytest.mark.usefixtures("published")
def test_a_split_that_is_not_there(retailer):
    said = run_refused("preview", *MARCH, "--split", "test")
    assert "the dataset has no split 'test'; it has train, eval" in said
    assert run("preview", *MARCH, "-n", "0").code == 2
    (retailer / "data" / "retail" / "transactions.parquet").unlink()
    assert "there is no such table" in run_refused("analyze", *MARCH)


def test_a_nested_dataset_that_is_not_published(retailer):
    assert retailer
    assert "nested dataset profiles is not published yet" in run_refused("analyze", *MARCH)


def test_bytes_are_said_before_they_are_read_and_the_budget_holds(cloud: Cloud):
    run_ok("materialize", "profiles")
    cloud.reads({"transactions": 3 * GIB})
    answer = run_ok("analyze", *MARCH, "--json")
    assert "reads 9.0 GiB, which are billed\n" in answer.err
    assert json.loads(answer.out)["bytes_estimated"] == 9 * GIB  # rows, steps and leaks
    assert "reads 3.0 GiB, which are billed\n" in run_ok("preview", *MARCH).err
    cloud.proxy.requests.clear()
    cloud.target(engine=", budgets: {sales: 2GiB}")
    for command in ("analyze", "preview"):
        assert "1.0 GiB over the limit of 2.0 GiB" in run_refused(command, *MARCH)
    assert scanned(cloud) == []


def test_a_source_of_another_engine_is_moved_for_the_analysis(cloud: Cloud):
    run_ok("materialize", "profiles")
    cloud.target(routes="transactions: files")
    found = json.loads(run_ok("analyze", *MARCH, "--json").out)
    run_ok("materialize", *MARCH)
    rows = [json.loads(line) for line in run_ok("read", "sales", "--format", "jsonl").out.splitlines()]
    sizes = len(rows), sum(row["split"] for row in rows)
    assert sizes == (found["row_count_estimate"], found["eval_rows"])


@pytest.mark.usefixtures("published")
def test_failures_are_found_although_they_stop_the_publication(retailer):
    file = retailer / "definitions" / "datasets" / "sales.yaml"
    rules = """  quality:
    - {name: dear, type: where, where: revenue > 5, severity: block}
    - {name: one_a_user, type: unique, columns: [user_id]}
    - {name: some, type: row_count, min: 1}
"""
    file.write_text(file.read_text().rstrip("\n") + "\n" + rules)
    refused = run("materialize", *MARCH)
    assert refused.code == 1
    assert "quality_dear: for every row revenue > 5: " in refused.err
    broken = re.search(r"([\d,]+) of ([\d,]+) rows break the rule", refused.err)
    assert broken
    found = json.loads(run_ok("failures", "sales", "dear", "--partition", "2017-03", "--json", "-n", "5").out)
    assert f"{found['total']:,}" == broken[1]
    assert len(found["rows"]) == 5
    assert all(float(row["revenue"]) <= 5 for row in found["rows"])
    assert run_ok("failures", "sales", "quality_dear", "--partition", "2017-03").err.endswith(
        f"20 of {broken[1]} rows that fail quality_dear, by time and key; "
        "sensitive columns are masked: household__income\n"
    )
    users = json.loads(run_ok("failures", "sales", "one_a_user", "--partition", "2017-03", "--json").out)
    assert f"{users['total']:,}" == broken[2]
    none = run_ok("failures", "sales", "natural_key_unique", "--partition", "2017-03")
    assert none.out == ""
    assert none.err.endswith("no row fails natural_key_unique\n")
    said = run_refused("failures", "sales", "some", "--partition", "2017-03")
    assert "the rule 'some' is not about single rows" in said
    assert "did you mean `dear`?" in run_refused("failures", "sales", "deer", "--partition", "2017-03")
