"""Job J's selection in pandas. Money in whole billionths, so that sums are exact, as ours are."""

from pathlib import Path

import pandas as pd
from reporting import Counts, report

COLUMNS = ["household_id", "basket_id", "product_id", "sales_value", "transaction_timestamp"]


def select(data: Path) -> Counts:
    """From the Parquet files to the selected rows."""
    sales = pd.read_parquet(data / "transactions.parquet", columns=COLUMNS)
    stamp = sales["transaction_timestamp"]
    sales = sales[(stamp >= "2017-07-01") & (stamp < "2018-01-01")]
    sales = sales.assign(nano=(sales["sales_value"] * 1e9).round().astype("int64"))
    totals = sales.groupby("product_id", as_index=False)["nano"].sum()
    totals = totals.sort_values(["nano", "product_id"], ascending=[False, True])
    ahead = totals["nano"].cumsum() - totals["nano"]
    top = totals.loc[ahead * 100 < 80 * totals["nano"].sum(), "product_id"]
    sales = sales[sales["product_id"].isin(top)]
    baskets = sales.groupby("household_id")["basket_id"].nunique()
    sales = sales[sales["household_id"].isin(baskets[baskets >= 2].index)]
    products = pd.read_parquet(data / "products.parquet", columns=["product_id", "department", "brand"])
    people = pd.read_parquet(data / "demographics.parquet", columns=["household_id", "age", "income"])
    rows = sales.merge(products, on="product_id", how="left").merge(people, on="household_id", how="left")
    rows["split"] = (rows["transaction_timestamp"] >= "2017-12-18").astype("int64")
    return {
        "rows": len(rows),
        "products": int(rows["product_id"].nunique()),
        "users": int(rows["household_id"].nunique()),
        "eval": int(rows["split"].sum()),
    }


if __name__ == "__main__":
    report(select)
