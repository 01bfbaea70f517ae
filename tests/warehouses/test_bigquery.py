"""Published BigQuery tables: descriptions, expiration, refused changes and shared versions."""

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import bigquery

from dataset_assets.adapters.bigquery.keeper import BigQueryKeeper
from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import PublishError, ResolveError, UnsupportedError
from dataset_assets.ports.retention import RetentionRequest
from dataset_assets.ports.uses import PinRequest
from dataset_assets.ports.warehouse import PublishedColumn
from tests.bigquery.emulator import PROJECT, Emulator
from tests.warehouses.test_retention import NOW, pin, publish, unpin
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


def test_a_publication_that_replaces_one_asks_for_nothing_that_is_known(opened, proxy):
    """The ledger exists, and the Period was checked against the others when it was published first."""
    version = opened.publish(ONE)
    proxy.requests.clear()
    opened.publish(TWO, "2026-01", (A,), {"replaces": version})
    assert [each.labels["step"] for each in proxy.requests if each.place == "insert"] == [
        "claim",
        "stage",
        "publish",
    ]
    assert [each.path for each in proxy.requests if "/_publications" in each.path] == []


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


def snapshots(client: bigquery.Client, location: BigQueryLocation) -> dict[str, str]:
    """Return name and kind of the tables that hold pinned rows."""
    tables = client.list_tables(f"{PROJECT}.{location.dataset}")
    return {each.table_id: each.table_type for each in tables if each.table_id.startswith("_pinned_")}


def age_publications(client: bigquery.Client, location: BigQueryLocation, days: int) -> None:
    ledger = f"`{PROJECT}.{location.dataset}._publications`"
    aged = f"published_at = TIMESTAMP_SUB(published_at, INTERVAL {24 * days} HOUR)"
    client.query(f"UPDATE {ledger} SET {aged} WHERE TRUE").result()


def test_a_pinned_publication_outlives_time_travel_in_a_snapshot(opened, location, client):
    """The instants of the ledger are moved into the past, because nobody waits a week."""
    for n in range(3):
        publish(opened, [n])
    pin(opened, 1)
    assert list(snapshots(client, location).values()) == ["SNAPSHOT"]
    age_publications(client, location, days=8)
    assert opened.values("2026-01", 1) == [1]
    assert opened.values("2026-01") == [2]
    with pytest.raises(ResolveError, match=r"version 0 of 'sales' are gone since .* pin"):
        opened.values("2026-01", 0)
    with pytest.raises(ResolveError, match="version 0 of 'sales' are gone since"):
        pin(opened, 0)
    gone, kept = (
        opened.warehouse.recorded("sales", ["2026-01"], version, opened.session)[0] for version in (0, 1)
    )
    assert (gone.record["n"], kept.record["n"], kept.expired_at) == (0, 1, None)
    assert gone.expired_at is not None
    unpin(opened, 1)
    assert snapshots(client, location) == {}
    with pytest.raises(ResolveError, match="version 1 of 'sales' are gone since"):
        opened.values("2026-01", 1)


def test_rows_replaced_a_day_ago_are_read_without_looking_at_the_dataset(opened, location, client):
    publish(opened, [0, 1])
    (row,) = opened.warehouse.recorded("sales", ["2026-01"], 0, opened.session)
    assert row.expired_at is None
    age_publications(client, location, days=3)
    (row,) = opened.warehouse.recorded("sales", ["2026-01"], 0, opened.session)
    assert row.expired_at is None, "a dataset's time travel is a week by default"


def test_all_periods_of_one_read_share_a_snapshot(opened, location, client):
    for month in ("2026-01", "2026-02", "2026-03"):
        publish(opened, [int(month[-1])], month)
    publish(opened, [9], "2026-01")
    months = ["2026-01", "2026-02", "2026-03"]
    warehouse, session = opened.warehouse, opened.session
    warehouse.pin("sales", months, 2, PinRequest("run 1", NOW), session)
    assert len(snapshots(client, location)) == 1
    publish(opened, [8], "2026-02")
    assert [opened.values(month, 2) for month in months] == [[1], [2], [3]]
    later = PinRequest("run 2", NOW + timedelta(seconds=1))
    pins = warehouse.pin("sales", months, 4, later, session)
    assert [each.table_version for each in pins] == [3, 4, 2]
    assert len(snapshots(client, location)) == 2, "the third is pinned already"
    warehouse.unpin("sales", ["2026-01", "2026-02"], 2, later, session)
    assert len(snapshots(client, location)) == 2, "the first still holds the third Period"
    warehouse.unpin("sales", ["2026-03"], None, later, session)
    assert len(snapshots(client, location)) == 1


def test_a_snapshot_whose_pin_was_never_written_goes_when_it_is_old(opened, location, client, monkeypatch):
    publish(opened, [0, 1])
    pin(opened, 0)
    kept = set(snapshots(client, location))
    with monkeypatch.context() as patched:
        patched.setattr(BigQueryKeeper, "_insert", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            pin(opened, 1)
    assert len(snapshots(client, location)) == 2
    warehouse, session = opened.warehouse, opened.session
    now = datetime.now(UTC)
    assert warehouse.expire("sales", RetentionRequest(now), session).is_empty
    tomorrow = RetentionRequest(now + timedelta(hours=25))
    (planned,) = warehouse.expire("sales", replace(tomorrow, dry_run=True), session).snapshots
    assert len(snapshots(client, location)) == 2
    assert warehouse.expire("sales", tomorrow, session).snapshots == (planned,)
    assert set(snapshots(client, location)) == kept
    assert opened.values("2026-01", 0) == [0]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
