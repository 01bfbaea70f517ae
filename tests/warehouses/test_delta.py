"""Published Delta tables: interrupted publications, schema changes, history and other readers."""

from collections.abc import Generator

import pytest
from deltalake import DeltaTable

from dataset_assets.adapters.delta import warehouse as delta_warehouse
from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import Fault, PublishError, SupersededError
from dataset_assets.ports.warehouse import PublishedColumn
from tests.warehouses.warehouse_fixtures import ONE, TWO, A, B, DeltaLocation, OpenWarehouse


@pytest.fixture
def opened(tmp_path) -> Generator[OpenWarehouse]:
    with DeltaLocation(tmp_path / "warehouse").open() as found:
        yield found


@pytest.fixture
def warehouse(opened: OpenWarehouse) -> DeltaWarehouse:
    assert isinstance(opened.warehouse, DeltaWarehouse)
    return opened.warehouse


def test_types_are_named_as_duckdb_names_them(opened):
    opened.publish("SELECT 1::BIGINT AS a, NULL::VARCHAR AS b", "2026-01", (A, B))
    types = {c.name: c.native for c in opened.current().columns}
    assert types["_created_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["_labels"] == 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'


def test_staged_rows_report_columns_with_nulls(opened, warehouse):
    claim = opened.claim()
    staged = opened.stage(claim, "SELECT 1::BIGINT AS a, NULL::INT AS n")
    known = {c.name: c.has_nulls for c in staged.relation.columns}
    assert (known["a"], known["n"], known["_period"]) == (False, True, False)
    assert staged.size_bytes() > 0
    warehouse.discard(claim, staged, opened.session)
    assert not list(warehouse.root.rglob("*.parquet"))


def test_uncommitted_rows_are_removed_by_the_next_claim(opened, warehouse, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    opened.publish(ONE)
    claim = opened.claim()
    staged = opened.stage(claim, TWO)
    with monkeypatch.context() as patched:
        patched.setattr(delta_warehouse, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            opened.finish(claim, staged)
    assert opened.values() == [1]
    opened.claim()
    assert len(list(warehouse.root.rglob("*.parquet"))) == 1
    assert len(list(warehouse.root.rglob("*-*.json"))) == 1 + len(["_claims/2026-01.json"])
    assert opened.values() == [1]


def test_a_publication_that_failed_half_way_can_be_tried_again(opened, monkeypatch):
    def failing(*_):
        raise PublishError(Fault("no"))

    claim = opened.claim()
    staged = opened.stage(claim, TWO)
    with monkeypatch.context() as patched:
        patched.setattr(delta_warehouse, "commit", failing)
        with pytest.raises(PublishError):
            opened.finish(claim, staged)
    opened.finish(claim, staged)
    assert opened.values() == [10, 11]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a b", "x\n"])
def test_names_cannot_be_paths(opened, warehouse, name):
    for dataset, period in ((name, None), ("sales", name)):
        with pytest.raises(PublishError, match="cannot name a folder"):
            warehouse.claim(dataset, period, "r", opened.session)


def test_replacing_all_rows_changes_the_schema(opened):
    text = PublishedColumn("a", ColumnType.STRING, True)
    opened.publish("SELECT 1::BIGINT AS a, 'x' AS b", "2026-01", (A, B))
    opened.publish("SELECT 'x' AS a", "2026-01", (text,))
    assert opened.values() == ["x"]
    assert "b" not in [c.name for c in opened.current().columns]
    assert opened.values("2026-01", 0) == [1]


def test_history_names_period_and_run(opened, warehouse):
    assert warehouse.history("sales") == []
    opened.publish(ONE, "2026-01", (A,), {"version": 4}, run="one")
    opened.publish(ONE, "2026-02", run="two")
    newest, oldest = warehouse.history("sales")
    assert (newest["version"], newest["period"], newest["run_id"]) == (1, "2026-02", "two")
    assert (oldest["version"], oldest["dataset_version"]) == (0, "4")


@pytest.mark.parametrize("periods", [("2026-01", "2026-02"), (None,)])
def test_other_readers_see_a_plain_delta_table(opened, warehouse, periods):
    for rows in (ONE, TWO):
        for period in periods:
            opened.publish(rows, period)
    table = DeltaTable(warehouse.root / "sales")
    rows = table.to_pyarrow_dataset().to_table().to_pylist()
    expected = (
        sorted((a, period) for period in periods for a in (10, 11))
        if periods[0]
        else [(10, None), (11, None)]
    )
    assert sorted((row["a"], row["_period"]) for row in rows) == expected
    assert rows[0]["_labels"] == [{"key": "k", "value": "v"}]
    assert sorted(table.to_pandas()["a"]) == sorted([10, 11] * len(periods))
    live = {uri.rpartition("sales/")[2] for uri in table.file_uris()}
    listed = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=True, full=True)
    assert not live & set(listed)
    assert not [path for path in listed if path.startswith(("_records", "_claims"))]
    assert table.vacuum(dry_run=True) == []
    field = next(field for field in table.schema().fields if field.name == "a")
    assert field.metadata == {"comment": "first"}


def test_a_stage_whose_file_a_later_claim_removed_is_superseded(opened, monkeypatch):
    claim = opened.claim()
    write = opened.session.write_parquet

    def overtaken(query, path):
        written = write(query, path)
        opened.claim(run="newer")
        return written

    monkeypatch.setattr(opened.session, "write_parquet", overtaken)
    with pytest.raises(SupersededError, match="'newer' took over"):
        opened.stage(claim)
