"""Derive a table of the demo: when each product's price changed, from what was paid for it."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from dataset_assets.interfaces.whole_files import whole_file

PRICE_CHANGES = "price_changes"
SOURCE = "transactions"
_KEY = ["product_id", "transaction_timestamp"]
_SCHEMA = pa.schema(
    [("product_id", pa.int64()), ("changed_at", pa.timestamp("us")), ("price", pa.decimal128(10, 2))]
)


def is_derived(folder: Path) -> bool:
    """Return whether the table is there, made from the transactions that are there."""
    source, target = folder / f"{SOURCE}.parquet", folder / f"{PRICE_CHANGES}.parquet"
    return target.exists() and target.stat().st_mtime == source.stat().st_mtime


def derive(folder: Path) -> None:
    """Write for each product the price of its first purchase, and each price unlike the one before.

    A price is that of one piece before discounts. Of several at one instant the highest counts. The file has
    the time of the transactions, and is written whole or not at all.
    """
    source, target = folder / f"{SOURCE}.parquet", folder / f"{PRICE_CHANGES}.parquet"
    names = ["quantity", "sales_value", "retail_disc"]
    sales = pd.read_parquet(source, columns=[*_KEY, *names])
    sales = sales[sales["quantity"] > 0]
    sales["price"] = ((sales["sales_value"] + sales["retail_disc"]) / sales["quantity"]).round(2)
    prices = sales.groupby(_KEY, as_index=False, sort=True)["price"].max()
    before = prices.groupby("product_id")["price"].shift()
    changes = prices[prices["price"] != before]
    table = pa.table(
        {
            "product_id": pa.array(changes["product_id"]),
            "changed_at": pa.array(changes["transaction_timestamp"]).cast(pa.timestamp("us")),
            "price": pa.array(changes["price"]).cast(_SCHEMA.field("price").type),
        },
        schema=_SCHEMA,
    )
    with whole_file(target) as partial:
        parquet.write_table(table, partial)
        stamp = source.stat()
        os.utime(partial, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
