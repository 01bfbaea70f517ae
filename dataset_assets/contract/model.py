"""The contract of a Dataset: Entity's attributes, and Domain's selection beside them.

These classes say what a file may hold. Rules that look at more than one field are in `contract/rules.py`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from dataset_assets.contract.monitoring import Drift, Freshness
from dataset_assets.model import Boolean, ColumnRef, Identifier, Instant, Integer, Model, Text
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.selection.filters import Filters
from dataset_assets.selection.splits import SplitConfig


class ColumnType(StrEnum):
    """Entity, ColumnDef: the declared type of a column."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Status(StrEnum):
    """BR-101. Only `draft` and `active` may be named by a new Project (BR-008)."""

    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class ColumnDef(Model):
    """Entity: ColumnDef. `sensitive` values never leave the published table (BR-206)."""

    name: Identifier
    type: ColumnType
    nullable: Boolean = True
    description: str = ""
    sensitive: Boolean = False


class TableRef(Model):
    """Entity: TableRef, a logical table and its explicit schema (BR-010)."""

    name: Identifier
    columns: Annotated[tuple[ColumnDef, ...], Field(min_length=1)]
    bitemporal: Boolean = False

    def column(self, name: str) -> ColumnDef | None:
        """The declared column of that name, whatever its case: both engines fold it."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)


class TableTarget(TableRef):
    """A lookup into a raw table."""

    type: Literal["table"]


class DatasetTarget(Model):
    """Entity: DatasetRef, a lookup into a nested Dataset's publication (BR-005, BR-122)."""

    type: Literal["dataset"]
    id: UUID


class JoinCondition(Model):
    """One foreign key condition. `source_column` is the main table's, or `alias.column` (BR-112)."""

    source_column: ColumnRef
    target_column: Identifier


class LookupDef(Model):
    """Entity: LookupDef. Always joined (BR-002), on at least one condition (BR-003)."""

    alias: Identifier | None = None
    target: Annotated[TableTarget | DatasetTarget, Field(discriminator="type")]
    join_conditions: Annotated[tuple[JoinCondition, ...], Field(min_length=1)]


class Partitions(Model):
    """By which Periods the dataset is published: a cadence, and the identifiers of the first and last one.

    Both are included. Without `end` there is a new Period for as long as time goes on.
    """

    period: Text
    start: Text
    end: Text | None = None


class Lookups(StrEnum):
    """Which publications a lookup refreshes that is not stored by Period: it concerns every one of them."""

    LATEST = "latest"
    ALL = "refresh_all"


class Refresh(Model):
    """When the dataset refreshes by itself: `on: upstream`, or after a tick of `cron`."""

    on: Annotated[
        Literal["upstream"] | None,
        Field(
            description="`upstream`: whenever the data of something changed that a publication is made of."
        ),
    ] = None
    cron: Annotated[
        Text | None,
        Field(
            description="Once after each tick, as soon as the main table was loaded since: `0 6 * * *`, "
            "in the zone of the calendar."
        ),
    ] = None
    lookback: Annotated[
        Annotated[Integer, Field(ge=0, le=1000)] | None,
        Field(description="How many Periods before the latest late data may still change."),
    ] = None
    lookups: Annotated[
        Lookups,
        Field(
            description="What a lookup that is not stored by Period refreshes when it changes: "
            "the `latest` publication, or all of them."
        ),
    ] = Lookups.LATEST
    paused: Annotated[
        Boolean, Field(description="Nothing happens by itself; what is written here stays written.")
    ] = False


class Dataset(Model):
    """One YAML file: a contract, and optionally a selection. It owns no data and knows no location."""

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
    main_table: TableRef
    lookups: tuple[LookupDef, ...] = ()
    column_mapping: ColumnMapping | None = None
    extra_columns: tuple[ColumnRef, ...] = ()
    filters: Filters = Filters()
    split_config: SplitConfig | None = None
    partitions: Partitions | None = None
    refresh: Refresh | None = None
    freshness: Freshness | None = None
    drift: Drift | None = None
    allow_empty: Boolean = False

    def tables(self) -> Iterator[TableRef]:
        """Every physical table of the Dataset: the main one, then those of the lookups."""
        yield self.main_table
        for lookup in self.lookups:
            if isinstance(lookup.target, TableTarget):
                yield lookup.target

    def nested_ids(self) -> Iterator[UUID]:
        """The ids of the Datasets that lookups read (BR-005)."""
        for lookup in self.lookups:
            if isinstance(lookup.target, DatasetTarget):
                yield lookup.target.id
