"""The tables that a target's resolvers can read: their columns, and statistics of their rows.

The JSON form of every model is that of the Domain specification's table analysis.
"""

from collections.abc import Mapping

from pydantic import Field

from dataset_assets.contract.model import ColumnType
from dataset_assets.model import Instant, Model
from dataset_assets.stats.statistics import Value


class TableSummary(Model):
    """One table of a resolver. `row_count` and `last_modified` are None if its metadata lacks them."""

    name: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: tuple[str, ...]
    problem: str = ""
    """Why the table cannot be read; its columns are then unknown."""


class TableList(Model):
    """All tables of the resolvers of a target, by resolver and name."""

    tables: tuple[TableSummary, ...]


class ColumnDescription(Model):
    """A stored column. The statistics are None if they were not computed or do not apply to the type.

    `type` is the store's name of the type, `declare_as` the type that a contract would declare, None if no
    type of a contract can hold it. `null_percent` is 0 to 100.
    """

    type: str
    declare_as: ColumnType | None
    cardinality: int | None = None
    null_percent: float | None = None
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None
    median: Value | None = None
    sample_values: tuple[Value, ...] = ()


class TableDescription(Model):
    """The columns of one table by name, in the order of the store."""

    table: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: Mapping[str, ColumnDescription] = Field(default_factory=dict)
