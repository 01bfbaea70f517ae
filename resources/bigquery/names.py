"""Names in BigQuery: what may be one, and how one stands in SQL."""

import re
from datetime import UTC, datetime, timedelta

from sqlglot import exp

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,1023}")


def project_name(value: str) -> str:
    """Raises ValueError for what is no project id."""
    if not _PROJECT.fullmatch(value):
        raise ValueError("is not a project id; it is lower case letters, digits and dashes, 6 to 30 of them")
    return value


def table_path(value: str) -> str:
    """Of a table or a dataset: names joined by dots, the first of three, or of two of a dataset, a project.

    Raises ValueError for anything else: no name may end a quoted identifier (promise 5).
    """
    *projects, last = value.split(".")
    if len(projects) > 2 or not all(_PART.fullmatch(part) for part in (*projects, last)):
        raise ValueError("is not a name in BigQuery; write dataset.table or project.dataset.table")
    return value


def table(project: str, dataset: str, name: str) -> exp.Table:
    """The table, as it stands in FROM."""
    parts = (exp.to_identifier(part, quoted=True) for part in (name, dataset, project))
    return exp.Table(**dict(zip(("this", "db", "catalog"), parts, strict=True)))


def label(value: object) -> str:
    """A label's value: lower case, of a few characters, not more than 63."""
    return re.sub(r"[^a-z0-9_-]", "-", str(value).lower())[:63]


def expiry(hours: int) -> datetime:
    """When BigQuery may remove a table that is needed for a while. Nothing kept depends on it."""
    return datetime.now(UTC) + timedelta(hours=hours)
