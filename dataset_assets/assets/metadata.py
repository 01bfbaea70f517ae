"""Build the metadata of a materialization: numbers that Dagster plots, tables, charts, SQL, the snapshot."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from dataset_assets.assets.descriptions import schema_of, version_text
from dataset_assets.assets.metadata_values import metadata_value
from dataset_assets.contract.system_columns import recorded_system_columns
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.publishing.bitemporal_measurement import VALIDITY
from dataset_assets.publishing.loaded_periods import TABLE_ROWS, loads_of
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.stats.plots import distribution_svg, legend_svg, markdown_image
from dataset_assets.stats.statistics import ColumnStatistics, Statistics
from dataset_assets.text.markdown import code_span
from dataset_assets.text.wording import listed

MAX_SQL = 50_000
MAX_SNAPSHOT = 200_000
MAX_CHARTS = 12
MAX_CELL = 40
MAX_SAMPLES = 120
MAX_PERIODS = 60
"""Limits of one event's metadata: MAX_CHARTS and MAX_PERIODS are numbers of charts and of Periods.

The others are numbers of characters.
Dagster loads all events of an asset for a page.
"""

_SEPARATE_KEYS = ("sql", "statistics", "checks")
_COUNTED = {
    "user_id": "users",
    "product_id": "products",
    "transaction_id": "transactions",
    "category": "categories",
}
_BILLED = ("jobs", "bytes_estimated", "bytes_billed")
_TRANSFERRED = ("rows_moved", "bytes_moved")
"""Counters of engines: the cost, and the rows and bytes that were transferred between engines."""
_NOT_MEASURED = {"split", *_COUNTED}
_IDENTIFIERS = {"user_id", "product_id", "transaction_id"}
"""Concepts whose distribution of values has no meaning."""

_STATISTICS_COLUMNS = ("column", "nulls %", "cardinality", "min", "max", "mean", "median")
"""Columns of the statistics table, whose types and samples are elsewhere: Dagster cuts off wide tables."""


def materialization_metadata(result: Materialization, uri: str) -> dict[str, Any]:
    """Return the complete metadata of one publication; `uri` is the location of its table."""
    parts = (
        _identity(result),
        _split(result.split_sizes),
        _numbers(result.statistics),
        _changes(result),
        _table_facts(result, uri),
    )
    return {name: value for part in parts for name, value in part} | _documents(result)


def _identity(result: Materialization) -> Iterator[tuple[str, Any]]:
    if result.period:
        yield "period", result.period
    yield "as_of", dg.MetadataValue.timestamp(result.as_of)
    yield "version", version_text(result.version)
    if LOADED_PERIODS in result.record:
        yield from _load(result)
    else:
        yield "dagster/partition_row_count" if result.period else "dagster/row_count", result.counts.rows


def _load(result: Materialization) -> Iterator[tuple[str, Any]]:
    """Yield the figures of a load of a bitemporal table: rows are those that are known now."""
    loads, (begin, end) = loads_of(result.record), result.record[VALIDITY]
    yield "dagster/row_count", result.counts.rows
    yield "dagster/partition_row_count", loads[result.period or ""]["rows"]
    yield "table_rows", result.record[TABLE_ROWS]
    yield "loaded_periods", listed(loads, MAX_PERIODS)
    yield "valid_from", begin or "no row is known"
    yield "valid_to", end or "open"


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
    """Yield the numbers that Dagster plots over Periods: distinct users, means of measures, dates."""
    for name, column in statistics.columns.items():
        if name in _COUNTED:
            yield _COUNTED[name], column.cardinality
        elif column.mean is not None and name not in _NOT_MEASURED and column.type == "decimal":
            yield f"{name}_mean", float(f"{column.mean:.6g}")
    span = statistics.date_range()
    if span:
        yield "first_day", span.start
        yield "last_day", span.end


def _table_facts(result: Materialization, uri: str) -> Iterator[tuple[str, Any]]:
    yield "digest", result.digest
    yield "table_version", str(result.table_version)
    yield "dagster/uri", uri
    if result.size_bytes is not None:
        yield "size_bytes", result.size_bytes
    yield "seconds", round(sum(result.seconds.values()), 3)
    for names in (_BILLED, _TRANSFERRED):
        if names[0] in result.usage:
            yield from ((name, result.usage.get(name, 0)) for name in names)


def _documents(result: Materialization) -> dict[str, Any]:
    return {
        "dagster/column_schema": schema_of(
            result.columns,
            result.record["definition"].get("natural_key_columns", ()),
            recorded_system_columns(result.record),
        ),
        "column_statistics": _table(result.statistics),
        "distributions": dg.MetadataValue.md(_charts(result.statistics)),
        "sql": dg.MetadataValue.md(_code(result.sql)),
        "source_versions": metadata_value(dict(result.sources)),
        "seconds_by_step": metadata_value(dict(result.seconds)),
        "snapshot": metadata_value(_within_limit(result.record)),
    }


def _table(statistics: Statistics) -> dg.TableMetadataValue:
    rows = [{name: _cell(row[name]) for name in _STATISTICS_COLUMNS} for row in statistics.table_rows()]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(row) for row in rows], schema=_text_schema(_STATISTICS_COLUMNS)
    )


def _cell(text: str) -> str:
    """Return the text shortened for a narrow table: instants are UTC to the second."""
    shown = re.sub(r"^(\d{4}-\d\d-\d\d)T([\d:]{8}).*", r"\1 \2", text)
    return shown if len(shown) <= MAX_CELL else f"{shown[: MAX_CELL - 1]}…"


@cache
def _text_schema(names: tuple[str, ...]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(name=name, type="string") for name in names])


def _charts(statistics: Statistics) -> str:
    shown = {name: _chart(name, column) for name, column in statistics.columns.items()}
    charts = [text for text in shown.values() if text]
    legend = [markdown_image(legend_svg(statistics.splits), "splits")] if len(statistics.splits) > 1 else []
    more = [f"and {len(charts) - MAX_CHARTS} more columns"] if len(charts) > MAX_CHARTS else []
    return "\n\n".join([*legend, *charts[:MAX_CHARTS], *more]) or "No values."


def _chart(name: str, column: ColumnStatistics) -> str:
    """Return samples and distribution of a column as Markdown; empty without samples (BR-206)."""
    if name == "split" or not column.sample_values:
        return ""
    samples = ", ".join(map(str, column.sample_values))[:MAX_SAMPLES]
    svg = "" if name in _IDENTIFIERS else distribution_svg(column)
    return "\n\n".join([f"**{name}**: {code_span(samples)}", *([markdown_image(svg, name)] if svg else [])])


def _code(sql: str) -> str:
    """Return the SQL as a Markdown code block that nothing in the SQL can close."""
    shown = sql if len(sql) <= MAX_SQL else f"{sql[:MAX_SQL]}\n-- … {len(sql):,} characters in all"
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}sql\n{shown}\n{fence}"


def _within_limit(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the snapshot (BR-116) without keys that have their own metadata; a remark if too large."""
    shown = {name: value for name, value in record.items() if name not in _SEPARATE_KEYS}
    size = len(json.dumps(shown, default=str))
    if size <= MAX_SNAPSHOT:
        return shown
    return {"kept": "with the rows, in the warehouse", "characters": size, "holds": sorted(record)}
