"""What stands in FROM: a table's rows with their physical schema."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault

CastFailureFinder = Callable[[Sequence[ColumnDef]], Iterator[Fault]]
"""Receives the columns that were read, and yields a fault for each that holds values of another type."""


class PhysicalType(StrEnum):
    """What a column is in its store, as far as a contract can tell types apart."""

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
    """A column as its store has it. `native` is the store's own name of the type, for messages."""

    name: str
    type: PhysicalType
    native: str
    has_nulls: bool | None = None
    """Whether NULLs are known to be there, from metadata; None where metadata does not say."""


@dataclass(frozen=True)
class Relation:
    """What a Resolver answers: something the engine can put in FROM, with its physical schema."""

    source: exp.Expr
    columns: tuple[PhysicalColumn, ...]
    version: str
    """Changes when the data does: the source version that a materialization records. Empty where metadata
    cannot tell, as of a view over tables that nobody may look at."""
    row_count: int | None = None
    zone: str = "UTC"
    """The zone of DATETIME columns (BR-128)."""
    file: exp.Expr | None = None
    """What reads the name of each row's file, beside the columns; None where there is no such thing."""
    find_cast_failures: CastFailureFinder | None = field(default=None, compare=False)
    """Searches the source for values that are not of their declared type, after a query failed on one. None
    where the casts of the query itself tell."""
