"""Validate BigQuery names, and build tables, labels and temporary table names from them."""

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
from dataset_assets.ports.warehouse import Claim
from dataset_assets.sql.build import identifier

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,1023}")


def project_name(value: str) -> str:
    """Return the value if it is a project id. Raises ValueError otherwise."""
    if not _PROJECT.fullmatch(value):
        raise ValueError("is not a project id; it is lower case letters, digits and dashes, 6 to 30 of them")
    return value


def is_name(value: str) -> bool:
    """Return whether the value may name a table or dataset: letters, digits, dashes and underscores."""
    return _PART.fullmatch(value) is not None


def table_path(value: str) -> str:
    """Return the value if it is `table`, `dataset.table` or `project.dataset.table`.

    Raises ValueError otherwise, because no name may end a quoted identifier (BR-205).
    """
    *projects, last = value.split(".")
    if len(projects) > 2 or not all(map(is_name, (*projects, last))):
        raise ValueError("is not a name in BigQuery; write dataset.table or project.dataset.table")
    return value


def dataset_path(value: str) -> str:
    """Return the value if it is `dataset` or `project.dataset`. Raises ValueError otherwise."""
    if table_path(value).count(".") > 1:
        raise ValueError("is the name of a table; write dataset or project.dataset")
    return value


def table(project: str, dataset: str, name: str) -> exp.Table:
    """Return the quoted table for a FROM clause."""
    parts = (identifier(part, quoted=True) for part in (name, dataset, project))
    return exp.Table(**dict(zip(("this", "db", "catalog"), parts, strict=True)))


def label(value: object) -> str:
    """Return a valid label value: lower-case letters, digits, dashes and underscores, at most 63."""
    return re.sub(r"[^a-z0-9_-]", "-", str(value).lower())[:63]


def short_hash(*values: object) -> str:
    """Return eight hexadecimal characters that identify values which a table name cannot contain."""
    return sha256(json.dumps(values).encode()).hexdigest()[:8]


def staging_name(claim: Claim) -> str:
    """Return the name of the table in which the run of a claim stages rows."""
    run = f"{short_hash(claim.period)}_{claim.token}_{short_hash(claim.run_id)}"
    return f"_staged_{claim.dataset}_{run}"


def transfer_prefix(dataset: str, period: str | None, run_id: str) -> str:
    """Return the prefix of all tables that hold rows which were transferred for one run."""
    return f"_moved_{short_hash(dataset, period, run_id)}_"


def expires_in(hours: int) -> datetime:
    """Return the instant at which BigQuery removes a temporary table. No published row depends on it."""
    return datetime.now(UTC) + timedelta(hours=hours)


def create_with_expiration(table: exp.Table, query: exp.Query, hours: int) -> exp.Create:
    """Return `CREATE OR REPLACE TABLE ... AS query` for a table that expires after some hours."""
    expires = exp.TimestampAdd(
        this=exp.CurrentTimestamp(), expression=exp.Literal.number(hours), unit=exp.var("HOUR")
    )
    option = exp.Property(this=exp.var("expiration_timestamp"), value=expires)
    properties = exp.Properties(expressions=[option])
    return exp.Create(this=table, kind="TABLE", replace=True, properties=properties, expression=query.copy())


def select_declared(
    source: exp.Expr, columns: Sequence[PhysicalColumn], declared: Sequence[tuple[ColumnDef, str | None]]
) -> tuple[exp.Expr, tuple[PhysicalColumn, ...]]:
    """Return a SELECT of the declared columns under their declared names, and those columns.

    `declared` pairs each declared column with its name in the table, or None for a column of NULLs.
    """
    physical = {each.name: each for each in columns}
    selected, result = [], []
    for column, name in declared:
        value = exp.Column(this=identifier(name, quoted=True)) if name else None
        null = exp.cast(exp.null(), SQL_TYPES[column.type])
        selected.append(exp.alias_(value or null, column.name, quoted=True))
        missing = PhysicalColumn(column.name, PhysicalType(column.type.value), COLUMN_TYPES[column.type])
        result.append(replace(physical[name], name=column.name) if name else missing)
    return exp.select(*selected).from_(source.copy()).subquery(), tuple(result)
