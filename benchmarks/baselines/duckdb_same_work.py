"""Job J's publication by hand in DuckDB: its rows in order, ids, checks, statistics, a hash and the file.

Tuned: narrow types, only narrow columns are sorted, lookups are joined while the file is written, values are
counted once for each column, and statistics and most checks are derived from the counts. Money is whole
billionths. The file has dictionaries only where they are tiny: those of row ids would cost the most.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
from same_publication import COLUMNS, CONSTANTS, EVAL_TIME, ID_HEAD, ID_TAIL, LOOKUPS, WINDOW, checks
from same_statistics import NANO, SAMPLES, TOP, Column, Count, Scope, first_by_md5, statistics
from turns import Published, take_turns

SALES = """
CREATE TABLE sales AS
SELECT CAST(transaction_timestamp AS TIMESTAMP) AS "timestamp", CAST(household_id AS INTEGER) AS user_id,
  CAST(product_id AS INTEGER) AS product_id, basket_id, CAST(ROUND(sales_value * 1e9) AS BIGINT) AS revenue,
  CAST(transaction_timestamp >= '{eval}' AS TINYINT) AS split
FROM '{data}/transactions.parquet'
WHERE transaction_timestamp >= '{start}' AND transaction_timestamp < '{end}'
"""
LOOKUP_TABLES = """
CREATE TABLE products AS
SELECT CAST(product_id AS INTEGER) AS product_id, department AS category, brand AS products__brand
FROM '{data}/products.parquet';
CREATE TABLE demographics AS
SELECT CAST(household_id AS INTEGER) AS user_id, age AS demographics__age, income AS demographics__income
FROM '{data}/demographics.parquet'
"""
FITTED = """
CREATE TABLE {prefix}top AS
WITH totals AS (
  SELECT product_id, CAST(SUM(revenue) AS BIGINT) AS total FROM sales
  WHERE split <= {last} GROUP BY product_id
), ranked AS (
  SELECT product_id, SUM(total) OVER () AS whole,
    SUM(total) OVER (ORDER BY total DESC, product_id ROWS UNBOUNDED PRECEDING) - total AS ahead
  FROM totals
)
SELECT product_id FROM ranked WHERE ahead * 100 < 80 * whole;
CREATE TABLE {prefix}active AS
SELECT user_id FROM sales SEMI JOIN {prefix}top USING (product_id) WHERE split <= {last}
GROUP BY user_id HAVING COUNT(DISTINCT basket_id) >= 2
"""
ROWS = """
CREATE TABLE rows AS
SELECT * FROM sales SEMI JOIN top USING (product_id) SEMI JOIN active USING (user_id)
ORDER BY "timestamp", basket_id, product_id
"""
JOINED = "rows LEFT JOIN products USING (product_id) LEFT JOIN demographics USING (user_id)"
COUNTS = """
CREATE TABLE count_{name} AS
SELECT {name} AS value, {rows} AS "all", {rows} - {of_eval} AS train, {of_eval} AS eval
FROM {source} GROUP BY ALL
"""
REPEATED_KEYS = "SELECT COUNT(*) FROM (SELECT 1 FROM rows GROUP BY basket_id, product_id HAVING COUNT(*) > 1)"
REPEATED = "SELECT COUNT(*) FROM (SELECT {key} FROM {lookup} GROUP BY {key} HAVING COUNT(*) > 1)"
UNMATCHED = 'SELECT COALESCE(SUM("all"), 0) FROM count_{key} ANTI JOIN {lookup} ON {key} = value'
LEAKED = """
SELECT COUNT(*) FILTER (value NOT IN (FROM {fit})), COUNT(*) FILTER (train = 0 AND value IN (FROM {fit}))
FROM count_{name}
"""
COPY = """
COPY (SELECT {columns} FROM (SELECT *, rowid AS number FROM rows) AS rows
  LEFT JOIN products USING (product_id) LEFT JOIN demographics USING (user_id)
) TO '{path}' (
  FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880, DICTIONARY_SIZE_LIMIT 1
)
"""
PUBLISHED = {
    "timestamp": 'CAST("timestamp" AS TIMESTAMPTZ)',
    "revenue": "CAST(CAST(revenue AS DECIMAL(18, 0)) * CAST(0.000000001 AS DECIMAL(9, 9)) AS DECIMAL(38, 9))",
    **{name: f"CAST({name} AS BIGINT)" for name in ("user_id", "product_id", "split")},
    "transaction_id": "basket_id",
}
"""How a column is written if not as it is in the table."""
DECLARED = ["BIGINT", "BIGINT", "TIMESTAMP WITH TIME ZONE", "DECIMAL(38,9)", "VARCHAR", "BIGINT", "BIGINT"]
DECLARED += ["VARCHAR", "VARCHAR", "VARCHAR", "BIGINT"]
NUMBERS = {"revenue": ("decimal", "value"), "split": ("integer", f"value * {NANO}")}
DAYS = "epoch_us(value) // 86_400_000_000"


def publish(data: Path, path: Path) -> Published:
    """From the Parquet files to the published file and its record."""
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'; SET threads = 2")
        return _publish(session, data, path)


def _publish(session: duckdb.DuckDBPyConnection, data: Path, path: Path) -> Published:
    session.execute(SALES.format(data=data, start=WINDOW[0], end=WINDOW[1], eval=EVAL_TIME))
    session.execute(LOOKUP_TABLES.format(data=data))
    for prefix, last in (("", 1), ("train_", 0)):
        session.execute(FITTED.format(prefix=prefix, last=last))
    session.execute(ROWS)
    columns = dict.fromkeys(COLUMNS.values())
    figures = statistics({name: described(session, name) for name in sorted(columns, key=_has_lookup)})
    figures["columns"] = {name: figures["columns"][source] for name, source in COLUMNS.items()}
    write(session, path)
    (digest,) = one(session, f"SELECT BIT_XOR(HASH({', '.join(columns)})) FROM {JOINED}")
    types = [row[1] for row in session.execute(f"DESCRIBE FROM '{path}'").fetchall()][: len(DECLARED)]
    found = checks(
        is_declared=types == DECLARED,
        statistics=figures,
        repeated_lookups=[
            name
            for name, lookup in LOOKUPS.items()
            if one(session, REPEATED.format(lookup=name, key=lookup.key))[0]
        ],
        repeated_keys=one(session, REPEATED_KEYS)[0],
        unmatched={
            name: int(one(session, UNMATCHED.format(lookup=name, key=lookup.key))[0])
            for name, lookup in LOOKUPS.items()
        },
        leaked=dict(leaked(session)),
    )
    return Published(path, {"statistics": figures, "checks": found, "digest": f"{digest:x}"})


def one(session: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """Return the only row of a query."""
    return session.execute(sql).fetchall()[0]


def _has_lookup(name: str) -> bool:
    return any(name in lookup.columns for lookup in LOOKUPS.values())


def described(session: duckdb.DuckDBPyConnection, name: str) -> Column:
    """Count a column's values and return all that its statistics are made of.

    A lookup's columns are counted by the counts of its key: that is unique, or the checks fail.
    """
    found = next(((key, each) for key, each in LOOKUPS.items() if name in each.columns), None)
    if found:
        source = f"count_{found[1].key} AS keys LEFT JOIN {found[0]} ON {found[1].key} = keys.value"
        session.execute(count_of(name, source, "SUM(keys.all)", "SUM(keys.eval)"))
    else:
        session.execute(count_of(name, "rows", "COUNT(*)", "SUM(split)"))
    is_text = found is not None
    kind, value = "string" if is_text else "identifier", "value"
    if name == "timestamp":
        kind, value = "timestamp", "epoch_us(value)"
    elif name in NUMBERS:
        kind, value = NUMBERS[name]
    scopes = tuple(scopes_of(session, name, kind, value))
    if name.startswith("demographics"):
        return Column("string", scopes, sensitive=True)
    counted = f"FROM count_{name} WHERE value IS NOT NULL"
    top = session.execute(
        f'SELECT {value}, "all" {counted} ORDER BY "all" DESC, value LIMIT {TOP}'
    ).fetchall()
    drawn = samples(session, name, kind)
    return Column(kind, scopes, top, drawn, points(session, name, kind, value))


def count_of(name: str, source: str, rows: str, of_eval: str) -> str:
    """Return the statement that counts the rows of each value, in all and in each split."""
    return COUNTS.format(
        name=name, source=source, rows=f"CAST({rows} AS BIGINT)", of_eval=f"CAST({of_eval} AS BIGINT)"
    )


def scopes_of(session: duckdb.DuckDBPyConnection, name: str, kind: str, value: str) -> Iterator[Scope]:
    """Yield the figures of all rows and of each split."""
    for scope in ("all", "train", "eval"):
        ends = f"MIN({value}), MAX({value})" if kind != "string" else "NULL, NULL"
        total = f'CAST(SUM({value} * "{scope}") AS HUGEINT)' if name in NUMBERS else "NULL"
        yield Scope(
            *one(
                session,
                f'SELECT CAST(SUM("{scope}") AS BIGINT), '
                f'CAST(COALESCE(SUM("{scope}") FILTER (value IS NULL), 0) AS BIGINT), '
                f'COUNT(value), {ends}, {total} FROM count_{name} WHERE "{scope}" > 0',
            )
        )


def samples(session: duckdb.DuckDBPyConnection, name: str, kind: str) -> Sequence[Any]:
    """Return the least identifiers, or the texts with the least MD5."""
    if kind not in ("identifier", "string"):
        return ()
    limit = f"ORDER BY value LIMIT {SAMPLES}" if kind == "identifier" else ""
    found = session.execute(f"SELECT value FROM count_{name} WHERE value IS NOT NULL {limit}").fetchall()
    values = [value for (value,) in found]
    return first_by_md5(values) if kind == "string" else values


def points(session: duckdb.DuckDBPyConnection, name: str, kind: str, value: str) -> list[Count]:
    """Return the points of a histogram: the values of numbers, the days of times."""
    if name in NUMBERS:
        sql = f'SELECT {value}, "all", eval, {value} FROM count_{name} WHERE value IS NOT NULL'
    elif kind == "timestamp":
        sql = f'SELECT {DAYS}, SUM("all"), SUM(eval), MIN({value}) FROM count_{name} GROUP BY 1'
    else:
        return []
    return [Count(*map(int, row)) for row in session.execute(sql).fetchall()]


def leaked(session: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, int]]:
    """Count products and users that filters fitted on train rows drop, and others without a train row."""
    for plural, name, fit in (("products", "product_id", "train_top"), ("users", "user_id", "train_active")):
        yield from zip(
            (f"{plural}_leaked", f"{plural}_new"),
            one(session, LEAKED.format(name=name, fit=fit)),
            strict=True,
        )


def write(session: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the published columns and the system columns."""
    shown = {name: PUBLISHED.get(name, f'"{name}"') for name in COLUMNS}
    counter = "printf('%03x-%04x', number >> 14, 32768 | (number & 16383))"
    shown["_row_id"] = f"'{ID_HEAD}' || {counter} || '{ID_TAIL}'"
    shown |= {name: constant(value) for name, value in CONSTANTS.items()}
    columns = ", ".join(f'{expression} AS "{name}"' for name, expression in shown.items())
    session.execute(COPY.format(columns=columns, path=path))


def constant(value: object) -> str:
    """Return a system column's one value as SQL."""
    if value is None:
        return "CAST(NULL AS VARCHAR)"
    if isinstance(value, list):
        return "CAST([] AS STRUCT(key VARCHAR, value VARCHAR)[])"
    if isinstance(value, bool):
        return str(value)
    return f"'{value}'" if isinstance(value, str) else f"TIMESTAMPTZ '{value}'"


if __name__ == "__main__":
    DATA, FOLDER = map(Path, sys.argv[1:])
    take_turns(lambda: publish(DATA, FOLDER / "duckdb.parquet"))
