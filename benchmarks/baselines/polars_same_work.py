"""Job J's publication by hand in polars: its rows in order, ids, checks, statistics, a hash and the file.

Tuned: narrow types, lookups joined after the sort, values counted once for each column, and all statistics
and most checks derived from the counts. Money is whole billionths, so that sums are exact, as ours are. The
hash is polars' own, the cheapest it has; another version of polars may give another one.
"""

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl
from same_publication import COLUMNS, CONSTANTS, EVAL_TIME, ID_HEAD, ID_TAIL, WINDOW, checks
from same_statistics import NANO, SAMPLES, TOP, Column, Count, Scope, Value, first_by_md5, statistics
from turns import Published, take_turns

STAMP = pl.col("timestamp")
SCOPES = ("rows", "train", "eval")
LABELS = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
DECLARED = [pl.Int64, pl.Int64, pl.Datetime("us", "UTC"), pl.Decimal(38, 9), pl.String, pl.Int64, pl.Int64]
DECLARED += [pl.String, pl.String, pl.String, pl.Int64]
BLOCK = 1 << 14
"""Ids that differ in their second counter only."""


def publish(data: Path, path: Path) -> Published:
    """From the Parquet files to the published file and its record."""
    sales = read_sales(data)
    lookups = read_lookups(data)
    kept = select(sales)
    rows = enriched(kept.sort("timestamp", "basket_id", "product_id"), lookups)
    counts = counted(rows, lookups)
    figures = statistics({name: described(name, each) for name, each in counts.items()})
    figures["columns"] = {name: figures["columns"][COLUMNS[name]] for name in COLUMNS}
    write(rows, path)
    found = checks(
        is_declared=list(pl.read_parquet_schema(path).values())[: len(DECLARED)] == DECLARED,
        statistics=figures,
        repeated_lookups=[name for name, each in lookups.items() if repeats(each[each.columns[0]])],
        repeated_keys=repeats(rows["basket_id"] * 2**25 + rows["product_id"]),
        unmatched={name: unmatched(counts, each) for name, each in lookups.items()},
        leaked=leaked(sales, counts),
    )
    digest = f"{rows.hash_rows().sum():x}"
    return Published(path, {"statistics": figures, "checks": found, "digest": digest})


def read_sales(data: Path) -> pl.DataFrame:
    """Read the window's transactions, as narrow as their values allow."""
    start, end = map(instant, WINDOW)
    return (
        pl.scan_parquet(data / "transactions.parquet")
        .filter(pl.col("transaction_timestamp").is_between(start, end, closed="left"))
        .select(
            pl.col("transaction_timestamp").cast(pl.Datetime("us")).alias("timestamp"),
            pl.col("household_id").cast(pl.Int32).alias("user_id"),
            pl.col("product_id").cast(pl.Int32),
            pl.col("basket_id"),
            (pl.col("sales_value") * NANO).round().cast(pl.Int64).alias("revenue"),
        )
        .collect()
    )


def instant(text: str) -> pl.Expr:
    """Return a literal time, UTC as the source's are."""
    return pl.lit(datetime.fromisoformat(text))


def read_lookups(data: Path) -> dict[str, pl.DataFrame]:
    """Read the lookups with their key first. Few texts: categories are joined and counted as integers."""
    products = pl.scan_parquet(data / "products.parquet").select(
        pl.col("product_id").cast(pl.Int32),
        category=pl.col("department").cast(pl.Categorical),
        products__brand=pl.col("brand").cast(pl.Categorical),
    )
    people = pl.scan_parquet(data / "demographics.parquet").select(
        user_id=pl.col("household_id").cast(pl.Int32),
        demographics__age=pl.col("age").cast(pl.Categorical),
        demographics__income=pl.col("income").cast(pl.Categorical),
    )
    return {"products": products.collect(), "demographics": people.collect()}


def select(sales: pl.DataFrame) -> pl.DataFrame:
    """Keep the best sellers that bring 80 % of the revenue, then the users with two baskets of them."""
    kept, users = fitted(sales)
    return kept.join(users, on="user_id", how="semi")


def fitted(sales: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of the best sellers, and their users with two baskets."""
    totals = sales.group_by("product_id").agg(pl.col("revenue").sum())
    totals = totals.sort(["revenue", "product_id"], descending=[True, False])
    ahead = pl.col("revenue").cum_sum() - pl.col("revenue")
    top = totals.filter(ahead * 100 < 80 * pl.col("revenue").sum())
    kept = sales.join(top, on="product_id", how="semi")
    baskets = kept.group_by("user_id").agg(pl.col("basket_id").n_unique())
    return kept, baskets.filter(pl.col("basket_id") >= 2)


def enriched(rows: pl.DataFrame, lookups: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Join the lookups and split the rows, which stay in order."""
    for lookup in lookups.values():
        rows = rows.join(lookup, on=lookup.columns[0], how="left", maintain_order="left")
    return rows.with_columns(split=(instant(EVAL_TIME) <= STAMP).cast(pl.Int8))


def counted(rows: pl.DataFrame, lookups: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Count each column's values.

    A lookup's columns are counted by the counts of its key: that is unique, or the checks fail.
    """
    found = {name: count(rows, name) for name in dict.fromkeys(COLUMNS.values()) if name in NARROW}
    for lookup in lookups.values():
        key, *names = lookup.columns
        held = found[key].join(lookup, left_on="value", right_on=key, how="left")
        for name in names:
            sums = held.group_by(name).agg(pl.col("rows", "eval", "train").sum())
            found[name] = sums.rename({name: "value"})
    return found


def count(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Count the rows of each value of a column, in all and in each split."""
    found = rows.group_by(pl.col(name).alias("value")).agg(
        rows=pl.len().cast(pl.Int64), eval=pl.col("split").sum().cast(pl.Int64)
    )
    return found.with_columns(train=pl.col("rows") - pl.col("eval"))


NARROW = ("timestamp", "user_id", "product_id", "basket_id", "revenue", "split")
KINDS = {"timestamp": "timestamp", "revenue": "decimal", "split": "integer"}


def described(name: str, counted: pl.DataFrame) -> Column:
    """Return all that the statistics of a column are made of."""
    text = counted["value"].dtype == pl.Categorical
    kind = KINDS.get(name, "string" if text else "identifier")
    sensitive = name.startswith("demographics")
    value = pl.col("value").cast(pl.Int64)
    if kind == "integer":
        counted = counted.with_columns(value=value * NANO)
    elif kind == "timestamp":
        counted = counted.with_columns(pl.col("value").dt.epoch("us"))
    elif text:
        counted = counted.with_columns(pl.col("value").cast(pl.String))
    scopes = tuple(Scope(*row) for row in scopes_of(counted, kind))
    if sensitive:
        return Column("string", scopes, sensitive=True)
    present = counted.drop_nulls("value")
    least = present["rows"].top_k(TOP).min()
    top = present.filter(pl.col("rows") >= least).sort(["rows", "value"], descending=[True, False])
    samples: list[Value] = []
    if text:
        samples = first_by_md5(present["value"])
    elif kind == "identifier":
        samples = present["value"].bottom_k(SAMPLES).sort().to_list()
    return Column(kind, scopes, top.select("value", "rows").head(TOP).rows(), samples, points(present, kind))


def scopes_of(counted: pl.DataFrame, kind: str) -> list[tuple[int, ...]]:
    """Return the figures of all rows and of each split."""
    value, ordered, summed = pl.col("value"), kind != "string", kind in ("decimal", "integer")
    found = counted.select(
        each
        for scope in SCOPES
        for each in (
            pl.col(scope).sum().alias(f"{scope}_rows"),
            pl.col(scope).filter(value.is_null()).sum().alias(f"{scope}_nulls"),
            value.filter(pl.col(scope) > 0).count().alias(f"{scope}_cardinality"),
            (value.filter(pl.col(scope) > 0).min() if ordered else pl.lit(None)).alias(f"{scope}_low"),
            (value.filter(pl.col(scope) > 0).max() if ordered else pl.lit(None)).alias(f"{scope}_high"),
            ((value * pl.col(scope)).sum() if summed else pl.lit(None)).alias(f"{scope}_total"),
        )
    ).row(0)
    return [found[place : place + 6] for place in range(0, len(found), 6)]


def points(present: pl.DataFrame, kind: str) -> list[Count]:
    """Return the points of a histogram: the values of numbers, the days of times."""
    if kind in ("decimal", "integer"):
        found = present.select("value", "rows", "eval", least="value")
    elif kind == "timestamp":
        day = (pl.col("value") // 86_400_000_000).alias("day")
        found = present.group_by(day).agg(pl.col("rows").sum(), pl.col("eval").sum(), pl.col("value").min())
    else:
        return []
    return list(map(Count._make, found.rows()))


def repeats(key: pl.Series) -> int:
    """Return how many rows repeat a key."""
    return len(key) - key.n_unique()


def unmatched(counts: Mapping[str, pl.DataFrame], lookup: pl.DataFrame) -> int:
    """Return the number of rows that a lookup has no row for."""
    key = lookup.columns[0]
    return counts[key].join(lookup, left_on="value", right_on=key, how="anti")["rows"].sum()


def leaked(sales: pl.DataFrame, counts: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Count products and users that filters fitted on train rows drop, and others without a train row."""
    kept, users = fitted(sales.filter(instant(EVAL_TIME) > STAMP))
    found = {}
    for plural, name, fit in (("products", "product_id", kept), ("users", "user_id", users)):
        held = counts[name]["value"].is_in(fit[name].unique().implode())
        found[f"{plural}_leaked"] = int((~held).sum())
        found[f"{plural}_new"] = int((held & (counts[name]["train"] == 0)).sum())
    return found


def write(rows: pl.DataFrame, path: Path) -> None:
    """Write the published columns and the system columns."""
    number = pl.col("revenue").cast(pl.Float64) / NANO
    texts = (pl.col(name).cast(pl.String) for name, kind in rows.schema.items() if kind == pl.Categorical)
    published = rows.with_columns(
        pl.col("user_id", "product_id", "split").cast(pl.Int64),
        STAMP.dt.replace_time_zone("UTC"),
        *texts,
        revenue=number.cast(pl.Decimal(38, 9)),
    )
    published = published.select(pl.col(source).alias(name) for name, source in COLUMNS.items())
    published = published.with_columns(ids(rows.height), *(constant(*each) for each in CONSTANTS.items()))
    options = {"compression": "zstd", "compression_level": 1, "row_group_size": 122_880}
    published.write_parquet(path, **options)


def ids(rows: int) -> pl.Series:
    """Return UUIDv7 with a monotonic counter of 26 bits, in the order of the rows."""
    low = pl.Series([f"-{0x8000 | place:04x}{ID_TAIL}" for place in range(BLOCK)])
    blocks = (f"{ID_HEAD}{n:03x}" + low[: rows - n * BLOCK] for n in range(-(-rows // BLOCK)))
    return pl.concat(blocks).alias("_row_id")


def constant(name: str, value: object) -> pl.Expr:
    """Return a system column that has one value in all rows."""
    if name == "_labels":
        return pl.lit([], dtype=LABELS).alias(name)
    kind = pl.String if value is None else pl.Datetime("us", "UTC") if isinstance(value, datetime) else None
    return pl.lit(value, dtype=kind).alias(name)


if __name__ == "__main__":
    DATA, FOLDER = map(Path, sys.argv[1:])
    take_turns(lambda: publish(DATA, FOLDER / "polars.parquet"))
