"""Rows made on the spot in DuckDB, and a plain Python account of what their statistics must be."""

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

import duckdb
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports import PublishedColumn, Session
from dataset_assets.sql.dialect import DUCKDB

SQL_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(38, 9)",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = exp.to_table("staged_rows")


@cache
def database():
    """Opened once: opening takes longer than most of the queries."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class Memory(Session):
    """A session on rows in memory; the next one takes its place."""

    def __init__(self, columns, rows, threads=1):
        self.connection = database()
        self.connection.execute(f"SET threads = {threads}")
        fields = ", ".join(f'"{name}" {SQL_TYPES[kind]}' for name, kind in columns.items())
        self.connection.execute(f"CREATE OR REPLACE TABLE staged_rows ({fields})")
        if rows:
            marks = ", ".join(f"CAST(? AS {SQL_TYPES[kind]})" for kind in columns.values())
            values = ", ".join([f"({marks})"] * len(rows))
            flat = [value for row in rows for value in row]
            self.connection.execute(f"INSERT INTO staged_rows VALUES {values}", flat)

    def rows(self, query):
        answer = self.connection.execute(DUCKDB.render(query, pretty=False))
        names = [each[0] for each in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def _unasked(self, *arguments):
        raise NotImplementedError(arguments)

    describe = arrow = batches = receive = _unasked


def published(columns, sensitive=()):
    return [PublishedColumn(name, kind, True, sensitive=name in sensitive) for name, kind in columns.items()]


def shown(value):
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    return value.isoformat() if isinstance(value, date) else value


def order(value):
    return value.encode() if isinstance(value, str) else value


def point(value):
    if isinstance(value, datetime):
        return (value.date() - EPOCH.date()).days
    return (value - EPOCH.date()).days if isinstance(value, date) else value


def summary(kind, values):
    known = [value for value in values if value is not None]
    numeric, ranged = kind in ("integer", "decimal"), kind not in ("string", "boolean")
    return {
        "cardinality": len(set(known)),
        "null_percent": 100 * (len(values) - len(known)) / len(values),
        "min": shown(min(known)) if known and ranged else None,
        "max": shown(max(known)) if known and ranged else None,
        "mean": float(sum(known)) / len(known) if known and numeric else None,
    }


def bins(kind, values, splits):
    """[(rows, rows by split)] of the equal-width bins, edges included."""
    points = [None if value is None else point(value) for value in values]
    known = [each for each in points if each is not None]
    if not known or kind in ("string", "boolean"):
        return []
    low, high = min(known), max(known)
    width = math.ceil(Decimal(high - low + 1) / 20)
    if kind == "decimal":
        width = max(((high - low) / 20).quantize(Decimal("1e-9"), "ROUND_HALF_UP"), Decimal("1e-9"))
    count = min(20, int((high - low) // width) + 1)
    places = [None if each is None else min(int((each - low) // width), count - 1) for each in points]
    found = []
    for place in range(count):
        held = [split for at, split in zip(places, splits, strict=True) if at == place]
        names = {name: held.count(code) for code, name in enumerate(("train", "eval", "test"))}
        ends = [low + width * place, low + width * (place + 1)]
        if kind == "decimal" and place == count - 1:
            ends[1] = high
        if kind in ("date", "timestamp"):
            ends = [EPOCH.date() + timedelta(days=end) for end in ends]
        found.append(
            {
                "low": shown(ends[0]),
                "high": shown(ends[1]),
                "rows": len(held),
                "splits": {name: rows for name, rows in names.items() if rows},
            }
        )
    return found


def expected(kind, values, splits):
    known = [value for value in values if value is not None]
    ordered = sorted(known, key=order)
    counted = sorted(Counter(known).items(), key=lambda item: (-item[1], order(item[0])))[:10]
    numeric = known and kind in ("integer", "decimal")
    by_split = {
        name: summary(kind, [value for value, split in zip(values, splits, strict=True) if split == code])
        for code, name in enumerate(("train", "eval", "test"))
        if code in splits
    }
    return {
        "type": kind,
        "sensitive": False,
        "null_count": len(values) - len(known),
        **summary(kind, values),
        "median": shown(ordered[(len(ordered) - 1) // 2]) if numeric else None,
        "top_values": [{"value": shown(value), "rows": rows} for value, rows in counted],
        "histogram": bins(kind, values, splits),
        "splits": by_split,
    }
