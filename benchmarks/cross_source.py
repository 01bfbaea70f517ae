"""Joins across stores (BR-004): a lookup of 92,331 rows, a main table of 1,469,307; one of them is elsewhere.

BigQuery is that of the tests, on this machine: `make test` installs it. So the time of its queries means
nothing, and that of a network is missing; rows, bytes and this process's CPU are what they are.
"""

import json
import resource
import uuid
from datetime import UTC, datetime

from benchmarks.measure import Report, Series, of_this_project
from benchmarks.workspace import Workspace, workspace
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.publishing.materialize import materialize
from dataset_assets.publishing.prepared_run import Request
from tests.bigquery import emulator
from tests.engines.store_fixtures import OnBigQuery

DATASET = "fresh_food_affinity"
TABLES = ("transactions", "products")
CASES = {
    "DuckDB, both tables in Parquet": ("duckdb", "parquet", "parquet"),
    "DuckDB, products from BigQuery": ("duckdb", "parquet", "bigquery"),
    "DuckDB, transactions from BigQuery": ("duckdb", "bigquery", "parquet"),
    "BigQuery, both tables in BigQuery": ("bigquery", "bigquery", "bigquery"),
    "BigQuery, products from Parquet": ("bigquery", "bigquery", "parquet"),
    "BigQuery, transactions from Parquet": ("bigquery", "parquet", "bigquery"),
}
TARGET = """\
target:
  engine: {engine}
  warehouse: {warehouse}
  default_resolver: parquet
  routes: {{transactions: {transactions}, products: {products}}}
  resolvers:
    parquet: {{type: parquet, root: {data}}}
    bigquery: {{type: bigquery, dataset: {sources}, {access}}}
"""


def main(repeats: int) -> Report:  # noqa: ARG001 - an empty warehouse each: one run is what there is
    """Each case in a process of its own, whose memory is told; all publish the same rows."""
    with emulator.start() as running, running.dataset() as sources, workspace() as space:
        cloud = OnBigQuery(space.root, running.rest, running.storage, sources, "")
        for table in TABLES:
            cloud.load(table, space.data / f"{table}.parquet")
        found = {}
        for name, case in CASES.items():
            with running.dataset() as warehouse:
                given = [running.rest, running.storage, sources, warehouse, *case]
                found[name] = of_this_project("benchmarks.cross_source", *given)
    digests = {each.pop("digest") for each in found.values()}
    assert len(digests) == 1, digests
    return {"table": found, "rows": next(iter(found.values()))["rows"]}


def one(rest: str, storage: str, sources: str, warehouse: str, *case: str) -> Report:
    """One case, in this process."""
    engine, transactions, products = case
    access = f'project: {emulator.PROJECT}, api_endpoint: "{rest}", storage_endpoint: "{storage}"'
    engines = {"duckdb": "{type: duckdb, threads: 2}", "bigquery": f"{{type: bigquery, {access}}}"}
    warehouses = {
        "duckdb": "{type: delta, root: ./warehouse}",
        "bigquery": f"{{type: bigquery, dataset: {warehouse}}}",
    }
    with workspace() as space:
        path = space.root / "target.yaml"
        text = TARGET.format(
            engine=engines[engine],
            warehouse=warehouses[engine],
            transactions=transactions,
            products=products,
            data=space.data,
            sources=sources,
            access=access,
        )
        path.write_text(text, encoding="utf-8")
        return _measured(space, str(path))


def _measured(space: Workspace, path: str) -> Report:
    series, told = Series(), []
    request = Request(space.catalog.entry(DATASET), str(uuid.uuid4()), datetime.now(UTC))
    target = load_target(path, space.catalog.calendars)
    done = series.time(lambda: materialize(space.catalog, target, request, told.append))
    return {
        "wall_s": round(series.wall[0], 2),
        "cpu_s": round(series.cpu[0], 2),
        "move_s": round(done.seconds.get("move", 0), 2),
        "rows_moved": done.usage.get("rows_moved", 0),
        "bytes_moved": done.usage.get("bytes_moved", 0),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "rows": done.counts.rows,
        "digest": done.digest,
    }


if __name__ == "__main__":
    import sys

    print(json.dumps(one(*sys.argv[1:]), ensure_ascii=False))
