"""Tests the states that resolvers return for each Period: new, removed, renamed and broken files."""

from pathlib import Path

import pytest

from dataset_assets.adapters.resolvers.bigquery_settings import BigQuerySettings
from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.errors import ResolveError
from dataset_assets.periods.cadence import Calendars
from tests.adapters.conftest import query
from tests.bigquery.emulator import PROJECT

FILES = {"sales": {"location": "sales/{period}.parquet", "period": "month"}}
FOLDERS = {"sales": {"location": "sales/{period}/", "period": "month"}}


@pytest.fixture
def write(tmp_path, session):
    """Write rows into a file below the root."""

    def written(name: str, rows: int = 1) -> Path:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        session.write_parquet(query(f"SELECT range AS a FROM RANGE({rows})"), path)
        return path

    return written


def parquet(tmp_path, **tables):
    settings = ParquetSettings.model_validate({"type": "parquet", "root": "root", "tables": tables})
    return settings.open("shop", TargetContext(tmp_path, Calendars()))


def versions(resolver) -> dict[str, str]:
    return {period: state.version for period, state in resolver.pieces("sales").items()}


def test_each_period_has_its_own_state(tmp_path, write):
    write("sales/2024-02.parquet", 2)
    write("sales/2024-01.parquet", 1)
    write("sales/notes.parquet")
    resolver = parquet(tmp_path, **FILES)
    found = resolver.pieces("sales")
    assert [(period, state.row_count) for period, state in found.items()] == [("2024-01", 1), ("2024-02", 2)]
    assert all(state.modified_at and not state.unknown for state in found.values())
    before = versions(resolver)
    write("sales/2024-02.parquet", 3)
    after = versions(resolver)
    assert after["2024-01"] == before["2024-01"]
    assert after["2024-02"] != before["2024-02"]
    assert resolver.pieces("sales")["2024-02"].row_count == 3


def test_a_piece_may_be_a_folder(tmp_path, write):
    write("sales/2024-01/a.parquet", 1)
    write("sales/2024-01/b.parquet", 2)
    resolver = parquet(tmp_path, **FOLDERS)
    assert resolver.pieces("sales")["2024-01"].row_count == 3
    before = versions(resolver)
    (tmp_path / "root/sales/2024-01/b.parquet").unlink()
    assert versions(resolver) != before


def test_new_vanished_and_renamed_pieces(tmp_path, write):
    resolver = parquet(tmp_path, **FILES)
    first = write("sales/2024-01.parquet")
    third = write("sales/2024-03.parquet")
    before = versions(resolver)
    assert list(before) == ["2024-01", "2024-03"], "a hole is no error: each piece stands for itself"
    write("sales/2024-04.parquet")
    first.unlink()
    assert list(versions(resolver)) == ["2024-03", "2024-04"]
    renamed = third.rename(third.with_name("2024-05.parquet"))
    assert list(versions(resolver)) == ["2024-04", "2024-05"]
    renamed.rename(third)
    assert versions(resolver)["2024-03"] != before["2024-03"], "only its content could tell"


def test_a_table_in_one_piece_is_its_state(tmp_path, write):
    write("sales.parquet", 4)
    resolver = parquet(tmp_path)
    assert resolver.pieces("sales") == {None: resolver.state("sales")}


@pytest.mark.parametrize("content", [b"", b"PAR1 half of a file", b"text"])
def test_a_file_that_is_not_whole_is_told_and_the_others_are_too(tmp_path, write, content):
    write("sales/2024-01.parquet")
    (tmp_path / "root/sales/2024-02.parquet").write_bytes(content)
    found = parquet(tmp_path, **FILES).pieces("sales")
    assert found["2024-01"].version
    assert found["2024-02"].version == ""
    assert found["2024-02"].unknown.endswith("2024-02.parquet: is not a whole Parquet file")


def test_a_table_that_is_not_whole_is_an_error(tmp_path, write):
    path = write("sales.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(ResolveError, match=r"sales.parquet: is not a whole Parquet file"):
        parquet(tmp_path).state("sales")


def test_a_file_that_goes_while_it_is_looked_at_is_told(tmp_path, write, monkeypatch):
    write("sales/2024-01.parquet")
    resolver = parquet(tmp_path, **FILES)
    files = resolver._files
    monkeypatch.setattr(resolver, "_files", lambda *of: [path.unlink() or path for path in files(*of)])
    state = resolver.pieces("sales")["2024-01"]
    assert (state.version, state.row_count) == ("", None)
    assert "2024-01.parquet: No such file" in state.unknown


def test_an_empty_folder_is_told(tmp_path, write):
    write("sales/2024-01/a.parquet")
    (tmp_path / "root/sales/2024-02").mkdir()
    found = parquet(tmp_path, **FOLDERS).pieces("sales")
    assert found["2024-01"].version
    assert "has no .parquet file in it" in found["2024-02"].unknown


def test_no_piece_at_all_is_an_error(tmp_path, write):
    write("other.parquet")
    with pytest.raises(ResolveError, match="there is nothing of any Period of 'month'"):
        parquet(tmp_path, **FILES).pieces("sales")
    with pytest.raises(ResolveError, match="leads out of the root"):
        parquet(tmp_path, sales={"location": "../{period}", "period": "month"}).pieces("sales")


def test_csv_pieces_have_no_row_count(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "2024-01.csv").write_text("a\n1\n")
    tables = {"sales": {"location": "{period}.csv", "period": "month"}}
    settings = CsvSettings.model_validate({"type": "csv", "root": "root", "tables": tables})
    found = settings.open("shop", TargetContext(tmp_path, Calendars())).pieces("sales")
    assert [(period, bool(state.version), state.row_count) for period, state in found.items()] == [
        ("2024-01", True, None)
    ]


def test_shards_are_told_by_metadata_alone(emulator, proxy, bigquery_dataset):
    for day, rows in (("20240131", 2), ("20240202", 1), ("intraday", 1)):
        some = f"SELECT a FROM UNNEST(GENERATE_ARRAY(1, {rows})) a"
        emulator.rows(f"CREATE TABLE {bigquery_dataset}.events_{day} AS {some}")
    emulator.rows(f"CREATE TABLE {bigquery_dataset}.plain AS SELECT 1 AS a")
    settings = {
        "type": "bigquery",
        "dataset": bigquery_dataset,
        "project": PROJECT,
        "api_endpoint": proxy.rest,
        "tables": {"events": {"location": "events_{period}", "period": "day"}},
    }
    resolver = BigQuerySettings.model_validate(settings).open("lake", TargetContext(Path(), Calendars()))
    before = resolver.pieces("events")
    assert [(period, state.row_count) for period, state in before.items()] == [
        ("2024-01-31", 2),
        ("2024-02-02", 1),
    ]
    assert {request.place for request in proxy.requests} <= {"tables.get", "tables.list"}
    emulator.rows(f"INSERT INTO {bigquery_dataset}.events_20240202 (a) VALUES (7)")
    emulator.rows(f"DROP TABLE {bigquery_dataset}.events_20240131")
    after = resolver.pieces("events")
    assert list(after) == ["2024-02-02"]
    assert after["2024-02-02"].version != before["2024-02-02"].version
    assert resolver.pieces("plain") == {None: resolver.state("plain")}
