"""Tests the transfer of rows between engines as Arrow: order, completeness and errors (BR-004)."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud import bigquery, bigquery_storage
from google.cloud.bigquery import SchemaField, client
from sqlglot import exp, parse_one

from dataset_assets.adapters.bigquery.engine import BigQueryEngine
from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.adapters.bigquery.storage_read import table_read_of
from dataset_assets.adapters.duckdb.engine import DuckDBEngine, DuckDBSession
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import AccessError, DataError
from dataset_assets.errors import Fault as Problem
from dataset_assets.ports.engine import Session
from tests.bigquery.emulator import PROJECT, Emulator, once
from tests.bigquery.faults import Fault
from tests.bigquery.proxy import StrictProxy

COLUMNS = [ColumnDef(name="id", type="integer"), ColumnDef(name="kind", type="string")]


def select(sql: str, dialect: str = "bigquery") -> exp.Query:
    found = parse_one(sql, dialect=dialect)
    assert isinstance(found, exp.Query)
    return found


@pytest.fixture
def session(proxy: StrictProxy, bigquery_dataset: str) -> Iterator[BigQuerySession]:
    proxy.running = 0
    settings = BigQueryEngineSettings(
        type="bigquery", project=PROJECT, api_endpoint=proxy.rest, storage_endpoint=proxy.storage, patience=3
    )
    with BigQueryEngine(
        settings, settings.open_connection(), (PROJECT, bigquery_dataset)
    ).connect() as opened:
        yield opened


@pytest.fixture
def local(tmp_path: Path) -> Iterator[DuckDBSession]:
    settings = DuckDBSettings(type="duckdb", memory_limit="100MB", threads=2)
    with DuckDBEngine(settings, (tmp_path,), tmp_path / "spill").connect() as opened:
        yield opened


def stream(batches: Iterator[dict[str, Any]]) -> pa.RecordBatchReader:
    schema = pa.schema([("id", pa.int64()), ("kind", pa.string())])
    return pa.RecordBatchReader.from_batches(
        schema, (pa.RecordBatch.from_pydict(each, schema) for each in batches)
    )


def numbers(count: int, text: str = "k", size: int = 10_000) -> Iterator[dict[str, Any]]:
    for begin in range(0, count, size):
        ids = list(range(begin, min(begin + size, count)))
        yield {"id": ids, "kind": [f"{text}{each}" for each in ids]}


def totals(session: Session, place: exp.Expr) -> dict[str, Any]:
    query = exp.select("COUNT(*) AS n", "SUM(id) AS ids", "COUNT(DISTINCT kind) AS kinds").from_(place.copy())
    (found,) = session.rows(query)
    return {name: int(value or 0) for name, value in found.items()}


@pytest.mark.parametrize(
    ("sql", "columns", "restriction"),
    [
        ("SELECT a, b FROM p.d.t", {"a": "a", "b": "b"}, ""),
        ("SELECT s.A AS a FROM `p`.d.t AS s", {"A": "a"}, ""),
        ("SELECT s.a FROM p.d.t AS s WHERE s.a >= DATE '2018-01-01'", {"a": "a"}, "a >= DATE '2018-01-01'"),
        (
            "SELECT a FROM p.d.t WHERE (a < 1 OR b IS NULL) AND NOT c = 'x'",
            {"a": "a"},
            "(a < 1 OR b IS NULL) AND NOT c = 'x'",
        ),
    ],
)
def test_columns_and_rows_of_one_table_need_no_query(
    sql: str, columns: dict[str, str], restriction: str
) -> None:
    found = table_read_of(select(sql))
    assert found
    assert (found[1].path, found[1].columns) == ("projects/p/datasets/d/tables/t", columns)
    assert found[1].restriction == restriction


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a + 1 AS a FROM p.d.t",
        "SELECT CAST(a AS NUMERIC) AS a FROM p.d.t",
        "SELECT * FROM p.d.t",
        "SELECT DISTINCT a FROM p.d.t",
        "SELECT a FROM p.d.t ORDER BY a",
        "SELECT a FROM p.d.t LIMIT 1",
        "SELECT a FROM p.d.t TABLESAMPLE SYSTEM (1 PERCENT)",
        "SELECT a FROM p.d.t FOR SYSTEM_TIME AS OF '2020-01-01'",
        "SELECT a FROM p.d.t JOIN p.d.u USING (a)",
        "SELECT a FROM p.d.t WHERE a IN (SELECT b FROM p.d.u)",
        "SELECT a FROM p.d.t WHERE f(a) = 1",
        "SELECT a FROM (SELECT a FROM p.d.t) AS x",
        "SELECT a, a AS b FROM p.d.t",
        "SELECT a FROM p.d.t UNION ALL SELECT a FROM p.d.t",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
    ],
)
def test_anything_else_is_a_query(sql: str) -> None:
    assert table_read_of(select(sql)) is None


TYPES = {
    "STRING": ("'ä'", pa.string(), "ä"),
    "INTEGER": ("-1", pa.int64(), -1),
    "FLOAT": ("1.5", pa.float64(), 1.5),
    "NUMERIC": ("1.000000001", pa.decimal128(38, 9), Decimal("1.000000001")),
    "BOOLEAN": ("TRUE", pa.bool_(), True),
    "DATE": ("DATE '2020-02-29'", pa.date32(), None),
    "TIMESTAMP": ("TIMESTAMP '2020-02-29 01:02:03.000004+00:00'", pa.timestamp("us", "UTC"), None),
    "DATETIME": ("DATETIME '2020-02-29 01:02:03.000004'", pa.timestamp("us"), None),
    "TIME": ("TIME '01:02:03.000004'", pa.time64("us"), None),
    "BYTES": ("b'x'", pa.binary(), b"x"),
}


def test_each_type_comes_as_arrow_has_it(
    session: BigQuerySession, emulator: Emulator, bigquery_dataset: str
) -> None:
    fields = [SchemaField(f"c_{kind}", kind) for kind in TYPES]
    place = f"`{PROJECT}`.{bigquery_dataset}.t"
    table = bigquery.Table(place.replace("`", ""), schema=fields)
    emulator.client().create_table(table, retry=once(), timeout=10)
    names, schema = ", ".join(field.name for field in fields), [kind for _, kind, _ in TYPES.values()]
    for query in (select(f"SELECT {names} FROM {place}"), select(f"SELECT * FROM {place}")):
        empty = session.arrow(query)
        assert (empty.num_rows, empty.schema.types) == (0, schema)
    emulator.rows(f"INSERT INTO {place} VALUES ({', '.join(text for text, _, _ in TYPES.values())})")
    read, asked = (session.arrow(select(f"SELECT {each} FROM {place}")) for each in (names, "*"))
    assert read.schema == asked.schema
    assert read.schema.types == schema
    assert all(field.metadata is None for field in read.schema)
    assert read == asked
    (row,) = read.to_pylist()
    told = {f"c_{kind}": value for kind, (_, _, value) in TYPES.items() if value is not None}
    assert told.items() <= row.items()


def test_the_order_of_a_query_is_kept(session: BigQuerySession) -> None:
    found = session.batches(select("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS x ORDER BY x DESC"))
    assert found.read_all()["x"].to_pylist() == list(range(200_000, 0, -1))


def test_a_stream_that_breaks_off_is_taken_up_where_it_was(
    session: BigQuerySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets: list[int] = []
    read = bigquery_storage.BigQueryReadClient.read_rows

    def broken(self: Any, name: str, offset: int = 0, **given: Any) -> Any:
        offsets.append(offset)
        for number, page in enumerate(read(self, name, offset, **given)):
            if number and len(offsets) < 3:
                raise ServiceUnavailable("the connection broke")
            yield page

    monkeypatch.setattr(bigquery_storage.BigQueryReadClient, "read_rows", broken)
    query = select("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 300000)) AS x ORDER BY x")
    assert session.arrow(query)["x"].to_pylist() == list(range(1, 300_001))
    assert len(offsets) == len(set(offsets)) == 3


def test_a_stream_that_stays_broken_is_told(
    session: BigQuerySession, local: DuckDBSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailable("no way")

    monkeypatch.setattr(bigquery_storage.BigQueryReadClient, "read_rows", broken)
    monkeypatch.setattr(type(session._engine.connection), "retry_seconds", 0.3)
    batches = session.batches(select("SELECT 1 AS id, 'k' AS kind"))
    with pytest.raises(AccessError, match="no way"):
        local.load_arrow("t", COLUMNS, batches, lambda *_: None)
    assert local.rows(exp.select("1 AS a")) == [{"a": 1}]


@pytest.mark.parametrize("kind", ["lost", "cut", "reset", "502", "503", "429", "failed"])
def test_rows_that_are_sent_again_come_once(
    session: BigQuerySession, proxy: StrictProxy, kind: str, bigquery_dataset: str, emulator: Emulator
) -> None:
    proxy.inject(Fault(kind, on=lambda request: request.place == "insert", times=2))
    told: list[tuple[int, int]] = []
    batches = stream(numbers(25_000))
    place = session.load_arrow("t", COLUMNS, batches, lambda rows, size: told.append((rows, size)))
    assert totals(session, place) == {"n": 25_000, "ids": 25_000 * 24_999 // 2, "kinds": 25_000}
    assert [rows for rows, _ in told] == [10_000, 20_000, 25_000]
    assert told[-1][1] > 25_000 * 8
    assert [each.name for each in session.describe(place)] == ["id", "kind"]
    assert isinstance(place, exp.Table)
    assert session.tables.get(place).expires, "who is killed leaves nothing for ever"
    session.close()
    assert list(emulator.client().list_tables(bigquery_dataset, retry=once(), timeout=10)) == []


def test_a_large_file_goes_in_pieces(
    session: BigQuerySession, proxy: StrictProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_DEFAULT_CHUNKSIZE", 256 * 1024)
    place = session.load_arrow("t", COLUMNS, stream(numbers(200_000)), lambda *_: None)
    assert totals(session, place)["n"] == 200_000
    assert sum("upload_id" in each.path for each in proxy.requests) > 2


def test_no_rows_are_a_table_too(session: BigQuerySession, local: DuckDBSession) -> None:
    for each in (session, local):
        place = each.load_arrow("t", COLUMNS, stream(iter(())), lambda *_: None)
        assert totals(each, place) == {"n": 0, "ids": 0, "kinds": 0}
        assert [column.name for column in each.describe(place)] == ["id", "kind"]


def failing(count: int, error: Exception) -> Iterator[dict[str, Any]]:
    yield from numbers(count)
    raise error


def test_what_goes_wrong_at_the_source_is_raised_as_it_is(
    session: BigQuerySession, local: DuckDBSession, bigquery_dataset: str, emulator: Emulator
) -> None:
    for each in (session, local):
        error = AccessError(Problem("no way in"))
        with pytest.raises(AccessError) as caught:
            each.load_arrow("t", COLUMNS, stream(failing(20_000, error)), lambda *_: None)
        assert caught.value is error
    views = "SELECT COUNT(*) FROM duckdb_views() WHERE NOT internal"
    assert local._connection.execute(views).fetchone() == (0,)
    session.close()
    assert list(emulator.client().list_tables(bigquery_dataset, retry=once(), timeout=10)) == []


def test_duckdb_tells_of_a_value_in_the_middle_of_a_stream(
    local: DuckDBSession, session: BigQuerySession
) -> None:
    kind = "CASE WHEN i < 500000 THEN 'k' ELSE CAST(CAST('secret' AS BIGINT) AS VARCHAR) END"
    query = select(f"SELECT i AS id, {kind} AS kind FROM RANGE(600000) AS r(i)", "duckdb")
    with pytest.raises(DataError, match="a value in the data cannot be turned into") as caught:
        session.load_arrow("t", COLUMNS, local.batches(query), lambda *_: None)
    assert "secret" not in str(caught.value)


def test_duckdb_spills_what_it_receives(local: DuckDBSession, tmp_path: Path) -> None:
    wide = "x" * 200
    place = local.load_arrow("t", COLUMNS, stream(numbers(1_000_000, wide, 20_000)), lambda *_: None)
    counted = exp.select("COUNT(*) AS n", "SUM(LENGTH(kind)) AS letters").from_(place)
    assert local.rows(counted) == [{"n": 1_000_000, "letters": 200 * 1_000_000 + 5_888_890}]
    assert sum(path.stat().st_size for path in (tmp_path / "spill").rglob("*.tmp")) > 0


def test_duckdb_reads_on_its_own_thread(local: DuckDBSession) -> None:
    seen = set[str]()

    def batches() -> Iterator[dict[str, Any]]:
        for each in numbers(20_000):
            seen.add(threading.current_thread().name)
            yield each

    local.load_arrow("t", COLUMNS, stream(batches()), lambda *_: None)
    assert threading.current_thread().name not in seen


def test_a_refusal_to_remove_what_was_moved_hides_no_error(
    session: BigQuerySession, proxy: StrictProxy
) -> None:
    session.load_arrow("t", COLUMNS, stream(numbers(10)), lambda *_: None)
    proxy.inject(Fault("503", on="tables.delete", times=1000))
    session.close()
    assert proxy.requests[-1].fate == "503"
