"""Read a BigQuery table as it was at an earlier instant, as long as BigQuery keeps its earlier rows."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from dataset_assets.sql.build import text

if TYPE_CHECKING:
    from google.cloud.bigquery import Table

    from dataset_assets.adapters.bigquery.tables import Tables

WEEK_HOURS = 168
"""Hours of time travel of a BigQuery dataset that says nothing else."""


def as_of(source: exp.Expr, instant: datetime) -> exp.Expr:
    """Return a table as it was at `instant`."""
    earlier = source.copy()
    value = exp.cast(text(instant.isoformat()), "TIMESTAMPTZ")
    earlier.set("version", exp.Version(this="TIMESTAMP", kind="AS OF", expression=value))
    return earlier


def gone_since(metadata: "Tables", source: exp.Expr, table: "Table", instant: datetime) -> datetime | None:
    """Return since when the rows of `instant` cannot be read any more; None if they can.

    Views and date shards have no time travel: their rows are gone since they changed.
    """
    from dataset_assets.adapters.bigquery.table_state import (  # noqa: PLC0415 - loads Google's libraries
        STORED_KINDS,
    )

    if not isinstance(source, exp.Table) or table.table_type not in STORED_KINDS:
        return table.modified or datetime.now(UTC)
    hours = metadata.dataset(table.project, table.dataset_id).max_time_travel_hours
    end = instant + timedelta(hours=int(hours or WEEK_HOURS))
    return end if end < datetime.now(UTC) else None
