"""The BigQuery of the tests answers as the real one where the emulator alone does not (server.py)."""

from decimal import Decimal

import pytest
from google.cloud.bigquery import LoadJobConfig, QueryJobConfig, SchemaField

from tests.bigquery import emulator as environment
from tests.bigquery.emulator import once


def test_numeric_keeps_38_digits(emulator):
    wide = "12345678901234567890123456789.123456789"
    assert emulator.rows(f"SELECT CAST('{wide}' AS NUMERIC) AS n") == [{"n": Decimal(wide)}]


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


def test_without_its_environment_it_says_what_to_run(monkeypatch, tmp_path):
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
