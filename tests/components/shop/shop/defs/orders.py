"""The project's own work: a table of orders for each month, as Parquet files."""

from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

LAKE = Path(__file__).parents[2] / "lake"


@dg.asset(key=["raw", "orders"], partitions_def=dg.MonthlyPartitionsDefinition("2026-01", fmt="%Y-%m"))
def orders(context: dg.AssetExecutionContext) -> None:
    begin = datetime.fromisoformat(f"{context.partition_key}-01T00:00:00+00:00")
    numbers = range(40)
    table = {
        "order_id": [begin.month * 1000 + number for number in numbers],
        "product_id": [number % 7 for number in numbers],
        "customer_id": [number % 5 for number in numbers],
        "ordered_at": [begin + timedelta(hours=16 * number) for number in numbers],
        "price": pa.array([number / 4 for number in numbers]),
    }
    (LAKE / "orders").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), LAKE / "orders" / f"{context.partition_key}.parquet")
