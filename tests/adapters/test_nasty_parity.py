"""Tests that BigQuery has equal rows after DuckDB read random files and transferred them."""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlglot import exp

from dataset_assets.adapters.bigquery.engine import BigQueryEngine
from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.errors import DatasetAssetsError
from tests.adapters import nasty_csv, nasty_files
from tests.adapters.test_nasty_csv import located
from tests.adapters.test_nasty_files import declared_query
from tests.bigquery.emulator import PROJECT
from tests.bigquery.proxy import StrictProxy

SETS = 150 if os.environ.get("DATASET_ASSETS_PROVE") else 3
"""Sets of each kind that are transferred."""


@pytest.fixture
def cloud(proxy: StrictProxy, bigquery_dataset: str) -> Iterator[BigQuerySession]:
    settings = BigQueryEngineSettings(
        type="bigquery", project=PROJECT, api_endpoint=proxy.rest, storage_endpoint=proxy.storage, patience=30
    )
    engine = BigQueryEngine(settings, settings.open_connection(), (PROJECT, bigquery_dataset))
    with engine.connect() as opened:
        yield opened


def transferred(query: exp.Query, columns, session, cloud: BigQuerySession) -> Counter:
    """Return the rows that BigQuery answers after the query's rows were loaded into it."""
    place = cloud.load_arrow("t", columns, session.batches(query), lambda *_: None)
    names = [exp.column(each.name, quoted=True) for each in columns]
    return Counter(tuple(row.values()) for row in cloud.rows(exp.select(*names).from_(place)))


def test_parquet_and_delta_sets_are_the_same_on_bigquery(tmp_path, session, cloud):
    read, seed = 0, 0
    while read < SETS:
        root = tmp_path / str(seed) / "root"
        root.mkdir(parents=True)
        found = nasty_files.make(seed, root)
        seed += 1
        if found.refused:
            continue
        rows = transferred(declared_query(found, session), found.columns, session, cloud)
        expected = Counter(tuple(row[each.name] for each in found.columns) for row in found.rows)
        assert rows == expected, f"seed {seed - 1}"
        read += 1


def test_csv_sets_are_the_same_on_bigquery(tmp_path, session, cloud):
    read, seed = 0, 0
    while read < SETS:
        found = nasty_csv.csv_set(random.Random(seed))
        seed += 1
        if found.refused or not any(found.files.values()):
            continue
        try:
            relation, columns = located(found, tmp_path / str(seed), session)
        except DatasetAssetsError as error:
            pytest.fail(f"seed {seed - 1}: {error}")
        query = exp.select("*").from_(relation.source.copy())
        assert transferred(query, columns, session, cloud) == Counter(found.rows), f"seed {seed - 1}"
        read += 1
