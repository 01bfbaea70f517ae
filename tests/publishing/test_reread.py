"""Sources are read again on request, and a source that changes during a run is refused on every engine."""

import shutil
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable, write_deltalake

from dataset_assets.errors import ChangedError
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from tests.publishing.shop import Shop


def publish(shop: Shop, at: str = "", change: Any = None, **asked: Any) -> tuple[Materialization, list[str]]:
    """Publish February; `change` is called at the begin of the step whose sentence begins with `at`."""
    told: list[str] = []

    def progress(sentence: str) -> None:
        told.append(sentence)
        if at and sentence.startswith(at):
            change()

    catalog = shop.catalog
    period = catalog.calendars.cadence("month").parse("2024-02")
    request = Request(catalog.entry("sales"), str(uuid.uuid4()), shop.now, period, **asked)
    return materialize(catalog, shop.target, request, progress), told


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_rereading_reads_sources_with_unchanged_metadata(shop: Shop) -> None:
    publish(shop)
    _, told = publish(shop)
    assert not [sentence for sentence in told if sentence.startswith(("comparing", "running"))]
    done, told = publish(shop, reread=True)
    assert [sentence for sentence in told if sentence.startswith("comparing")]
    assert not done.counts.has_changes, "it is confirmed, not published anew"


@pytest.mark.parametrize("at", ["checking that lookups", "running", "checking the rows"])
def test_a_source_that_changed_while_it_was_read_is_refused(shop: Shop, at: str) -> None:
    publish(shop)
    before = shop.rows()
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line % 2 = 0")
    with pytest.raises(ChangedError) as failure:
        publish(shop, at, lambda: shop.rewrite_sales("SELECT * FROM {sales} WHERE line % 3 = 0"))
    assert [str(fault) for fault in failure.value.faults] == ["sales changed while it was read; run again"]
    assert failure.value.transient
    assert shop.rows() == before
    assert not shop.store.leftovers()
    assert {row["line"] % 3 for row in _published(shop)} == {0}


def _published(shop: Shop) -> list[dict[str, int]]:
    publish(shop)
    return shop.rows()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_copy_of_the_folder_is_read_once_and_confirmed(shop: Shop, tmp_path: Path) -> None:
    first, _ = publish(shop)
    shutil.copytree(shop.root / "data", tmp_path / "copy")
    shutil.rmtree(shop.root / "data")
    shutil.copytree(tmp_path / "copy", shop.root / "data")
    done, told = publish(shop)
    assert [sentence for sentence in told if sentence.startswith("comparing")]
    assert done.table_version == first.table_version
    _, told = publish(shop)
    assert not [sentence for sentence in told if sentence.startswith("comparing")]


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_snapshot_of_delta_is_read_to_its_end_unless_its_files_go(shop: Shop) -> None:
    table = str(shop.root / "delta" / "sales")
    target = (shop.root / "target.yaml").read_text()
    (shop.root / "target.yaml").write_text(
        target.replace("type: parquet, root: ./data", "type: delta, root: ./delta")
    )
    rows = f"SELECT * FROM '{shop.root}/data/sales.parquet'"
    write_deltalake(table, duckdb.sql(rows).to_arrow_table())
    items = duckdb.sql(f"SELECT * FROM '{shop.root}/data/items.parquet'").to_arrow_table()
    write_deltalake(str(shop.root / "delta" / "items"), items)

    def next_version() -> None:
        write_deltalake(table, duckdb.sql(f"{rows} WHERE line % 2 = 0").to_arrow_table(), mode="overwrite")

    done, _ = publish(shop, "running", next_version)
    assert done.counts.rows == len(shop.rows()) > 1000, "the version before is read to its end"

    def vacuumed() -> None:
        next_version()
        DeltaTable(table).vacuum(0, dry_run=False, enforce_retention_duration=False)

    before = shop.rows()
    with pytest.raises(ChangedError, match="sales changed while it was read; run again"):
        publish(shop, "running", vacuumed)
    assert shop.rows() == before
