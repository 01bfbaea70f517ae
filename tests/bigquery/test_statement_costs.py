"""Every job of a publication is known: what for, what it reads, what it shuffles.

`pytest tests/bigquery/test_statement_costs.py --update-golden` writes `statement_costs.md` anew.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bigquery.emulator import PATIENCE, PROJECT, Emulator, once
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.statement_costs import PUBLISHED, STAGED, CostReader, purpose_of
from tests.bigquery.wire import Request
from tests.engines.store_fixtures import STORES, OnBigQuery, Store
from tests.publishing.shop import Shop, open_shop

GOLDEN = Path(__file__).with_name("statement_costs.md")
HEAD = """# What the jobs of a publication cost

Of a dataset with one lookup, a split and a natural key, as BigQuery bills and executes it: `bytes` of the
columns that a job names, without those of ledger and counts; `scans` of each table, `sorts`, `joins` and
`groups` with CTEs in place of the references to them, because BigQuery executes a CTE once for each.
Written by `test_statement_costs.py`.
"""
COLUMNS = ("job", "bytes", "scans", "sorts", "joins", "groups")
ONE_IN_A_HUNDRED = "SELECT * REPLACE (price + IF(line % 100 = 0, 1, 0) AS price) FROM {sales}"
SIZES = {"INT64": "8", "FLOAT64": "8", "NUMERIC": "16", "BOOL": "1", "TIMESTAMP": "8", "DATETIME": "8"}
"""Bytes of a value by its type, as BigQuery documents them; NULL has none, a text two more than in UTF-8."""


def test_the_jobs_of_a_publication(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with STORES["bigquery"](request, tmp_path) as store:
        shop = open_shop(store)
        proxy = request.getfixturevalue("proxy")
        jobs = {"The first publication": _jobs(shop, proxy)}
        shop.rewrite_sales(ONE_IN_A_HUNDRED)
        jobs["A refresh in which 1 % of the rows changed"] = _jobs(shop, proxy)
        jobs["A refresh of an unchanged source"] = _jobs(shop, proxy)
        reader = _reader(request.getfixturevalue("emulator"), store)
    found = "\n".join([HEAD, *(_section(name, each, reader) for name, each in jobs.items())])
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_a_job_without_a_purpose_is_an_error() -> None:
    request = Request("insert", "POST", "", {}, b"")
    with pytest.raises(KeyError, match="has no purpose"):
        purpose_of(request)


def _jobs(shop: Shop, proxy: StrictProxy) -> list[Request]:
    """Publish, and return the jobs and dry runs."""
    proxy.requests.clear()
    shop.publish()
    return [each for each in proxy.requests if each.sql]


def _reader(emulator: Emulator, store: Store) -> CostReader:
    """Read the sizes of the tables; staged rows are as large as published ones."""
    assert isinstance(store, OnBigQuery)
    sizes = {
        name: _column_sizes(emulator, f"{PROJECT}.{store.sources}.{name}") for name in ("sales", "items")
    }
    published = _column_sizes(emulator, f"{PROJECT}.{store.warehouse}.sales")
    return CostReader(store.warehouse, {**sizes, PUBLISHED: published, STAGED: published})


def _column_sizes(emulator: Emulator, table: str) -> dict[str, int]:
    schema = emulator.client().get_table(table, timeout=PATIENCE, retry=once()).schema
    columns = {each.name: each.field_type for each in schema if each.mode != "REPEATED"}
    sizes = (
        f"SUM(IF({name} IS NULL, 0, {SIZES.get(kind) or f'BYTE_LENGTH({name}) + 2'})) AS {name}"
        for name, kind in columns.items()
    )
    (row,) = emulator.rows(f"SELECT {', '.join(sizes)} FROM `{table}`")
    return {name: int(size or 0) for name, size in row.items()}


def _section(name: str, jobs: Sequence[Request], reader: CostReader) -> str:
    costs = [reader.cost(each) for each in jobs]
    billed = [each for each in costs if not each.is_free]
    rows = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, *(each.cells() for each in costs))]
    rows.insert(1, "|---" * len(COLUMNS) + "|")
    total = (
        f"{len(billed)} billed jobs, {sum(each.read_bytes for each in billed):,} bytes beside the ledger's."
    )
    return "\n".join([f"## {name}", "", *rows, "", total, ""])
