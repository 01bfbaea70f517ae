"""Records of which a status keeps only what it needs."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.adapters.delta import stored_record as module
from dataset_assets.adapters.delta.stored_record import stored_record
from dataset_assets.publishing.loaded_periods import records_of_loads
from dataset_assets.staleness.compact_record import compact

SENSITIVE = {"columns": {"town": {"sensitive": True}, "spend": {"sensitive": False}}}
RECORDS = 100


def record(month: int) -> dict[str, Any]:
    """Return a record with much in its statistics, in the order in which it is written."""
    top = [{"value": f"town {number} of {month}", "count": number} for number in range(500)]
    return {
        "dataset": "sales", "dataset_id": "x", "version": 1, "sha256": "0",
        "period": f"{month}", "period_start": "2026-01-01T00:00:00+00:00", "sources": {},
        "definition": {"name": "Sales"}, "columns": [], "sql": "SELECT 1", "counts": {"rows": 1},
        "digest": "d",
        "statistics": {"splits": {}, "columns": {
            "town": {"sensitive": True, "cardinality": 500}, "spend": {"sensitive": False, "top": top},
        }},
        "checks": [],
    }  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{month}.json" for month in range(RECORDS)]
    for month, path in enumerate(found):
        path.write_text(json.dumps(record(month)))
    return found


@pytest.mark.parametrize("kept_in_memory", [True, False])
def test_the_statistics_of_a_record_say_only_what_is_sensitive(paths, kept_in_memory):
    found = compact(record(0) if kept_in_memory else stored_record(paths[0]))
    assert found["statistics"] == SENSITIVE
    assert (found["digest"], found["counts"], found.get("affirmed")) == ("d", {"rows": 1}, None)
    assert found


def test_a_stored_record_is_read_once_for_its_statistics(paths, monkeypatch):
    read: list[Path] = []
    plain = module.read_json
    monkeypatch.setattr(module, "read_json", lambda path: read.append(path) or plain(path))
    found = compact(stored_record(paths[0]))
    assert (found["version"], read) == (1, [])
    assert records_of_loads({None: found}) == {None: found}, "the table of an unpartitioned dataset"
    assert read == []
    assert found["statistics"] == found["statistics"] == SENSITIVE
    assert read == paths[:1]
    assert found["sql"] == "SELECT 1"


def test_the_records_of_loads_are_read_without_the_large_parts(tmp_path, monkeypatch):
    loads = {
        period: {"digest": period, "rows": rows, "loaded_at": "2026-04-01T00:00:00+00:00"}
        for period, rows in {"2026-01": 3, "2026-02": 4}.items()
    }
    table = record(0)
    names = list(table)
    place = names.index("digest")
    path = tmp_path / "table.json"
    items = [*((name, table[name]) for name in names[:place]), ("loaded_periods", loads)]
    path.write_text(json.dumps(dict([*items, *((name, table[name]) for name in names[place:])])))
    monkeypatch.setattr(module, "read_json", lambda path: pytest.fail(f"{path} was read again"))
    found = records_of_loads({None: compact(stored_record(path))})
    assert {period: (each["period"], each["counts"], each["digest"]) for period, each in found.items()} == {
        "2026-01": ("2026-01", {"rows": 3}, "2026-01"),
        "2026-02": ("2026-02", {"rows": 4}, "2026-02"),
    }


def test_statistics_that_were_read_do_not_stay_in_memory(paths):
    records = [compact(stored_record(path)) for path in paths]
    assert records[0]["statistics"] == SENSITIVE  # what the first one loads besides
    tracemalloc.start()
    try:
        assert all(each["statistics"] == SENSITIVE for each in records)
        # Whole records would take 100 kB each; the JSON parser itself remembers short texts.
        assert tracemalloc.get_traced_memory()[0] < RECORDS * 20_000
    finally:
        tracemalloc.stop()
