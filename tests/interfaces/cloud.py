"""Fixture: the small retailer with its tables in BigQuery, behind the strict proxy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bigquery.emulator import PROJECT, Emulator
from tests.bigquery.faults import Fault
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.wire import Request

TRANSACTIONS = """
SELECT
  MOD(n, 4) + 1 AS household_id, 1000 + n AS basket_id, MOD(n, 7) + 1 AS product_id,
  CAST(MOD(n, 10) + 0.25 AS NUMERIC) AS sales_value,
  TIMESTAMP_ADD(TIMESTAMP '2017-01-01 12:00:00+00:00', INTERVAL 8 * n HOUR) AS transaction_timestamp
FROM UNNEST(GENERATE_ARRAY(0, 359)) AS n
"""
HOUSEHOLDS = """
SELECT n AS household_id, CAST(n AS STRING) AS income, CAST(NULL AS STRING) AS town
FROM UNNEST(GENERATE_ARRAY(1, 3)) AS n
"""
_TARGET = """
target:
  engine: {{type: bigquery, project: {project}, {rest}patience: 2, maximum_bytes_billed: 8GiB{engine}}}
  warehouse: {{type: bigquery, dataset: {warehouse}}}
  default_resolver: retail
  routes: {{{routes}}}
  resolvers:
    retail: {{type: bigquery, dataset: {dataset}}}
    files: {{type: parquet, root: ./data/retail}}
"""


@dataclass(frozen=True)
class Cloud:
    """The retailer in BigQuery. `dataset` holds all tables; `root` has the target `local.yaml`."""

    emulator: Emulator
    proxy: StrictProxy
    dataset: str
    root: Path

    def target(self, **said: str) -> None:
        """Write the target file."""
        rest = f'api_endpoint: "{self.proxy.rest}", storage_endpoint: "{self.proxy.storage}", '
        usual = {
            "project": PROJECT,
            "rest": rest,
            "engine": "",
            "routes": "",
            "warehouse": self.dataset,
            "dataset": self.dataset,
        }
        (self.root / "local.yaml").write_text(_TARGET.format(**usual | said))

    def place(self, table: str) -> str:
        """Return the quoted name of a table for SQL."""
        return f"`{PROJECT}`.`{self.dataset}`.`{table}`"

    def put(self, table: str, query: str, kind: str = "TABLE") -> None:
        """Create a table or a view from a query."""
        self.emulator.rows(f"CREATE OR REPLACE {kind} {self.place(table)} AS {query}")

    def reads(self, sizes: Mapping[str, int]) -> None:
        """Set the bytes that a query processes, by the table that it names."""

        def of(sql: str) -> int:
            names = sql.replace("`", "")
            return sum(size for table, size in sizes.items() if f".{self.dataset}.{table} " in f"{names} ")

        self.proxy.bytes_of = of

    def deny(self, on: str | Callable[[Request], object], says: str) -> None:
        """Deny requests from now on, with BigQuery's response to a missing role."""
        self.proxy.inject(Fault("403 accessDenied", on=on, times=1000, says=f"Access Denied: {says}"))

    def billed(self) -> list[str]:
        """Return the steps of the billed jobs: those that ran and were no dry run."""
        return [each.labels["step"] for each in self.proxy.requests if each.place == "insert"]


def open_cloud(emulator: Emulator, proxy: StrictProxy, dataset: str, root: Path) -> Cloud:
    """Create a BigQuery dataset with 120 days of three sales each, and three households."""
    proxy.running = 0
    cloud = Cloud(emulator, proxy, dataset, root)
    cloud.put("transactions", TRANSACTIONS)
    cloud.put("households", HOUSEHOLDS)
    cloud.target()
    return cloud
