"""CSV files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dataset_assets.model import Boolean, Identifier
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest
from resources import duckdb_nodes
from resources.place import Place
from resources.resolvers.files import FileResolver, FileSettings, FileTable


class CsvTable(FileTable):
    """How the file is written. What is absent is found out by DuckDB; `nulls`: texts that mean NULL."""

    delimiter: Annotated[str, Field(min_length=1, max_length=4)] | None = None
    header: Boolean | None = None
    nulls: tuple[str, ...] = ("",)


class CsvSettings(FileSettings):
    """Tables are `<table>.csv` in `root`, unless `tables` says otherwise."""

    type: Literal["csv"]
    tables: Mapping[Identifier, CsvTable] = Field(default_factory=dict)

    def open(self, name: str, place: Place) -> "CsvResolver":
        """The resolver."""
        return CsvResolver(name, self, place.path(self.root), place.calendars)


@dataclass(eq=False)
class CsvResolver(FileResolver):
    """A CSV file has no types: a column has the narrowest that all of its values fit.

    DuckDB looks at every row to find it. So a new value can change a type; the contract's schema check tells.
    """

    suffix = ".csv"

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """As the port says. Reads the files once to find the types."""
        table = request.table
        paths = self.paths(table, request.extent)
        version = self.files_version(table, paths)  # before anything is read, so that a later change shows
        source = duckdb_nodes.read_csv(paths, self._options(table, len(paths)))
        return Relation(source, session.describe(source), version, None, self.zone(table))

    def row_count(self, paths: list[Path]) -> None:  # noqa: ARG002
        """Nobody knows without reading it."""
        return

    def _options(self, table: str, files: int) -> dict[str, Any]:
        found = self.table(table)
        settings = found if isinstance(found, CsvTable) else CsvTable(location=found.location)
        options = {
            "sample_size": -1,
            "nullstr": list(settings.nulls),
            "delim": settings.delimiter,
            "header": settings.header,
            "union_by_name": True if files > 1 else None,
        }
        return {name: value for name, value in options.items() if value is not None}
