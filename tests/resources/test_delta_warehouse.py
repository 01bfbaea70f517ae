"""Publications on disk: promises 1 and 2, time travel, schema changes, other readers."""

import pytest
from deltalake import DeltaTable

from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import Fault, PublishError, ResolveError, SupersededError
from dataset_assets.ports import PhysicalType, PublishedColumn
from dataset_assets.rows.columns import SYSTEM_COLUMNS
from resources import delta_warehouse
from tests.resources.conftest import A, B, publish, published, rows_of, values

ONE = "SELECT 1::BIGINT AS a"
TWO = "SELECT range::BIGINT AS a FROM range(10, 12)"


def test_nothing_is_published_yet(warehouse, session):
    assert warehouse.current("sales", None, session) is None
    assert warehouse.latest("sales", session) is None
    assert warehouse.periods("sales", session) == []
    assert warehouse.history("sales") == []


def test_a_period_is_replaced_and_the_others_stay(warehouse, session):
    assert publish(warehouse, session, ONE, "2026-01") == 0
    assert publish(warehouse, session, ONE, "2026-02") == 1
    before = warehouse.current("sales", "2026-02", session).relation.version
    assert publish(warehouse, session, TWO, "2026-01") == 2
    assert values(warehouse, session, "2026-01") == [10, 11]
    assert values(warehouse, session, "2026-02") == [1]
    assert values(warehouse, session, "2026-03") is None
    assert warehouse.current("sales", "2026-02", session).relation.version == before
    assert warehouse.periods("sales", session) == ["2026-01", "2026-02"]


def test_an_unpartitioned_table_is_replaced_whole(warehouse, session):
    publish(warehouse, session, ONE, None)
    publish(warehouse, session, TWO, None)
    assert values(warehouse, session, None) == [10, 11]
    rows = rows_of(session, warehouse.current("sales", None, session).relation)
    assert [row["_period"] for row in rows] == [None, None]
    assert warehouse.periods("sales", session) == [None]


def test_every_version_can_be_read_back_with_its_record(warehouse, session):
    for number in range(3):
        publish(warehouse, session, f"SELECT {number}::BIGINT AS a", "2026-01", record={"n": number})
    for number in range(3):
        found = warehouse.current("sales", "2026-01", session, number)
        assert (found.version, found.record) == (number, {"n": number})
        assert [row["a"] for row in rows_of(session, found.relation)] == [number]
    with pytest.raises(ResolveError, match=r"no version 7.*0 to 2"):
        warehouse.current("sales", "2026-01", session, 7)


def test_what_a_publication_looks_like(warehouse, session):
    publish(warehouse, session, "SELECT 1::BIGINT AS a, NULL::VARCHAR AS b", "2026-01", (A, B))
    relation = warehouse.current("sales", "2026-01", session).relation
    assert [c.name for c in relation.columns] == ["a", "b", *(c.name for c in SYSTEM_COLUMNS)]
    types = {c.name: (c.type, c.native) for c in relation.columns}
    assert types["_created_at"] == (PhysicalType.TIMESTAMP, "TIMESTAMP WITH TIME ZONE")
    assert types["_labels"][1] == 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'
    assert relation.row_count == 1
    assert rows_of(session, relation)[0]["_period"] == "2026-01"


def test_staged_rows_are_seen_by_nobody_but_the_stager(warehouse, session):
    claim = warehouse.claim("sales", "2026-01", "r", session)
    staged = warehouse.stage(claim, published("SELECT 1::BIGINT AS a, NULL::INT AS n", "2026-01"), session)
    assert warehouse.current("sales", "2026-01", session) is None
    assert rows_of(session, staged.relation)[0]["_period"] == "2026-01"
    known = {c.name: c.has_nulls for c in staged.relation.columns}
    assert (known["a"], known["n"], known["_period"]) == (False, True, False)
    assert staged.relation.row_count == 1
    assert staged.size_bytes() > 0
    warehouse.discard(claim, staged, session)
    assert not list(warehouse.root.rglob("*.parquet"))


def test_zero_rows_are_a_publication(warehouse, session):
    publish(warehouse, session, f"{ONE} WHERE FALSE", "2026-01")
    assert values(warehouse, session, "2026-01") == []


def test_a_stale_claim_cannot_publish(warehouse, session):
    orphan = warehouse.claim("sales", "2026-01", "killed", session)
    staged = warehouse.stage(orphan, published(ONE, "2026-01"), session)
    publish(warehouse, session, TWO, "2026-01", run="newer")
    with pytest.raises(SupersededError, match="'newer' took over 'sales' for 2026-01; run 'killed'"):
        warehouse.publish(orphan, staged, (A,), {}, session)
    assert values(warehouse, session, "2026-01") == [10, 11]


def test_a_claim_of_another_period_takes_nothing_over(warehouse, session):
    claim = warehouse.claim("sales", "2026-01", "r", session)
    staged = warehouse.stage(claim, published(ONE, "2026-01"), session)
    publish(warehouse, session, TWO, "2026-02", run="r")
    warehouse.publish(claim, staged, (A,), {}, session)
    assert values(warehouse, session, "2026-01") == [1]
    assert values(warehouse, session, "2026-02") == [10, 11]


def test_the_same_claim_publishes_once(warehouse, session):
    claim = warehouse.claim("sales", "2026-01", "r", session)
    staged = warehouse.stage(claim, published(ONE, "2026-01"), session)
    first = warehouse.publish(claim, staged, (A,), {}, session)
    publish(warehouse, session, TWO, "2026-02")
    assert warehouse.publish(claim, staged, (A,), {}, session) == first
    assert len(warehouse.history("sales")) == 2


def test_a_claim_removes_what_killed_runs_left(warehouse, session):
    publish(warehouse, session, ONE, "2026-01")
    left = warehouse.claim("sales", "2026-01", "killed", session)
    warehouse.stage(left, published(TWO, "2026-01"), session)
    warehouse.claim("sales", "2026-01", "next", session)
    assert len(list(warehouse.root.rglob("*.parquet"))) == 1
    assert values(warehouse, session, "2026-01") == [1]


def test_rows_that_were_in_place_but_not_committed(warehouse, session, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    publish(warehouse, session, ONE, "2026-01")
    claim = warehouse.claim("sales", "2026-01", "killed", session)
    staged = warehouse.stage(claim, published(TWO, "2026-01"), session)
    with monkeypatch.context() as patched:
        patched.setattr(delta_warehouse, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            warehouse.publish(claim, staged, (A,), {}, session)
    assert values(warehouse, session, "2026-01") == [1]
    warehouse.claim("sales", "2026-01", "next", session)
    assert len(list(warehouse.root.rglob("*.parquet"))) == 1
    assert len(list(warehouse.root.rglob("*-*.json"))) == 1 + len(["_claims/2026-01.json"])
    assert values(warehouse, session, "2026-01") == [1]


def test_a_publication_that_failed_half_way_can_be_tried_again(warehouse, session, monkeypatch):
    def failing(*_):
        raise PublishError(Fault("no"))

    claim = warehouse.claim("sales", "2026-01", "r", session)
    staged = warehouse.stage(claim, published(TWO, "2026-01"), session)
    with monkeypatch.context() as patched:
        patched.setattr(delta_warehouse, "_commit", failing)
        with pytest.raises(PublishError):
            warehouse.publish(claim, staged, (A,), {}, session)
    warehouse.publish(claim, staged, (A,), {}, session)
    assert values(warehouse, session, "2026-01") == [10, 11]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a b", "x\n"])
def test_names_cannot_be_paths(warehouse, name, session):
    with pytest.raises(PublishError, match="cannot name a folder"):
        warehouse.claim(name, None, "r", session)
    with pytest.raises(PublishError, match="cannot name a folder"):
        warehouse.claim("sales", name, "r", session)


def test_new_and_gone_columns(warehouse, session):
    publish(warehouse, session, ONE, "2026-01")
    publish(warehouse, session, "SELECT 'x' AS b", "2026-02", (B,))
    assert values(warehouse, session, "2026-02", name="a") == [None]
    assert values(warehouse, session, "2026-01", name="b") == [None]
    assert values(warehouse, session, "2026-01") == [1]


def test_a_changed_type_is_refused_while_other_periods_hold_the_old(warehouse, session):
    text = PublishedColumn("a", ColumnType.STRING, True)
    publish(warehouse, session, ONE, "2026-01")
    publish(warehouse, session, ONE, "2026-02")
    with pytest.raises(PublishError, match="'a' is now VARCHAR, but BIGINT in the published Periods 2026-01"):
        publish(warehouse, session, "SELECT 'x' AS a", "2026-02", (text,))
    assert values(warehouse, session, "2026-02") == [1]


def test_replacing_all_rows_changes_the_schema(warehouse, session):
    text = PublishedColumn("a", ColumnType.STRING, True)
    publish(warehouse, session, "SELECT 1::BIGINT AS a, 'x' AS b", "2026-01", (A, B))
    publish(warehouse, session, "SELECT 'x' AS a", "2026-01", (text,))
    assert values(warehouse, session, "2026-01") == ["x"]
    names = [c.name for c in warehouse.current("sales", "2026-01", session).relation.columns]
    assert "b" not in names
    assert values(warehouse, session, "2026-01", 0) == [1]


def test_partitioning_does_not_change_silently(warehouse, session):
    publish(warehouse, session, ONE, "2026-01")
    with pytest.raises(PublishError, match="was published by Period before"):
        publish(warehouse, session, ONE, None)


def test_rows_of_another_shape_are_refused_with_all_faults(warehouse, session):
    with pytest.raises(PublishError) as caught:
        publish(warehouse, session, "SELECT 1::INT AS a, 2 AS c", "2026-01", (A, B))
    assert len(caught.value.faults) == 3
    assert warehouse.current("sales", "2026-01", session) is None


def test_latest_is_by_when_periods_begin(warehouse, session):
    publish(warehouse, session, ONE, "FY2026-M02", record={"period_start": "2026-08-01T00:00:00+00:00"})
    publish(warehouse, session, TWO, "FY2025-M12", record={"period_start": "2026-09-01T00:00:00+00:00"})
    assert warehouse.latest("sales", session).period == "FY2025-M12"
    assert warehouse.periods("sales", session) == ["FY2026-M02", "FY2025-M12"]


def test_history_names_period_and_run(warehouse, session):
    publish(warehouse, session, ONE, "2026-01", run="one", record={"version": 4})
    publish(warehouse, session, ONE, "2026-02", run="two")
    newest, oldest = warehouse.history("sales")
    assert (newest["version"], newest["period"], newest["run_id"]) == (1, "2026-02", "two")
    assert (oldest["version"], oldest["dataset_version"]) == (0, "4")


@pytest.mark.parametrize("periods", [("2026-01", "2026-02"), (None,)])
def test_other_readers_see_a_plain_delta_table(warehouse, session, periods):
    for rows in (ONE, TWO):
        for period in periods:
            publish(warehouse, session, rows, period)
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


def test_a_stage_that_lost_its_file_to_a_later_claim_says_so(warehouse, session, monkeypatch):
    claim = warehouse.claim("sales", "2026-01", "r", session)
    write = session.write_parquet

    def overtaken(query, path):
        written = write(query, path)
        warehouse.claim("sales", "2026-01", "newer", session)
        return written

    monkeypatch.setattr(session, "write_parquet", overtaken)
    with pytest.raises(SupersededError, match="'newer' took over"):
        warehouse.stage(claim, published(ONE, "2026-01"), session)
