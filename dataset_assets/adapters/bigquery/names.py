"""Names in BigQuery: what may be one, and how one stands in SQL."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlglot import exp

from dataset_assets.adapters.bigquery.types import COLUMN_TYPES
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.sql.build import identifier

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,1023}")


def project_name(value: str) -> str:
    """Raises ValueError for what is no project id."""
    if not _PROJECT.fullmatch(value):
        raise ValueError("is not a project id; it is lower case letters, digits and dashes, 6 to 30 of them")
    return value


def is_name(value: str) -> bool:
    """Of a table or a dataset, as far as we read any: letters, digits, dashes and underscores."""
    return _PART.fullmatch(value) is not None


def table_path(value: str) -> str:
    """Of a table: names joined by dots, `table`, `dataset.table` or `project.dataset.table`.

    Raises ValueError for anything else: no name may end a quoted identifier (BR-205).
    """
    *projects, last = value.split(".")
    if len(projects) > 2 or not all(map(is_name, (*projects, last))):
        raise ValueError("is not a name in BigQuery; write dataset.table or project.dataset.table")
    return value


def dataset_path(value: str) -> str:
    """Of a dataset alone: `dataset` or `project.dataset`. Raises ValueError for anything else."""
    if table_path(value).count(".") > 1:
        raise ValueError("is the name of a table; write dataset or project.dataset")
    return value


def table(project: str, dataset: str, name: str) -> exp.Table:
    """The table, as it stands in FROM."""
    parts = (identifier(part, quoted=True) for part in (name, dataset, project))
    return exp.Table(**dict(zip(("this", "db", "catalog"), parts, strict=True)))


def label(value: object) -> str:
    """A label's value: lower case, of a few characters, not more than 63."""
    return re.sub(r"[^a-z0-9_-]", "-", str(value).lower())[:63]


def mark(*values: object) -> str:
    """Eight characters that stand for values which a name may not hold."""
    return sha256(json.dumps(values).encode()).hexdigest()[:8]


def moved_prefix(dataset: str, period: str | None, run_id: str) -> str:
    """With which the names of all tables begin that were moved for a run."""
    return f"_moved_{mark(dataset, period, run_id)}_"


def expiry(hours: int) -> datetime:
    """When BigQuery may remove a table that is needed for a while. Nothing kept depends on it."""
    return datetime.now(UTC) + timedelta(hours=hours)


def renamed(
    source: exp.Expr, columns: Sequence[PhysicalColumn], known: Sequence[tuple[ColumnDef, str | None]]
) -> tuple[exp.Expr, tuple[PhysicalColumn, ...]]:
    """Return a SELECT of the declared columns under their own names, and those columns.

    `known`: declared columns with their names in the table, None for one that is NULL throughout.
    """
    found = {each.name: each for each in columns}
    selected, result = [], []
    for column, name in known:
        value = exp.Column(this=identifier(name, quoted=True)) if name else None
        null = exp.cast(exp.null(), SQL_TYPES[column.type])
        selected.append(exp.alias_(value or null, column.name, quoted=True))
        own = PhysicalColumn(column.name, PhysicalType(column.type.value), COLUMN_TYPES[column.type])
        result.append(replace(found[name], name=column.name) if name else own)
    return exp.select(*selected).from_(source.copy()).subquery(), tuple(result)
