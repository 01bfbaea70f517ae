"""The patched emulator (server/) responds like BigQuery where the original emulator does not."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.bigquery import LoadJobConfig, QueryJobConfig, SchemaField

from tests.bigquery import emulator as environment
from tests.bigquery.emulator import once


def test_numeric_keeps_38_digits(emulator):
    wide = "12345678901234567890123456789.123456789"
    assert emulator.rows(f"SELECT CAST('{wide}' AS NUMERIC) AS n") == [{"n": Decimal(wide)}]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8.8817841970012523e-16", "0"),
        ("-8.8817841970012523e-16", "0"),
        ("1.25e-08", "0.000000013"),
        ("-4.9999999999999999e-10", "0"),
        ("5e-10", "0.000000001"),
        ("1e+20", "100000000000000000000"),
        ("1.5", "1.5"),
    ],
)
def test_a_text_with_an_exponent_is_rounded_to_the_nearest_numeric(emulator, text, number):
    query = f"SELECT CAST(CASE WHEN t = '' THEN '0' ELSE t END AS NUMERIC) AS n FROM UNNEST(['{text}']) AS t"
    assert emulator.rows(query) == [{"n": Decimal(number)}]


def test_a_load_job_keeps_its_id_and_labels(emulator, bigquery_dataset):
    client, asked = emulator.client(), {"dataset": "sales"}
    schema = [SchemaField("a", "INTEGER")]
    config = LoadJobConfig(schema=schema, labels=asked)
    target = f"{bigquery_dataset}.t"
    client.load_table_from_json([{"a": 1}], target, job_id="load-1", job_config=config).result(timeout=60)
    found = client.get_job("load-1", retry=once(), timeout=60)
    assert (found.state, found.labels) == ("DONE", asked)
    assert emulator.rows(f"SELECT * FROM {target}") == [{"a": 1}]


def test_a_query_job_keeps_its_labels(emulator):
    client, asked = emulator.client(), {"dataset": "sales"}
    config = QueryJobConfig(labels=asked)
    client.query("SELECT 1", job_id="query-1", job_config=config, job_retry=None).result(timeout=60)
    assert client.get_job("query-1", retry=once(), timeout=60).labels == asked


def test_table_metadata_has_the_creation_settings(emulator, bigquery_dataset):
    name = f"{bigquery_dataset}.t"
    emulator.rows(
        f"CREATE TABLE {name} (a INT64 OPTIONS(description='first')) "
        "CLUSTER BY a OPTIONS(description='whole', "
        "labels=[('x', 'y')], expiration_timestamp=TIMESTAMP '2100-01-01 00:00:00+00:00')"
    )
    emulator.rows(f"ALTER TABLE {name} ADD COLUMN b STRING OPTIONS(description='second')")
    table = emulator.client().get_table(name, retry=once(), timeout=60)
    assert (table.clustering_fields, table.labels, table.description) == (["a"], {"x": "y"}, "whole")
    assert table.expires == datetime(2100, 1, 1, tzinfo=UTC)
    assert {field.name: field.description for field in table.schema} == {"a": "first", "b": "second"}


def test_table_metadata_has_the_row_count_after_a_script(emulator, bigquery_dataset):
    name = f"{bigquery_dataset}.t"
    emulator.rows(f"CREATE TABLE {name} AS SELECT 1 AS a")
    before = emulator.client().get_table(name, retry=once(), timeout=60)
    found = emulator.rows(
        f"BEGIN TRANSACTION; DELETE FROM {name} WHERE TRUE; INSERT INTO {name} SELECT * FROM UNNEST([2, 3]);"
        f"COMMIT TRANSACTION; SELECT SUM(a) AS s FROM {name}"
    )
    after = emulator.client().get_table(name, retry=once(), timeout=60)
    assert (found, after.num_rows) == ([{"s": 5}], 2)
    assert after.modified > before.modified
    assert emulator.rows(f"SELECT a FROM {name} FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP() ORDER BY a") == [
        {"a": 2},
        {"a": 3},
    ]


def test_a_statement_reads_a_table_at_one_point_in_time(emulator, bigquery_dataset):
    name = f"{bigquery_dataset}.t"
    emulator.rows(f"CREATE TABLE {name} AS SELECT 1 AS a")
    (first,) = emulator.rows("SELECT FORMAT_TIMESTAMP('%FT%H:%M:%E6S+00:00', CURRENT_TIMESTAMP()) AS at")
    emulator.rows(f"INSERT INTO {name} SELECT 2")
    (second,) = emulator.rows("SELECT FORMAT_TIMESTAMP('%FT%H:%M:%E6S+00:00', CURRENT_TIMESTAMP()) AS at")
    then, later = (
        f"{name} FOR SYSTEM_TIME AS OF CAST('{each['at']}' AS TIMESTAMP)" for each in (first, second)
    )
    both = "SELECT a FROM {} UNION ALL SELECT a FROM {} ORDER BY a"
    assert emulator.rows(both.format(then, then)) == [{"a": 1}, {"a": 1}]
    for script in ("{}", "SELECT 1; {}", f"CREATE TABLE {name}2 AS {{}}"):
        for other in (name, later):
            with pytest.raises(BadRequest, match="more than one point in time"):
                emulator.rows(script.format(both.format(then, other)))
    emulator.rows(f"INSERT INTO {name} SELECT a FROM {then}")
    assert emulator.rows(f"SELECT SUM(a) AS s FROM {name}") == [{"s": 4}]


@pytest.mark.parametrize(
    "failing",
    [
        "ASSERT (SELECT COUNT(*) FROM {t}) = 5 AS 'superseded'",
        "IF (SELECT COUNT(*) FROM {t}) = 0 THEN RAISE USING MESSAGE = 'superseded'; END IF",
        "SELECT ERROR('superseded')",
    ],
)
def test_a_failing_statement_rolls_the_transaction_back(emulator, bigquery_dataset, failing):
    name = f"{bigquery_dataset}.t"
    emulator.rows(f"CREATE TABLE {name} AS SELECT 1 AS a")
    script = "BEGIN TRANSACTION; DELETE FROM {t} WHERE TRUE; " + failing + "; COMMIT TRANSACTION"
    with pytest.raises(BadRequest, match="superseded"):
        emulator.rows(script.format(t=name))
    assert emulator.rows(f"SELECT * FROM {name}") == [{"a": 1}]


def test_a_dry_run_changes_nothing(emulator, bigquery_dataset):
    name = f"{bigquery_dataset}.t"
    emulator.rows(f"CREATE TABLE {name} AS SELECT 1 AS a")
    script = f"BEGIN TRANSACTION; DELETE FROM {name} WHERE TRUE; COMMIT TRANSACTION"
    emulator.client().query(script, QueryJobConfig(dry_run=True), retry=once(), job_retry=None)
    assert emulator.rows(f"SELECT * FROM {name}") == [{"a": 1}]


def test_a_missing_environment_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "python")
    with pytest.raises(RuntimeError, match="run `make test`"), environment.start():
        pass


def test_a_server_that_does_not_start_shows_why(monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module of that name >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(environment, "PYTHON", broken)
    with pytest.raises(RuntimeError, match="no module of that name"), environment.start():
        pass


def test_names_keep_their_capitals(emulator, bigquery_dataset):
    one, two = f"{bigquery_dataset}.one", f"{bigquery_dataset}.two"
    emulator.rows(f"CREATE TABLE {one} (OrderID INT64, `Amount` NUMERIC)")
    emulator.rows(f"INSERT INTO {one} VALUES (1, 2.5)")
    query = f"WITH Own AS (SELECT orderID, Amount * 2 AS Twice, AVG(Amount) AS Mean FROM {one} GROUP BY 1, 2)"
    emulator.rows(
        f"CREATE TABLE {two} AS {query} SELECT o.OrderID, o.Twice, o.Mean AS meanAmount FROM Own AS o"
    )
    assert emulator.rows(f"SELECT * FROM {two}") == [
        {"OrderID": 1, "Twice": Decimal(5), "meanAmount": Decimal("2.5")}
    ]
    schema = emulator.client().get_table(two, retry=once(), timeout=60).schema
    assert [field.name for field in schema] == ["OrderID", "Twice", "meanAmount"]
