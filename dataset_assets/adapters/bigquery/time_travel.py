"""Read a BigQuery table as it was at an earlier instant."""

from datetime import datetime

from sqlglot import exp

from dataset_assets.sql.build import text


def as_of(source: exp.Expr, instant: datetime) -> exp.Expr:
    """Return a table as it was at `instant`. BigQuery keeps earlier rows for two to seven days."""
    earlier = source.copy()
    value = exp.cast(text(instant.isoformat()), "TIMESTAMPTZ")
    earlier.set("version", exp.Version(this="TIMESTAMP", kind="AS OF", expression=value))
    return earlier
