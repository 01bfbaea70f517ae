"""What a materialization tells Dagster: numbers that it plots, tables, pictures, the SQL (section 10)."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from dataset_assets.assets.descriptions import code_span, schema_of, version_text
from dataset_assets.assets.metadata_values import plain
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.stats.plots import distribution_svg, legend_svg, markdown_image
from dataset_assets.stats.statistics import ColumnStatistics, Statistics

LONGEST_SQL = 50_000
LONGEST_SNAPSHOT = 200_000
MOST_PICTURES = 12
LONGEST_CELL = 40
LONGEST_SAMPLES = 120
"""Every event is stored whole and read whole whenever its asset is looked at."""

_SHOWN_APART = ("sql", "statistics", "checks")
_COUNTED = {
    "user_id": "users",
    "product_id": "products",
    "transaction_id": "transactions",
    "category": "categories",
}
_BILLED = ("jobs", "bytes_estimated", "bytes_billed")
_MOVED = ("rows_moved", "bytes_moved")
"""Of what engines count: what it cost, and what went from one to another."""
_NOT_MEASURED = {"split", *_COUNTED}
_IDENTIFIERS = {"user_id", "product_id", "transaction_id"}
"""How their values are distributed says nothing."""

_IN_THE_TABLE = ("column", "nulls %", "cardinality", "min", "max", "mean", "median")
"""The page cuts off what is too wide: types stand in the schema, samples with the distributions."""


def materialization_metadata(result: Materialization, uri: str) -> dict[str, Any]:
    """Everything that section 10 names and one publication can know."""
    parts = (
        _which(result),
        _split(result.split_sizes),
        _numbers(result.statistics),
        _changes(result),
        _about(result, uri),
    )
    return {name: value for part in parts for name, value in part} | _documents(result)


def _which(result: Materialization) -> Iterator[tuple[str, Any]]:
    if result.period:
        yield "period", result.period
    yield "as_of", dg.MetadataValue.timestamp(result.as_of)
    yield "version", version_text(result.version)
    yield "dagster/partition_row_count" if result.period else "dagster/row_count", result.counts.rows


def _changes(result: Materialization) -> Iterator[tuple[str, Any]]:
    counts = result.counts
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
            yield f"{name}_mean", float(f"{column.mean:.6g}")
    span = statistics.date_range()
    if span:
        yield "first_day", span.start
        yield "last_day", span.end


def _about(result: Materialization, uri: str) -> Iterator[tuple[str, Any]]:
    yield "digest", result.digest
    yield "table_version", str(result.table_version)
    yield "dagster/uri", uri
    if result.size_bytes is not None:
        yield "size_bytes", result.size_bytes
    yield "seconds", round(sum(result.seconds.values()), 3)
    for names in (_BILLED, _MOVED):
        if names[0] in result.usage:
            yield from ((name, result.usage.get(name, 0)) for name in names)


def _documents(result: Materialization) -> dict[str, Any]:
    return {
        "dagster/column_schema": schema_of(
            result.columns, result.record["definition"].get("natural_key_columns", ())
        ),
        "column_statistics": _table(result.statistics),
        "distributions": dg.MetadataValue.md(_pictures(result.statistics)),
        "sql": dg.MetadataValue.md(_code(result.sql)),
        "source_versions": plain(dict(result.sources)),
        "seconds_by_step": plain(dict(result.seconds)),
        "snapshot": plain(_within_limit(result.record)),
    }


def _table(statistics: Statistics) -> dg.TableMetadataValue:
    rows = [{name: _cell(row[name]) for name in _IN_THE_TABLE} for row in statistics.table_rows()]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(row) for row in rows], schema=_text_schema(_IN_THE_TABLE)
    )


def _cell(text: str) -> str:
    """Short enough for a table that Dagster gives half a page: instants are UTC to the second."""
    shown = re.sub(r"^(\d{4}-\d\d-\d\d)T([\d:]{8}).*", r"\1 \2", text)
    return shown if len(shown) <= LONGEST_CELL else f"{shown[: LONGEST_CELL - 1]}…"


@cache
def _text_schema(names: tuple[str, ...]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(name=name, type="string") for name in names])


def _pictures(statistics: Statistics) -> str:
    shown = {name: _picture(name, column) for name, column in statistics.columns.items()}
    told = [text for text in shown.values() if text]
    legend = [markdown_image(legend_svg(statistics.splits), "splits")] if len(statistics.splits) > 1 else []
    left = [f"and {len(told) - MOST_PICTURES} more columns"] if len(told) > MOST_PICTURES else []
    return "\n\n".join([*legend, *told[:MOST_PICTURES], *left]) or "No values."


def _picture(name: str, column: ColumnStatistics) -> str:
    """Samples and distribution of a column; empty where nothing may or can be shown."""
    if name == "split" or not column.sample_values:
        return ""
    samples = ", ".join(map(str, column.sample_values))[:LONGEST_SAMPLES]
    svg = "" if name in _IDENTIFIERS else distribution_svg(column)
    return "\n\n".join([f"**{name}**: {code_span(samples)}", *([markdown_image(svg, name)] if svg else [])])


def _code(sql: str) -> str:
    """A code block, with a fence that nothing in the SQL can close."""
    shown = sql if len(sql) <= LONGEST_SQL else f"{sql[:LONGEST_SQL]}\n-- … {len(sql):,} characters in all"
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}sql\n{shown}\n{fence}"


def _within_limit(record: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot (BR-116), without what stands beside it; or where it is kept, if large."""
    shown = {name: value for name, value in record.items() if name not in _SHOWN_APART}
    size = len(json.dumps(shown, default=str))
    if size <= LONGEST_SNAPSHOT:
        return shown
    return {"kept": "with the rows, in the warehouse", "characters": size, "holds": sorted(record)}
