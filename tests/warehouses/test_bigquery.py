"""Published BigQuery tables: descriptions, expiration, refused changes and shared versions."""

from collections.abc import Generator

import pytest
from google.cloud import bigquery

from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import PublishError, UnsupportedError
from dataset_assets.ports.warehouse import PublishedColumn
from tests.bigquery.emulator import PROJECT, Emulator
from tests.warehouses.warehouse_fixtures import (
    LOCATIONS,
    ONE,
    TWO,
    A,
    B,
    BigQueryLocation,
    DeltaLocation,
    OpenWarehouse,
)


@pytest.fixture
def location(request: pytest.FixtureRequest) -> BigQueryLocation:
    found = LOCATIONS["bigquery"](request)
    assert isinstance(found, BigQueryLocation)
    return found


@pytest.fixture
def opened(location: BigQueryLocation) -> Generator[OpenWarehouse]:
    with location.open() as found:
        yield found


@pytest.fixture
def client(location: BigQueryLocation) -> bigquery.Client:
    return Emulator(location.rest, location.storage).client()


def test_descriptions_come_from_the_contract(opened, location, client):
    opened.publish(ONE, "2026-01", (A,), {"definition": {"description": "All sales"}})
    table = client.get_table(f"{PROJECT}.{location.dataset}.sales")
    described = {field.name: field.description for field in table.schema}
    assert table.description == "All sales"
    assert described["a"] == "first"
    assert "BR-013" in described["_row_id"]
    assert table.clustering_fields == ["_period"]
    told_anew = (PublishedColumn("a", ColumnType.INTEGER, True, "another"), B)
    opened.publish("SELECT 1::BIGINT AS a, 'x' AS b", "2026-02", told_anew)
    table = client.get_table(f"{PROJECT}.{location.dataset}.sales")
    assert table.description is None
    assert {field.name: field.description for field in table.schema}["a"] == "another"
    assert table.clustering_fields == ["_period"]


def test_staged_rows_expire(opened, client):
    staged = opened.stage(opened.claim())
    place = staged.relation.source
    table = client.get_table(f"{place.catalog}.{place.db}.{place.name}")
    assert 23 <= (table.expires - table.created).total_seconds() / 3600 <= 24.1


def test_a_changed_type_needs_another_table(opened, location):
    """Rows can be replaced, but column types cannot, because earlier versions are still read."""
    opened.publish(ONE, None)
    text = PublishedColumn("a", ColumnType.STRING, True)
    with pytest.raises(PublishError, match=f"'a' is now STRING, but INT64 in the table .*{location.dataset}"):
        opened.publish("SELECT 'x' AS a", None, (text,))
    assert opened.values(None) == [1]


def test_a_foreign_table_is_not_written_to(opened, location, client):
    place = f"{PROJECT}.{location.dataset}.sales"
    client.create_table(bigquery.Table(place, schema=[bigquery.SchemaField("a", "INT64")]))
    with pytest.raises(PublishError, match="is there, and is not a published dataset"):
        opened.publish(ONE)
    assert [field.name for field in client.get_table(place).schema] == ["a"]


def test_another_engine_does_not_publish_here(opened, tmp_path):
    with DeltaLocation(tmp_path).open() as other, pytest.raises(UnsupportedError, match="only the BigQuery"):
        opened.warehouse.claim("sales", None, "r", other.session)


def test_two_periods_confirmed_at_once_share_a_version(opened, location, client):
    """Neither statement sees the other, nor an open transaction."""
    book = f"`{PROJECT}.{location.dataset}._publications`"

    def stands(period: str, told: int, version: int) -> None:
        claim, before = opened.claim(period), opened.warehouse.current("sales", period, opened.session)
        opened.warehouse.confirm_unchanged(claim, before, {**before.record, "n": told}, opened.session)
        there = f"period = '{period}' AND version > {version}"
        client.query(f"UPDATE {book} SET version = {version} WHERE {there}").result()

    opened.publish(ONE, "2026-01", (A,), {"n": 1})
    opened.publish(ONE, "2026-02", (A,), {"n": 2})
    stands("2026-01", 3, 1)
    stands("2026-01", 4, 2)
    found = opened.warehouse.records("sales", opened.session)
    assert {period: record["n"] for period, record in found.items()} == {"2026-01": 4, "2026-02": 2}
    opened.publish(TWO, "2026-02")
    stands("2026-01", 5, 4)
    client.query(
        f"UPDATE {book} SET published_at = TIMESTAMP_SUB(published_at, INTERVAL 1 HOUR) WHERE version = 4"
    ).result()
    assert opened.values("2026-02", 3) == [10, 11], "the next version of another Period was there before it"
    assert opened.values("2026-02", 2) == [1]
