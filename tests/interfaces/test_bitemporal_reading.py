"""Read a bitemporal dataset as of an instant and a Period, and the history of a key."""

import json
from pathlib import Path

import duckdb
import pytest

from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.web.published_preview import published_preview
from dataset_assets.interfaces.workspace import Workspace
from tests.consumers.consumers import consume
from tests.interfaces.running import run_ok, run_refused

PRICES = """
dataset:
  name: Prices
  owner: user-ann
  natural_key_columns: [item]
  main_table:
    name: prices
    bitemporal: true
    valid_from: since
    valid_to: until
    columns:
      - {name: item, type: integer, nullable: false}
      - {name: price, type: decimal}
      - {name: since, type: date, nullable: false}
      - {name: until, type: date}
  partitions: {period: month, start: 2026-01}
"""
TARGET = """
target:
  engine: {type: duckdb}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: files
  resolvers:
    files:
      type: parquet
      root: ./data
      tables: {prices: {location: "prices/{period}.parquet", period: month}}
"""
LOADS = {
    "2026-01": "(1, 5.00, DATE '2025-06-01', NULL), (2, 9.00, DATE '2025-06-01', NULL)",
    "2026-02": "(1, 5.00, DATE '2025-06-01', DATE '2026-02-10'), (1, 6.00, DATE '2026-02-10', NULL)",
    "2026-03": "(1, 4.50, DATE '2025-06-01', DATE '2026-02-10'), (1, 6.00, DATE '2026-02-10', NULL)",
}


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Load three months of prices: one rises in February, which a load of March says was lower before."""
    for folder in ("definitions/datasets", "resources/targets", "data/prices"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "definitions/users.yaml").write_text("users: {user-ann: {email: ann@example.org}}\n")
    (tmp_path / "definitions/datasets/prices.yaml").write_text(PRICES)
    (tmp_path / "resources/targets/local.yaml").write_text(TARGET)
    for period, values in LOADS.items():
        query = f"SELECT * FROM (VALUES {values}) AS t(item, price, since, until)"
        duckdb.execute(f"COPY ({query}) TO '{tmp_path}/data/prices/{period}.parquet' (FORMAT parquet)")
    monkeypatch.chdir(tmp_path)
    for period in LOADS:
        run_ok("materialize", "prices", "--partition", period)
    return tmp_path


def read(*options: str) -> list[tuple[int, str]]:
    lines = run_ok("read", "prices", "--format", "jsonl", *options).out.splitlines()
    return sorted((row["item"], row["price"]) for row in map(json.loads, lines))


@pytest.mark.usefixtures("prices")
def test_a_read_is_of_what_the_last_load_says() -> None:
    assert read() == [(1, "4.5"), (1, "6")]
    assert read("--valid-at", "2026-02-10") == [(1, "6")]
    assert read("--valid-at", "2026-02-09T23:59:59Z") == [(1, "4.5")]
    assert read("--where", "price > 5") == [(1, "6")]


@pytest.mark.usefixtures("prices")
def test_a_read_can_be_of_an_earlier_load() -> None:
    assert read("--known-in", "2026-01") == [(1, "5"), (2, "9")]
    assert read("--partition", "2026-01", "--valid-at", "2026-02-10") == [(1, "5"), (2, "9")]
    assert read("--known-in", "2026-02", "--valid-at", "2026-02-09") == [(1, "5")]
    assert read("--known-in", "2030-01", "--valid-at", "2026-02-09") == [(1, "4.5")]
    table = read_arrow("prices", known_in="2026-02", valid_at="2026-02-11")
    assert table.column_names == ["item", "price", "_valid_from", "_valid_to"]
    assert table.num_rows == 1


@pytest.mark.usefixtures("prices")
def test_the_history_of_a_key_is_all_that_was_said_of_it_in_order() -> None:
    answer = run_ok("read", "prices", "--history", "--where", "item = 1", "--format", "jsonl")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    valid = [(row["_valid_from"][:10], str(row["_valid_to"])[:10]) for row in rows]
    assert [
        (row["price"], *ends, row["_period_from"], row["_period_to"])
        for row, ends in zip(rows, valid, strict=True)
    ] == [
        ("5", "2025-06-01", "None", "2026-01", "2026-02"),
        ("5", "2025-06-01", "2026-02-10", "2026-02", "2026-03"),
        ("6", "2026-02-10", "None", "2026-02", None),
        ("4.5", "2025-06-01", "2026-02-10", "2026-03", None),
    ]
    shown = run_ok("read", "prices", "--history", "--where", "item = 2")
    assert "2026-01" in shown.out
    assert shown.err.endswith("1 of 1 rows\n")


@pytest.mark.usefixtures("prices")
def test_deleted_rows_are_left_out_of_all_reads() -> None:
    run_ok("rows", "delete", "prices", "--where", "price = 6")
    assert read() == [(1, "4.5")]
    assert read("--include-deleted") == [(1, "4.5"), (1, "6")]
    assert read("--history", "--where", "price = 6") == []


@pytest.mark.usefixtures("prices")
def test_what_cannot_be_read_is_refused_with_a_sentence(prices: Path) -> None:
    said = run_refused("read", "prices", "--known-in", "2025-12")
    assert "prices had nothing loaded in 2025-12; loaded are: 2026-01, 2026-02, 2026-03" in said
    assert "'March' is not a Period of 'month'" in run_refused("read", "prices", "--known-in", "March")
    assert "as-of 'noon' is not an instant" in run_refused("read", "prices", "--valid-at", "noon")
    both = run_refused("read", "prices", "--known-in", "2026-01", "--partition", "2026-02")
    assert "--partition means the same" in both
    assert "--history has all loads" in run_refused("read", "prices", "--known-in", "2026-01", "--history")
    plain = PRICES.replace("    bitemporal: true\n    valid_from: since\n    valid_to: until\n", "")
    (prices / "definitions/datasets/plain.yaml").write_text(plain.replace("Prices", "Plain"))
    run_ok("materialize", "plain", "--partition", "2026-01")
    said = run_refused("read", "plain", "--valid-at", "2026-01-01")
    assert "plain is not bitemporal, so --valid-at has no meaning" in said


@pytest.mark.usefixtures("prices")
def test_the_api_and_the_page_have_the_rows_of_a_period_and_their_types() -> None:
    found = published_preview(Workspace.of(), "prices", 10, "2026-02", valid_at="2026-02-09")
    assert {each.name: each.type.value for each in found.columns} == {
        "item": "integer",
        "price": "decimal",
        "_valid_from": "timestamp",
        "_valid_to": "timestamp",
    }
    assert [row["price"] for row in found.rows] == ["5"]


def test_descriptions_are_of_what_is_known_now(prices: Path) -> None:
    folder = prices / "shared"
    run_ok("croissant", "prices", "-o", str(folder))
    loaded = consume("load_croissant", folder / "croissant.json", cache=prices)["records"]
    columns = ("rows/price", "rows/_valid_from", "rows/_valid_to")
    found = sorted(tuple(each[name][:10] for name in columns) for each in loaded)
    assert found == [("4.5", "2025-06-01", "2026-02-10"), ("6.0", "2026-02-10", "None")]
    assert "| Periods that were loaded | 2026-01, 2026-02, 2026-03 |" in run_ok("card", "prices").out
    event = json.loads(run_ok("openlineage", "prices").out)
    assert list(event["outputs"][0]["facets"]["columnLineage"]["fields"]) == ["item", "price"]
    for command in (("card",), ("openlineage",), ("croissant", "-o", str(folder))):
        said = run_refused(command[0], "prices", "--partition", "2026-02", *command[1:])
        assert "its Periods are one publication; leave out --partition" in said
