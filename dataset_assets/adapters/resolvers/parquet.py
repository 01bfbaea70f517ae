"""Parquet files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataset_assets.adapters.resolvers.files import FileResolver, FileSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest


class ParquetSettings(FileSettings):
    """Tables are `<table>.parquet` in `root`, unless `tables` says otherwise."""

    type: Literal["parquet"]

    def open(self, name: str, context: TargetContext) -> "ParquetResolver":
        """The resolver."""
        return ParquetResolver(name, self, context.path(self.root), context.calendars)


@dataclass(eq=False)
class ParquetResolver(FileResolver):
    """Row counts and NULLs are known from the files' footers, which are judged one by one."""

    suffix = ".parquet"

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """Return the rows of the files. Raises ResolveError for a file that breaks the contract."""
        from dataset_assets.adapters.parquet.hive_paths import path_values  # noqa: PLC0415
        from dataset_assets.adapters.parquet.relation import DataFile, FileTable, all_columns  # noqa: PLC0415 - see `row_count`

        table = request.table
        paths = self.paths(table, request.time_range)
        version = self.files_version(table, paths)  # before anything is read, so that a later change shows
        files = [DataFile(each, path_values(self.root, each)) for each in paths]
        settings = self.table(table)
        read = FileTable(table, self.zone(table), files, settings.wanted(request.columns))
        found = read.read(session) if request.columns else all_columns(read, session)
        return Relation(found.source, found.columns, version, found.rows, self.zone(table), found.file)

    def row_count(self, paths: list[Path]) -> int:
        """From the footers. OSError for a file that is not whole, such as one that is being written."""
        from dataset_assets.adapters.parquet.footers import read_footer  # noqa: PLC0415 - a target is checked without it

        return sum(read_footer(each, frozenset()).rows for each in paths)
