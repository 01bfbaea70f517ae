"""The system columns of every published row, such as `_row_id` and `_period`, and the values of a new row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class SystemColumn:
    """A system column. `sql_type` is its type in both engines; `mutable` is true if its value can change."""

    name: str
    sql_type: str
    mutable: bool
    description: str


LABELS_TYPE = "ARRAY<STRUCT<key VARCHAR, value VARCHAR>>"

SYSTEM_COLUMNS = (
    SystemColumn("_row_id", "VARCHAR", False, "UUIDv7; later rows sort after earlier ones (BR-013)"),
    SystemColumn("_source_dataset_id", "VARCHAR", False, "The Dataset this row originates from (BR-015)"),
    SystemColumn("_source_table", "VARCHAR", False, "The main table's logical name (BR-015)"),
    SystemColumn("_created_by_project_id", "VARCHAR", False, "The Project whose Run made the row (BR-015)"),
    SystemColumn("_created_by_run_id", "VARCHAR", False, "The Run that made the row (BR-015)"),
    SystemColumn("_created_at", "TIMESTAMPTZ", False, "When the row was first published (BR-015)"),
    SystemColumn("_updated_at", "TIMESTAMPTZ", True, "When its content last changed (BR-017)"),
    SystemColumn("_period", "VARCHAR", False, "The Period the row belongs to (BR-018, BR-120)"),
    SystemColumn("_deleted", "BOOLEAN", True, "Set by a delete operation only (BR-019)"),
    SystemColumn("_labels", LABELS_TYPE, True, "Key and value tags, sorted by key (BR-016, BR-119)"),
)

VALID_FROM, VALID_TO = "_valid_from", "_valid_to"
PERIOD_FROM, PERIOD_TO = "_period_from", "_period_to"

_INTERVALS = (
    SystemColumn(VALID_FROM, "TIMESTAMPTZ", False, "The first instant at which the row is true"),
    SystemColumn(VALID_TO, "TIMESTAMPTZ", False, "The first instant at which it no longer is; NULL if open"),
    SystemColumn(PERIOD_FROM, "VARCHAR", True, "The first Period whose load has the row"),
    SystemColumn(PERIOD_TO, "VARCHAR", True, "The first later Period whose load lacks it; NULL if none"),
)

INTERVAL_COLUMNS = tuple(each.name for each in _INTERVALS)
"""The names of the four columns that a bitemporal table has instead of `_period`."""

BITEMPORAL_COLUMNS = tuple(
    column for each in SYSTEM_COLUMNS for column in (_INTERVALS if each.name == "_period" else (each,))
)
"""The system columns of a bitemporal table: those of every table, with four columns instead of `_period`."""


def system_columns(names: Collection[str]) -> tuple[SystemColumn, ...]:
    """Return the system columns of a table; the names of its columns show whether it is bitemporal."""
    return BITEMPORAL_COLUMNS if PERIOD_FROM in names else SYSTEM_COLUMNS


def recorded_system_columns(record: Mapping[str, Any]) -> tuple[SystemColumn, ...]:
    """Return the system columns of the publication with this record."""
    is_bitemporal = record["definition"]["main_table"].get("bitemporal", False)
    return BITEMPORAL_COLUMNS if is_bitemporal else SYSTEM_COLUMNS


@dataclass(frozen=True)
class Stamp:
    """The system column values that a publication gives to its new rows. `instant` is in UTC."""

    dataset_id: UUID
    source_table: str
    project_id: UUID | None
    run_id: str
    instant: datetime
    period: str | None

    @property
    def milliseconds(self) -> int:
        """The instant in Unix milliseconds, the time field of the row ids."""
        return int(self.instant.timestamp() * 1000)

    @property
    def salt(self) -> int:
        """48 bits by which the row ids of different datasets, Periods and runs differ (BR-117)."""
        seed = f"{self.dataset_id}:{self.period}:{self.run_id}"
        return int.from_bytes(sha256(seed.encode()).digest()[:6])
