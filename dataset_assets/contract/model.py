"""The models of a dataset's YAML file: tables, columns, lookups, selection, Periods, refresh.

The types declare what a single field may hold. Rules on more than one field are in `catalog/rules.py`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from dataset_assets.contract.monitoring import Drift, Freshness
from dataset_assets.contract.point_in_time import PointInTime
from dataset_assets.contract.quality import AnyQualityRule
from dataset_assets.model import Boolean, ColumnRef, Identifier, Instant, Integer, Model, Text
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.selection.filters import Filters
from dataset_assets.selection.split_config import SplitConfig


class ColumnType(StrEnum):
    """The declared type of a column."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"

    @property
    def is_time(self) -> bool:
        """Whether values of the type are dates or timestamps."""
        return self in (ColumnType.DATE, ColumnType.TIMESTAMP)


class Status(StrEnum):
    """The status of a dataset (BR-101). A new Project may use only a `draft` or an `active` one (BR-008)."""

    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class ColumnDef(Model):
    """A declared column. Values of a `sensitive` one appear nowhere but in the published table (BR-206)."""

    name: Identifier
    type: ColumnType
    nullable: Boolean = True
    description: str = ""
    sensitive: Boolean = False


class TableRef(Model):
    """A logical table with its declared schema (BR-010)."""

    name: Identifier
    columns: Annotated[tuple[ColumnDef, ...], Field(min_length=1)]
    bitemporal: Boolean = False

    def column(self, name: str) -> ColumnDef | None:
        """Return the declared column with this name, whatever its case; None if there is none."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)


class MainTable(TableRef):
    """The main table. A `bitemporal` one is published with the valid time of its rows (BR-121).

    A bitemporal table without `valid_from` has rows that are valid in the Period of their load.
    """

    valid_from: Annotated[
        Identifier | None,
        Field(description="The date or timestamp column with the first instant at which a row is true."),
    ] = None
    valid_to: Annotated[
        Identifier | None,
        Field(description="The column with the first instant at which a row is no longer true, or NULL."),
    ] = None

    @property
    def validity_columns(self) -> tuple[str, ...]:
        """The names of the columns that carry the valid time of a bitemporal table."""
        return tuple(name for name in (self.valid_from, self.valid_to) if name) if self.bitemporal else ()


class TableTarget(TableRef):
    """The target of a lookup into a table."""

    type: Literal["table"]


class DatasetTarget(Model):
    """The target of a lookup into the publication of a nested Dataset (BR-005, BR-122)."""

    type: Literal["dataset"]
    id: UUID


class JoinCondition(Model):
    """One foreign key condition. `source_column` is in the main table, or `alias.column` (BR-112)."""

    source_column: ColumnRef
    target_column: Identifier


class LookupDef(Model):
    """A lookup, which is always joined (BR-002), on at least one condition (BR-003)."""

    alias: Identifier | None = None
    target: Annotated[TableTarget | DatasetTarget, Field(discriminator="type")]
    join_conditions: Annotated[tuple[JoinCondition, ...], Field(min_length=1)]
    as_of: PointInTime | None = None


class Partitions(Model):
    """The Periods that the dataset is published by: a cadence, and the ids of the first and the last Period.

    Both are included. Without `end` there is no last Period.
    """

    period: Text
    start: Text
    end: Text | None = None


class Lookups(StrEnum):
    """Which publications are refreshed when a lookup changes that is not stored by Period: latest or all."""

    LATEST = "latest"
    ALL = "refresh_all"


class Refresh(Model):
    """The trigger of automatic refreshes: `on: upstream`, or a tick of `cron`."""

    on: Annotated[
        Literal["upstream"] | None,
        Field(
            description="`upstream`: refresh a publication whenever the data of one of its sources changed."
        ),
    ] = None
    cron: Annotated[
        Text | None,
        Field(
            description="Refresh once after each tick of a cron expression such as `0 6 * * *`, as soon as "
            "the main table was loaded after the tick. The zone is that of the calendar."
        ),
    ] = None
    lookback: Annotated[
        Annotated[Integer, Field(ge=0, le=1000)] | None,
        Field(description="The number of Periods before the latest that late data can still change."),
    ] = None
    lookups: Annotated[
        Lookups,
        Field(
            description="The publications that a changed lookup refreshes if it is not stored by Period: "
            "the `latest` one, or all of them."
        ),
    ] = Lookups.LATEST
    paused: Annotated[Boolean, Field(description="No automatic refresh; the other settings are kept.")] = (
        False
    )


def published_name(ref: str) -> str:
    """Return the name under which a column is published unless it is a concept's: `alias__column`."""
    return ref.replace(".", "__")


class Dataset(Model):
    """One YAML file: a contract and optionally a selection. It holds no data and no location."""

    id: UUID | None = None
    name: Text
    description: str = ""
    owner: Text
    version: Annotated[Integer, Field(ge=1)] | None = None
    status: Status = Status.ACTIVE
    resolver_id: Text | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    ml_model: Text | None = None
    natural_key_columns: tuple[Identifier, ...] = ()
    main_table: MainTable
    lookups: tuple[LookupDef, ...] = ()
    column_mapping: ColumnMapping | None = None
    extra_columns: tuple[ColumnRef, ...] = ()
    filters: Filters = Filters()
    split_config: SplitConfig | None = None
    partitions: Partitions | None = None
    refresh: Refresh | None = None
    freshness: Freshness | None = None
    drift: Drift | None = None
    quality: tuple[AnyQualityRule, ...] = ()
    allow_empty: Boolean = False

    def tables(self) -> Iterator[TableRef]:
        """Yield every table of the Dataset: the main table, then the tables of the lookups."""
        yield self.main_table
        for lookup in self.lookups:
            if isinstance(lookup.target, TableTarget):
                yield lookup.target

    def row_time(self, lookup: LookupDef) -> str | None:
        """Return the column with the time as of which a row reads a lookup (BR-132); None without one."""
        named = lookup.as_of.at if lookup.as_of else None
        return named or (self.column_mapping.timestamp if self.column_mapping else None)

    def is_split_by(self, concept: str) -> bool:
        """Return whether the split keeps all rows with one value of a mapped concept in one part."""
        config, mapping = self.split_config, self.column_mapping
        if config is None or mapping is None or len(config.unit_columns) != 1:
            return False
        ref = dict(mapping.concepts()).get(concept, "")
        return config.unit_columns[0].lower() in (concept, published_name(ref).lower())

    def nested_ids(self) -> Iterator[UUID]:
        """Yield the ids of the Datasets that lookups read (BR-005)."""
        for lookup in self.lookups:
            if isinstance(lookup.target, DatasetTarget):
                yield lookup.target.id
