"""`sql --for`: published rows in BigQuery as TFX and BigQuery ML read them, run on the emulator."""

import ast
import json
import re

import pytest

from tests.bigquery.emulator import PATIENCE, once
from tests.interchange import tfx_rules
from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_json import documented

SALES = ("sql", "sales", "--partition", "2017-03")


@pytest.fixture
def published(cloud: Cloud) -> Cloud:
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--partition", "2017-03")
    return cloud


def examples(cloud: Cloud, sql: str) -> list[dict]:
    """Return the examples that TFX would make, by the schema that BigQuery answers to TFX's own question."""
    client = cloud.emulator.client()
    empty = client.query(f"SELECT * FROM ({sql}) LIMIT 0", timeout=PATIENCE, retry=once(), job_retry=None)
    schema = empty.result(timeout=PATIENCE, retry=once()).schema
    kinds = {field.name: field.field_type for field in schema}
    return [tfx_rules.example(kinds, row) for row in cloud.emulator.rows(sql)]


def test_tfx_reads_each_split_by_a_query_of_its_own(published: Cloud):
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]["splits"]
    found = json.loads(run_ok(*SALES, "--for", "tfx", "--json").out)
    assert set(found) == documented("sql --for")
    assert (found["consumer"], found["sql"], found["periods"]) == ("tfx", None, ["2017-03"])
    patterns = {each["name"]: each["pattern"] for each in found["input_config"]["splits"]}
    made = {name: examples(published, sql) for name, sql in patterns.items()}
    assert {name: len(rows) for name, rows in made.items()} == shown
    first = made["train"][0]
    assert {name: kind for name, (kind, _) in first.items()} == {
        "user_id": "int64",
        "product_id": "int64",
        "timestamp": "int64",
        "revenue": "float",
        "basket_id": "int64",
        "household__income": "bytes",
        "household__town": "none",
    }
    assert run_ok(*SALES, "--for", "tfx", "--split", "eval").out.strip() == patterns["eval"]


def test_the_component_is_python_with_these_queries(published: Cloud):
    found = json.loads(run_ok(*SALES, "--for", "tfx", "--json").out)["input_config"]["splits"]
    module = ast.parse(run_ok(*SALES, "--for", "tfx").out)
    calls = [each for each in ast.walk(module) if isinstance(each, ast.Call)]
    splits = [
        {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "Split"
    ]
    assert [(each["name"], each["pattern"].strip()) for each in splits] == [
        (each["name"], each["pattern"]) for each in found
    ]
    assert published.dataset in splits[0]["pattern"]


def test_rows_without_a_split_are_one_split_for_tfx(published: Cloud):
    found = json.loads(run_ok("sql", "profiles", "--for", "tfx", "--json").out)["input_config"]["splits"]
    assert [each["name"] for each in found] == ["single_split"]
    assert len(examples(published, found[0]["pattern"])) == 3


def test_a_deleted_row_is_not_read_even_by_an_earlier_text(published: Cloud):
    earlier = json.loads(run_ok("sql", "profiles", "--for", "tfx", "--json").out)
    sql = earlier["input_config"]["splits"][0]["pattern"]
    run_ok("rows", "delete", "profiles", "--where", "household_id = 1")
    found = sorted(row["household_id"] for row in examples(published, sql))
    assert found == [("int64", 2), ("int64", 3)]
    later = json.loads(run_ok("sql", "profiles", "--for", "tfx", "--json").out)
    assert later["table_version"] > earlier["table_version"]
    assert later["input_config"] != earlier["input_config"], "TFX remembers examples by the query's text"


def test_bigquery_ml_gets_a_column_that_marks_eval_rows(published: Cloud):
    answer = run_ok(*SALES, "--for", "bqml", "--label", "revenue")
    assert answer.err == (
        "options of the model: input_label_cols = ['revenue'], data_split_method = 'CUSTOM',"
        " data_split_col = 'is_eval'\n"
    )
    rows = published.emulator.rows(answer.out)
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]["splits"]
    assert sum(row["is_eval"] for row in rows) == shown["eval"]
    assert len(rows) == shown["eval"] + shown["train"]
    assert "split" not in rows[0]
    one = json.loads(run_ok(*SALES, "--for", "bqml", "--split", "train", "--json").out)
    assert one["options"] == {"data_split_method": "NO_SPLIT"}
    assert len(published.emulator.rows(one["sql"])) == shown["train"]
    chosen = run_ok(*SALES, "--for", "bqml", "--columns", "revenue,product_id", "--split", "train").out
    assert list(published.emulator.rows(chosen)[0]) == ["revenue", "product_id"]
    unknown = run_refused(*SALES, "--for", "bqml", "--label", "revenu")
    assert "the query has no column 'revenu' for the label; did you mean 'revenue'?" in unknown


def test_an_earlier_version_is_read_at_its_time(published: Cloud):
    before = json.loads(run_ok("sql", "profiles", "--for", "bqml", "--json").out)
    run_ok("rows", "delete", "profiles", "--where", "household_id = 1")
    version = str(before["table_version"])
    text = run_ok("sql", "profiles", "--for", "bqml", "--version", version).out
    assert "FOR SYSTEM_TIME AS OF TIMESTAMP" in text
    run_ok("materialize", "sales", "--partition", "2017-02")
    refused = run_refused("sql", "sales", "--for", "tfx", "--version", "1")
    assert re.search("version 1 has several Periods.*name one with --partition", refused)
    assert published.dataset in text


@pytest.mark.usefixtures("retailer")
def test_local_rows_are_refused_with_a_way_out():
    run_ok("materialize", "profiles")
    for consumer, reader in (("tfx", "TFX's BigQueryExampleGen"), ("bqml", "BigQuery ML")):
        said = run_refused("sql", "profiles", "--for", consumer)
        assert f"{reader} reads tables in BigQuery, and the target 'local' publishes to deltalake" in said
        assert "--target" in said


@pytest.mark.usefixtures("retailer")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--for", "tfx", "--as-of", "2017-03-01"), "leave out --dialect, --as-of and --dry-run"),
        (("--for", "tfx", "--dry-run"), "leave out --dialect, --as-of and --dry-run"),
        (("--for", "tfx", "--label", "revenue"), "give --for bqml as well"),
        (("--columns", "revenue"), "give --for as well"),
        (("--version", "1"), "give --for as well"),
    ],
)
def test_options_that_do_not_go_together(options, says):
    answer = run("sql", "sales", *options)
    assert answer.code == 2
    assert says in re.sub(r"[\s│]+", " ", answer.err)
