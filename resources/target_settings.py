"""What a target says of its engine and its warehouse.

They stand apart from the two, so that a target is read and checked without loading either.
"""

# ruff: noqa: PLC0415 - see above

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from dataset_assets.model import Integer, Model, Text
from resources.resolvers.base import Place

if TYPE_CHECKING:
    from resources.delta_warehouse import DeltaWarehouse
    from resources.duckdb_engine import DuckDBEngine

_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B")


def _memory(value: str) -> str:
    if not _MEMORY.fullmatch(value):
        raise ValueError("is not an amount of memory; write it as 4GB or 512MB")
    return value


class DuckDBSettings(Model):
    """`memory_limit` as DuckDB writes it; `threads`: all cores when absent.

    `spill`: where what does not fit in memory goes, the warehouse's own `_spill` when absent.
    """

    type: Literal["duckdb"]
    memory_limit: Annotated[str, AfterValidator(_memory)] = "4GB"
    threads: Annotated[Integer, Field(ge=1, le=1024)] | None = None
    spill: Text | None = None

    def open(self, directories: tuple[Path, ...], files: tuple[Path, ...], spill: Path) -> "DuckDBEngine":
        """The engine that reaches these paths and no more; what does not fit in memory goes to `spill`."""
        from resources.duckdb_engine import DuckDBEngine

        return DuckDBEngine(self, directories, spill, files)


class DeltaWarehouseSettings(Model):
    """`root`: the folder of the tables, one folder a dataset."""

    type: Literal["delta"]
    root: Text

    def open(self, place: Place) -> "DeltaWarehouse":
        """The warehouse; nothing is made yet."""
        from resources.delta_warehouse import DeltaWarehouse

        return DeltaWarehouse(place.path(self.root))
