"""Resolve tables that are Parquet files below a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from typing_extensions import override

from dataset_assets.adapters.resolvers.files import FileResolver, FileSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest


class ParquetSettings(FileSettings):
    """Settings of a Parquet resolver. A table that `tables` does not name is `<table>.parquet` in `root`."""

    type: Literal["parquet"]

    @override
    def open(self, name: str, context: TargetContext) -> "ParquetResolver":
        return ParquetResolver(name, self, context.path(self.root), context.calendars)


@dataclass(eq=False)
class ParquetResolver(FileResolver):
    """Checks the footer of each file against the contract; footers also count the rows and NULLs."""

    suffix = ".parquet"

    @override
    def read_files(self, request: TableRequest, paths: list[Path], session: Session) -> Relation:
        """Return the rows of the files. Raises ResolveError for a file that breaks the contract."""
        from dataset_assets.adapters.parquet.hive_paths import path_values  # noqa: PLC0415
        from dataset_assets.adapters.parquet.relation import DataFile, ParquetTable, all_columns  # noqa: PLC0415 - see `row_count`

        table, zone = request.table, self.zone(request.table)
        files = [DataFile(each, path_values(self.root, each)) for each in paths]
        requested = self.table(table).requested_columns(request.columns)
        parquet = ParquetTable(table, zone, files, requested)
        result = parquet.read(session) if request.columns else all_columns(parquet, session)
        return Relation(result.source, result.columns, "", result.rows, zone, result.file)

    @override
    def row_count(self, paths: list[Path]) -> int:
        """Return the number of rows by the footers. Raises OSError for a file that is not whole."""
        from dataset_assets.adapters.parquet.footers import read_footer  # noqa: PLC0415 - a target is read without it

        return sum(read_footer(each, frozenset()).rows for each in paths)
