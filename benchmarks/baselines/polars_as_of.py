"""The join of the benchmark `point_in_time` by polars' `join_asof`, from the same Parquet files."""

from pathlib import Path

import polars as pl
from reporting import Counts, report


def select(folder: Path) -> Counts:
    """From the Parquet files to the sales with the price known at their time; polars sorts both sides."""
    rows = (
        pl.scan_parquet(folder / "sales.parquet")
        .sort("sold_at")
        .join_asof(
            pl.scan_parquet(folder / "prices.parquet").sort("changed_at"),
            left_on="sold_at",
            right_on="changed_at",
            by="item",
            strategy="backward",
            tolerance="90d",
            check_sortedness=False,
        )
        .collect()
    )
    return {"rows": rows.height, "known": rows["price"].count(), "sum": int(rows["price"].sum())}


if __name__ == "__main__":
    report(select)
