"""Job J's selection in polars, lazily. Money in whole billionths, so that sums are exact, as ours are."""

from pathlib import Path

import polars as pl
from reporting import Counts, report

COLUMNS = ["household_id", "basket_id", "product_id", "sales_value", "transaction_timestamp"]
STAMP = pl.col("transaction_timestamp")
START, EVAL, END = (pl.lit(day).str.to_datetime() for day in ("2017-07-01", "2017-12-18", "2018-01-01"))


def select(data: Path) -> Counts:
    """From the Parquet files to the selected rows."""
    sales = (
        pl.scan_parquet(data / "transactions.parquet")
        .select(COLUMNS)
        .filter((START <= STAMP) & (END > STAMP))
        .with_columns(nano=(pl.col("sales_value") * 1e9).round().cast(pl.Int64))
    )
    totals = sales.group_by("product_id").agg(pl.col("nano").sum())
    totals = totals.sort(["nano", "product_id"], descending=[True, False])
    ahead = pl.col("nano").cum_sum() - pl.col("nano")
    top = totals.filter(ahead * 100 < 80 * pl.col("nano").sum()).select("product_id")
    sales = sales.join(top, on="product_id", how="semi")
    baskets = sales.group_by("household_id").agg(pl.col("basket_id").n_unique())
    active = baskets.filter(pl.col("basket_id") >= 2).select("household_id")
    products = pl.scan_parquet(data / "products.parquet").select("product_id", "department", "brand")
    people = pl.scan_parquet(data / "demographics.parquet").select("household_id", "age", "income")
    rows = (
        sales.join(active, on="household_id", how="semi")
        .join(products, on="product_id", how="left")
        .join(people, on="household_id", how="left")
        .with_columns(split=(EVAL <= STAMP).cast(pl.Int64))
        .collect()
    )
    return {
        "rows": rows.height,
        "products": rows["product_id"].n_unique(),
        "users": rows["household_id"].n_unique(),
        "eval": int(rows["split"].sum()),
    }


if __name__ == "__main__":
    report(select)
