"""What commands and pages say of the loads of a bitemporal dataset."""

import csv
import json
import re
from pathlib import Path

import duckdb
import pytest

from dataset_assets.interfaces.workspace import Workspace
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_bitemporal_reading import LOADS, prices
from tests.web.pages.conftest import serving
from tests.web.pages.reading_pages import ReadPage

__all__ = ["prices"]


def write(project: Path, period: str, values: str) -> None:
    """Write the snapshot of a Period anew."""
    query = f"SELECT * FROM (VALUES {values}) AS t(item, price, since, until)"
    duckdb.execute(f"COPY ({query}) TO '{project}/data/prices/{period}.parquet' (FORMAT parquet)")


def loads() -> dict[str, dict[str, object]]:
    [publication] = json.loads(run_ok("show", "prices", "--json").out)["publications"]
    return {each["period"]: each for each in publication["loads"]}


def test_a_load_that_is_confirmed_stays_what_it_was(prices: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    before = loads()
    assert (before["2026-01"]["added"], before["2026-01"]["confirmed_at"]) == (2, None)
    write(prices, "2026-01", f"{LOADS['2026-01']}, {LOADS['2026-01']}")  # other rows of the same values
    write(prices, "2026-04", LOADS["2026-03"])
    run_ok("materialize", "prices", "--partition", "2026-01")
    run_ok("materialize", "prices", "--partition", "2026-04")
    after = loads()
    assert after["2026-01"].pop("confirmed_at")
    assert before["2026-01"].pop("confirmed_at") is None
    assert after["2026-01"] == before["2026-01"]
    assert (after["2026-04"]["added"], after["2026-04"]["confirmed_at"]) == (0, None)
    text = run_ok("show", "prices").out
    assert "rows known now" in text
    assert "2026-05-01T00:00:00Z" in text, "as of the end of the last Period, whichever load was the last"
    assert re.search(r"2026-01 +2 +2 added  +\S+Z  +\S+Z  +\S+", text)
    assert re.search(r"2026-03 +2 +1 added, 1 changed  +\S+Z  +[0-9a-f]{8}-", text)
    assert re.search(r"2026-04 +2 +none: the table said so before  +", text)


@pytest.mark.usefixtures("prices")
def test_a_late_load_is_not_what_the_table_looks_back_from() -> None:
    run_ok("materialize", "prices", "--partition", "2026-01", "--force")
    [publication] = json.loads(run_ok("show", "prices", "--json").out)["publications"]
    assert publication["as_of"] == "2026-04-01T00:00:00Z"


@pytest.mark.usefixtures("prices")
def test_a_comparison_names_the_rows_that_it_counts() -> None:
    found = run("compare", "prices")
    assert found.code == 3
    assert "prices in local: 4 rows of all loads, 2 known now, table version 1" in found.out
    assert "prices in local: 5 rows of all loads, 2 known now, table version 2" in found.out
    sides = json.loads(run("compare", "prices", "--json").out)
    assert (sides["after"]["row_count"], sides["after"]["known_now"]) == (5, 2)
    said = run_refused("compare", "prices", "--from", "2026-01")
    assert "prices is one publication, without '2026-01'" in said
    assert "name a version of it, from @0 to @2" in said
    assert "`read prices --known-in 2026-01` gives what was known in a Period" in said


@pytest.mark.usefixtures("prices")
def test_a_load_is_rebuilt_with_its_valid_time(tmp_path: Path) -> None:
    file = tmp_path / "february.csv"
    rebuilt = ("rebuild", "prices", "--version", "1", "--partition", "2026-02")
    assert run_ok(*rebuilt, "-o", str(file)).code == 0
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [*rows[0]] == ["item", "price", "_valid_from", "_valid_to"]
    assert [(row["item"], float(row["price"])) for row in rows] == [("1", 5), ("1", 6)]
    assert json.loads(run_ok(*rebuilt, "--json").out)["same"] is True
    said = run_refused("rebuild", "prices", "--version", "1")
    assert "prices is published by Period; name one: 2026-01, 2026-02, 2026-03" in said


def test_the_page_lists_the_loads(prices: Path) -> None:
    write(prices, "2026-04", LOADS["2026-03"])
    run_ok("materialize", "prices", "--partition", "2026-04")
    with serving(Workspace.of()) as client:
        answer = client.get("/datasets/prices", headers={"Accept": "text/html"})
        assert answer.status_code == 200
        page = ReadPage(str(answer.url), answer.text)
        assert "loads" in page.ids
        assert page.broken_fragments() == []
        section = page.text[page.text.index("Loads Period") :]
        lines = [section.index(period) for period in ("2026-04", "2026-03", "2026-02", "2026-01")]
        assert lines == sorted(lines), "the last Period first"
        assert "2026-04 2 none: the table said so before" in section
        assert "2026-03 2 1 added, 1 changed" in section
        assert "Rows known now" in page.text
        for load in loads().values():
            assert any(link.endswith(f"/datasets/prices/runs/{load['run_id']}") for link in page.links)
