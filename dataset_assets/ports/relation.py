"""A relation: the rows of a source as an expression for FROM, with their physical schema and version."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault

CastFailureFinder = Callable[[Sequence[ColumnDef]], Iterator[Fault]]
"""Receives the columns that were read; yields a fault for each column with values of another type."""


class PhysicalType(StrEnum):
    """The type of a stored column, as far as a contract distinguishes types."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """An instant."""
    DATETIME = "datetime"
    """A timestamp without a zone; UTC, unless the resolver declares another (BR-128)."""
    OTHER = "other"


@dataclass(frozen=True)
class PhysicalColumn:
    """A stored column. `native` is the store's own name of its type, for messages."""

    name: str
    type: PhysicalType
    native: str
    has_nulls: bool | None = None
    """Whether the column has NULLs, by the metadata of its store; None if unknown."""


@dataclass(frozen=True)
class Relation:
    """The rows of a source: an expression that the engine can put in FROM, with its physical schema."""

    source: exp.Expr
    columns: tuple[PhysicalColumn, ...]
    version: str
    """The source version that a publication records; it changes when the data changes. Empty if metadata has
    none, as for a view over tables without read permission."""
    row_count: int | None = None
    zone: str = "UTC"
    """The zone of DATETIME columns (BR-128)."""
    file: exp.Expr | None = None
    """An expression for the name of each row's file, beside the columns; None without files."""
    find_cast_failures: CastFailureFinder | None = field(default=None, compare=False)
    """Searches the source for values that do not fit their declared type, after a query failed on one.
    None if the casts of a query are enough to find them."""

    read_from: str = field(default="", compare=False)
    """The name of the other target that published these rows of a nested dataset; empty for the own one."""

    def empty(self) -> "Relation":
        """Return this relation without rows: engines check its columns and types, and read nothing."""
        none = exp.select("*").from_(self.source.copy()).where(exp.false())
        return replace(self, source=none.subquery(), row_count=0)
