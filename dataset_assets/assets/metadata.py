"""What a materialization tells Dagster: numbers that it plots, tables, pictures, the SQL (section 10)."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from dataset_assets.assets.describe import schema_of, version_text
from dataset_assets.assets.values import plain
from dataset_assets.materialize import Materialization
from dataset_assets.stats.plots import histogram_svg, markdown_image
from dataset_assets.stats.statistics import Statistics

LONGEST_SQL = 50_000
LONGEST_SNAPSHOT = 200_000
MOST_PICTURES = 12
"""Every event is stored whole and read whole whenever its asset is looked at."""

_SHOWN_APART = ("sql", "statistics", "checks")
_COUNTED = {
    "user_id": "users",
    "product_id": "products",
    "transaction_id": "transactions",
    "category": "categories",
}
_NOT_MEASURED = {"split", *_COUNTED}


def materialization_metadata(result: Materialization, uri: str) -> dict[str, Any]:
    """Everything that section 10 names and one publication can know."""
    parts = (_rows(result), _split(result.split_sizes), _numbers(result.statistics), _about(result, uri))
    return {name: value for part in parts for name, value in part} | _documents(result)


def _rows(result: Materialization) -> Iterator[tuple[str, Any]]:
    counts = result.counts
    yield "dagster/partition_row_count" if result.period else "dagster/row_count", counts.rows
    yield "rows_added", counts.added
    yield "rows_changed", counts.changed
    yield "rows_unchanged", counts.unchanged
    yield "rows_removed", counts.removed


def _split(sizes: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    total = sum(sizes.values())
    for name, rows in sizes.items():
        yield f"rows_{name}", rows
        if total:
            yield f"share_{name}", round(rows / total, 6)


def _numbers(statistics: Statistics) -> Iterator[tuple[str, Any]]:
    """Numbers that Dagster plots over the Periods: how many of each, and the means of measures."""
    for name, column in statistics.columns.items():
        if name in _COUNTED:
            yield _COUNTED[name], column.cardinality
        elif column.mean is not None and name not in _NOT_MEASURED and column.type == "decimal":
            yield f"{name}_mean", column.mean
    span = statistics.date_range()
    if span:
        yield "first_day", span.start
        yield "last_day", span.end


def _about(result: Materialization, uri: str) -> Iterator[tuple[str, Any]]:
    yield "version", version_text(result.version)
    yield "table_version", result.table_version
    yield "as_of", dg.MetadataValue.timestamp(result.as_of)
    yield "digest", result.digest
    yield "dagster/uri", uri
    if result.period:
        yield "period", result.period
    if result.size_bytes is not None:
        yield "size_bytes", result.size_bytes
    for step, seconds in result.seconds.items():
        yield f"seconds_{step}", round(seconds, 3)


def _documents(result: Materialization) -> dict[str, Any]:
    return {
        "dagster/column_schema": schema_of(result.columns),
        "column_statistics": _table(result.statistics),
        "histograms": dg.MetadataValue.md(_pictures(result.statistics)),
        "sql": dg.MetadataValue.md(_code(result.sql)),
        "source_versions": plain(dict(result.sources)),
        "snapshot": plain(_within_limit(result.record)),
    }


def _table(statistics: Statistics) -> dg.TableMetadataValue:
    rows = statistics.table_rows()
    names = tuple(rows[0]) if rows else ("column",)
    return dg.MetadataValue.table(records=[dg.TableRecord(row) for row in rows], schema=_text_schema(names))


@cache
def _text_schema(names: tuple[str, ...]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(name=name, type="string") for name in names])


def _pictures(statistics: Statistics) -> str:
    drawn = [(name, column) for name, column in statistics.columns.items() if column.histogram]
    pictures = [
        f"`{name}`\n\n{markdown_image(histogram_svg(column), name)}" for name, column in drawn[:MOST_PICTURES]
    ]
    left = len(drawn) - len(pictures)
    return "\n\n".join([*pictures, f"and {left} more columns" if left else ""]).strip() or "No numbers."


def _code(sql: str) -> str:
    """A code block, with a fence that nothing in the SQL can close."""
    shown = sql if len(sql) <= LONGEST_SQL else f"{sql[:LONGEST_SQL]}\n-- … {len(sql):,} characters in all"
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}sql\n{shown}\n{fence}"


def _within_limit(record: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot (decision 16), without what stands beside it; or where it is kept, if large."""
    shown = {name: value for name, value in record.items() if name not in _SHOWN_APART}
    size = len(json.dumps(shown, default=str))
    if size <= LONGEST_SNAPSHOT:
        return shown
    return {"kept": "with the rows, in the warehouse", "characters": size, "holds": sorted(record)}
