"""A shop whose prices are published as a bitemporal table: a snapshot of prices for each month."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from typing_extensions import override

from dataset_assets.publishing.materialize import Materialization
from tests.engines.store_fixtures import Store
from tests.publishing.shop import USERS, Shop

PRICES = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177
  name: Prices
  owner: ada
  natural_key_columns: [h, k]
  main_table:
    name: prices
    bitemporal: true
    valid_from: begun
    valid_to: ended
    columns:
      - {name: h, type: integer, nullable: false}
      - {name: k, type: string}
      - {name: v, type: string}
      - {name: begun, type: timestamp, nullable: false}
      - {name: ended, type: timestamp}
  partitions: {period: month, start: 2026-01}
  allow_empty: true
"""
IN_DAYS = PRICES.replace("type: timestamp", "type: date")
IN_PERIODS = (
    PRICES.replace("    valid_from: begun\n    valid_to: ended\n", "")
    .replace("      - {name: begun, type: timestamp, nullable: false}\n", "")
    .replace("      - {name: ended, type: timestamp}\n", "")
)
P1, P2, P3 = "2026-01", "2026-02", "2026-03"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)

Row = tuple[Any, ...]
"""The values of a row of the source: h, k, v, begun, ended."""
_TYPES = {"h": "BIGINT", "k": "VARCHAR", "v": "VARCHAR", "begun": "TIMESTAMPTZ", "ended": "TIMESTAMPTZ"}


def price(value: Any, begin: Any = BEGIN, end: Any = None, key: tuple[Any, Any] = (1, "x")) -> Row:
    """Return a row of the source."""
    return (*key, value, begin, end)


def year(number: int) -> datetime:
    """Return the first instant of a year."""
    return datetime(number, 1, 1, tzinfo=UTC)


@dataclass
class PriceHistory(Shop):
    """A shop in which each month has a table with a snapshot of its prices."""

    now: datetime = NOW
    zone: str = "UTC"
    types: dict[str, str] = field(default_factory=lambda: dict(_TYPES))

    @override
    def use_target(self, **settings: Any) -> None:
        """Write the target file with a table of prices that is stored by month."""
        text = self.store.target(zone=self.zone, **settings)
        location = "prices_{period}" if "type: bigquery" in text else "prices_{period}.parquet"
        tables = f'tables: {{prices: {{location: "{location}", period: month}}}}'
        (self.root / "target.yaml").write_text(
            text.replace(f"zone: {self.zone}", f"zone: {self.zone}, {tables}")
        )

    def put(self, period: str, rows: Sequence[Row]) -> None:
        """Replace the snapshot of a month."""
        names = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in self.types.items())
        width = len(self.types)
        values = [*rows, (None,) * width]
        listed = ", ".join(f"({', '.join(map(_literal, row[:width]))})" for row in values)
        numbered = f"SELECT * FROM (VALUES {listed}) AS t({', '.join(self.types)}) LIMIT {len(rows)}"
        name = period.replace("-", "") if "bigquery" in type(self.store).__name__.lower() else period
        self.write(f"prices_{name}", f"SELECT {names} FROM ({numbered})")

    def load(self, period: str, rows: Sequence[Row] | None = None, **asked: Any) -> Materialization:
        """Replace the snapshot of a month if rows are given, and materialize the month."""
        if rows is not None:
            self.put(period, rows)
        return self.publish(period, "prices", **asked)

    def table(self, version: int | None = None) -> list[Any]:
        """Return the rows of the published table, in the order of their ids."""
        return self.publication("prices", None, version)[1]

    @property
    def record(self) -> Any:
        """The record of the published table."""
        return self.publication("prices", None)[0]

    def known(self) -> list[Row]:
        """Return h, v and the Periods of each row, in the order of key and Periods."""
        rows = [(row["h"], row["v"], row["_period_from"], row["_period_to"]) for row in self.table()]
        return sorted(rows, key=lambda row: (row[0], row[2], str(row[1])))

    def valid(self) -> set[Row]:
        """Return v, the years of the valid time and the Periods of each row."""
        return {
            (
                row["v"],
                row["_valid_from"].year,
                row["_valid_to"] and row["_valid_to"].year,
                row["_period_from"],
                row["_period_to"],
            )
            for row in self.table()
        }


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value.isoformat(sep=' ')}'"
    return f"'{value}'" if isinstance(value, str | date) else str(value)


def open_prices(store: Store, text: str = PRICES, zone: str = "UTC") -> PriceHistory:
    """Open a shop without any prices yet."""
    (store.root / "definitions" / "datasets").mkdir(parents=True)
    (store.root / "definitions" / "users.yaml").write_text(USERS)
    shop = PriceHistory(store.root, store, zone=zone)
    shop.use_target()
    shop.declare(text, "prices")
    return shop


def parquet_rows(path: Path) -> list[Row]:
    """Return the rows of a Parquet file."""
    return duckdb.execute("FROM read_parquet(?)", [str(path)]).fetchall()
