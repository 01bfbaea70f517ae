"""Print an analysis and a preview of a dataset."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import RenderableType

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.failing_rows import FailingRows
from dataset_assets.discovery.preview import Preview, PreviewColumn
from dataset_assets.interfaces.cli.console import Grid, cell, facts, masked_remark, out, say
from dataset_assets.interfaces.cli.listing import statistics_table
from dataset_assets.interfaces.frames import NULL, format_value
from dataset_assets.stats.statistics import Statistics

_STEPS = {"window": "date range", "product_filter": "product filter", "customer_filter": "customer filter"}


def print_analysis(found: Analysis) -> None:
    """Print the sizes, what filters would keep, the checks, and the statistics of the columns."""
    for part in _parts(found):
        out().print(part)
    failed = [each for each in found.checks if not each.passed]
    for each in failed:
        say(f"{each.name}: {each.message}")
    if any(each.blocking for each in failed):
        say("a run would not publish these rows")


def _parts(found: Analysis) -> Iterator[RenderableType]:
    days = found.date_range
    yield facts(
        [
            ("rows", f"{found.row_count_estimate:,}"),
            ("users", _count(found.unique_users_estimate)),
            ("products", _count(found.unique_products_estimate)),
            ("days", f"{days.start} to {days.end}" if days else ""),
            *((name, f"{each.rows:,} ({each.percent:.1f} %)") for name, each in found.splits.items()),
            ("leaks", _leaks(found)),
        ]
    )
    yield _steps(found)
    if found.revenue_filters:
        yield _revenue_filters(found)
    statistics = Statistics(row_count=found.row_count_estimate, columns=dict(found.column_stats))
    yield statistics_table(statistics, "Selected columns")


def _leaks(found: Analysis) -> str:
    leaks = found.leaks
    if leaks is None:
        return ""
    counts = {"products": leaks.products_leaked, "users": leaks.users_leaked}
    words = (f"{count:,} {name}" for name, count in counts.items() if count is not None)
    return f"{' and '.join(words)} kept only because of eval rows"


def _steps(found: Analysis) -> Grid:
    table = Grid("after", "rows", "users", "products", title="Steps", right=("rows", "users", "products"))
    for each in found.steps:
        remark = "" if each.applies else " (none)"
        counts = map(_count, (each.rows, each.users, each.products))
        table.add_row(cell(f"{_STEPS[each.step]}{remark}"), *counts)
    return table


def _revenue_filters(found: Analysis) -> Grid:
    numbers = ("products", "rows", "revenue", "% of revenue")
    fitted = ", fitted on train rows" if found.fit_on == "train" else ""
    title = f"What filters by revenue would keep{fitted}"
    table = Grid("filter", *numbers, title=title, right=numbers)
    for each in found.revenue_filters:
        products = f"{each.products:,} ({_percent(each.products_percent)})"
        rows = f"{each.rows:,} ({_percent(each.rows_percent)})"
        name = cell(f"{each.type} {each.value}")
        table.add_row(name, products, rows, f"{Decimal(each.revenue):,}", _percent(each.revenue_percent))
    return table


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} %"


def print_preview(found: Preview) -> None:
    """Print the rows as a table in which the values of sensitive columns are masked (BR-206)."""
    masked = _print_rows(found.columns, found.rows)
    say(f"the first {len(found.rows):,} rows, by time and key{masked}")


def print_failing_rows(found: FailingRows) -> None:
    """Print the rows as `print_preview` does, and how many there are; no table if there are none."""
    if not found.total:
        say(f"no row fails {found.check}")
        return
    masked = _print_rows(found.columns, found.rows)
    say(f"{len(found.rows):,} of {found.total:,} rows that fail {found.check}, by time and key{masked}")


def _print_rows(columns: Sequence[PreviewColumn], rows: Sequence[Mapping[str, Any]]) -> str:
    """Print a table of rows, and return the remark that names masked columns."""
    table = Grid(*(each.name for each in columns))
    for row in rows:
        texts = (format_value(row[each.name]) for each in columns)
        table.add_row(*(cell(text, "dim" if text in (NULL, MASKED) else "") for text in texts))
    out().print(table)
    return masked_remark(each.name for each in columns if each.sensitive)
