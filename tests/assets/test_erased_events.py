"""Cleaning a Dagster instance after an erasure: what holds values goes, and everything else works."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from sqlalchemy.exc import OperationalError

from dataset_assets.assets import erased_events
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.erased_events import IN_USE, UNREADABLE, clean_events
from dataset_assets.assets.erasure_events import write_erasure
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import PublishError
from dataset_assets.lifecycle.erase import CleanedElsewhere
from dataset_assets.lifecycle.erasure_report import Certificate, ErasedDataset
from tests.assets.catalogs import NOW
from tests.assets.retailer import Retailer
from tests.assets.test_project_outputs import OUTPUT, declare
from tests.publishing.byte_search import files_with

PERSON = "Zoë QQ2375"
STORED = "monthly", "campaign__o"
MONTHS = dg.MonthlyPartitionsDefinition(start_date="2024-01-01")
OURS = (dataset_key("monthly"), dg.AssetKey(["projects", "campaign", "o"]))
OTHER = dg.AssetKey(["other", "team"])
TAGS = {"team": "1", "image": "repo/python:3.12", "person": PERSON}
FACTS = {"dagster/row_count": 10, "rows_added": 1, "share_train": 0.5, "digest": "d0", "table_version": "1"}
VALUES = {
    "sql": dg.MetadataValue.md(f"WHERE user_id = '{PERSON}'"),
    "column_statistics": dg.MetadataValue.table([dg.TableRecord({"min": PERSON})]),
    "snapshot": {"min": PERSON},
    "operation": {"where": f"user_id = '{PERSON}'"},
    "revenue_mean": 2375.5,
    "first_day": "2024-01-01",
    "note of a colleague": PERSON,
}


@pytest.fixture
def catalog(retailer: Retailer) -> Catalog:
    """A dataset and its output."""
    root = retailer.root / "definitions"
    declare(root, "monthly", OUTPUT)
    return load_catalog(root)


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """An instance in files with runs of our assets, one that failed, and runs of another team."""
    assert home
    with dg.DagsterInstance.get() as found:
        for key in (*OURS, OTHER):
            for fails in (False, True):
                dg.materialize(
                    [made(key, fails=fails)],
                    instance=found,
                    partition_key="2024-01-01",
                    tags=TAGS,
                    raise_on_error=False,
                )
            get_and_update_asset_status_cache_value(found, key, partitions_def=MONTHS)
            found.report_runless_asset_event(
                dg.AssetCheckEvaluation(key, "unique", passed=False, metadata=VALUES, description=PERSON)
            )
        yield found


def made(key: dg.AssetKey, *, fails: bool) -> dg.AssetsDefinition:
    """Return an asset whose runs leave the person in every event that a run can write."""

    @dg.multi_asset(
        name="__".join(key.path),
        specs=[dg.AssetSpec(key, partitions_def=MONTHS)],
        check_specs=[dg.AssetCheckSpec("unique", asset=key)],
        partitions_def=MONTHS,
    )
    def compute(context: dg.AssetExecutionContext) -> Iterator[object]:
        context.log.warning("%s has two rows", PERSON)
        text = f"such as user_id {PERSON} (2 times)"
        yield dg.AssetCheckResult(
            asset_key=key, check_name="unique", passed=False, metadata={"sample": [PERSON]}, description=text
        )
        if fails:
            raise dg.Failure(text, metadata={"sample": PERSON}, allow_retries=False)
        yield dg.MaterializeResult(metadata=FACTS | VALUES)

    return compute


def cleaned(catalog: Catalog) -> CleanedElsewhere:
    return clean_events(STORED, catalog, None)


def bodies(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return the events of a run as they are stored."""
    assert isinstance(instance.event_log_storage, SqlEventLogStorage)
    table = SqlEventLogStorageTable
    with instance.event_log_storage.run_connection(run_id) as connection:
        query = db.select(table.c.event).where(table.c.run_id == run_id)
        return [row[0] for row in connection.execute(query)]


def test_cleaning_does_not_harm_the_instance(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    instance.create_tick(
        TickData("o", "s", InstigatorType.SCHEDULE, TickStatus.SKIPPED, 1.0, skip_reason="1")
    )
    stored = [rows(instance, name) for name in ("runs.db", "schedules.db")]
    before = {run.run_id: run for run in instance.get_runs()}
    others = [run_id for run_id, run in before.items() if is_of_others(instance, run_id)]
    theirs = {run_id: bodies(instance, run_id) for run_id in others}
    assert len(others) == 2
    done = cleaned(catalog)
    assert len(done.cleaned) == 1
    assert {run.run_id: run for run in instance.get_runs()} == before
    assert [rows(instance, name) for name in ("runs.db", "schedules.db")] == stored
    assert {run_id: bodies(instance, run_id) for run_id in others} == theirs
    for key in (*OURS, OTHER):
        assert instance.get_materialized_partitions(key) == {"2024-01-01"}
        status = get_and_update_asset_status_cache_value(instance, key, partitions_def=MONTHS)
        assert status
        subset = status.deserialize_materialized_partition_subsets(MONTHS)
        assert set(subset.get_partition_keys()) == {"2024-01-01"}
    assert all(instance.all_logs(run_id) for run_id in before), "every event can be read"


def rows(instance: dg.DagsterInstance, name: str) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that a SQLite file of the instance stores, by table."""
    [path] = Path(instance.root_directory).rglob(name)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for (table,) in tables}


def is_of_others(instance: dg.DagsterInstance, run_id: str) -> bool:
    return any("other__team" in body for body in bodies(instance, run_id))


def test_no_byte_of_a_value_is_left_in_events_of_datasets_and_outputs(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    ours = [run.run_id for run in instance.get_runs() if not is_of_others(instance, run.run_id)]
    assert len(ours) == 4
    assert all(any(has_person(body) for body in bodies(instance, run_id)) for run_id in ours)
    cleaned(catalog)
    assert not [run_id for run_id in ours if any(has_person(body) for body in bodies(instance, run_id))]
    for key in OURS:
        [event] = instance.fetch_materializations(key, limit=1).records
        assert event.asset_materialization
        kept = event.asset_materialization.metadata
        assert {name: each.value for name, each in kept.items()} == FACTS
    assert isinstance(instance.event_log_storage, SqlEventLogStorage)
    with instance.event_log_storage.index_connection() as connection:
        index = [str(row) for row in connection.execute(db.select(SqlEventLogStorageTable))]
    assert not [row for row in index if has_person(row) and "team" not in row]
    root = Path(instance.root_directory)
    left = [path for path in files_with(root, "QQ2375") if any(run_id in path for run_id in ours)]
    assert not left, "neither events nor captured logs"


def has_person(text: str) -> bool:
    return "QQ2375" in text or "2375.5" in text


def test_an_event_that_could_not_be_read_again_is_left_and_named(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    [event] = instance.fetch_materializations(OURS[0], limit=1).records
    assert isinstance(instance.event_log_storage, SqlEventLogStorage)
    table, broken = SqlEventLogStorageTable, '{"__class__": "EventLogEntry", "user_message": "' + PERSON
    with instance.event_log_storage.index_connection() as connection:
        connection.execute(table.update().where(table.c.id == event.storage_id).values(event=broken))
    done = cleaned(catalog)
    [named] = [each for each in done.beyond_reach if each.startswith(UNREADABLE)]
    assert f"event_logs {event.storage_id}" in named
    assert PERSON not in named


def test_events_of_an_output_whose_project_is_gone_are_cleaned(
    retailer: Retailer, instance: dg.DagsterInstance
) -> None:
    clean_events(("campaign__o",), load_catalog(retailer.root / "definitions"), None)
    [event] = instance.fetch_materializations(OURS[1], limit=1).records
    assert event.asset_materialization
    assert set(event.asset_materialization.metadata) == set(FACTS)


def test_files_that_another_process_reads_are_named(
    catalog: Catalog, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erased_events, "_COMPACT_SECONDS", 0.0)
    [path] = Path(instance.root_directory).rglob("index.db")
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM event_logs").fetchone()
        [named] = [each for each in cleaned(catalog).beyond_reach if each.startswith(IN_USE)]
        assert "index.db" in named
    assert not [each for each in cleaned(catalog).beyond_reach if each.startswith(IN_USE)]


def test_a_locked_database_is_a_sentence(
    catalog: Catalog, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert instance

    def locked(*_: object) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(erased_events, "_batches", locked)
    with pytest.raises(PublishError, match="could not be cleaned: database is locked; run the same `erase`"):
        cleaned(catalog)


def test_an_output_is_observed_under_its_own_key(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    erased = ErasedDataset(dataset="campaign__o", output_of="monthly", rows=3)
    write_erasure(catalog, Certificate(id="e", begun_at=NOW, datasets=(erased,)))
    [observed] = instance.fetch_observations(OURS[1], limit=1).records
    assert observed.asset_observation
    assert observed.asset_observation.metadata["rows"].value == 3
    assert not instance.fetch_observations(dataset_key("campaign__o"), limit=1).records
