"""Parquet files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.resolver import TableRequest
from resources import duckdb_nodes
from resources.place import Place
from resources.resolvers.files import FileResolver, FileSettings
from resources.resolvers.fingerprint import Fingerprint


class ParquetSettings(FileSettings):
    """Tables are `<table>.parquet` in `root`, unless `tables` says otherwise."""

    type: Literal["parquet"]

    def open(self, name: str, place: Place) -> "ParquetResolver":
        """The resolver."""
        return ParquetResolver(name, self, place.path(self.root), place.calendars)


@dataclass(eq=False)
class ParquetResolver(FileResolver):
    """Row counts and NULLs are known from the files' footers."""

    suffix = ".parquet"

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """As the port says."""
        table = request.table
        paths = self.paths(table, request.extent)
        version = self.files_version(table, paths)  # before anything is read, so that a later change shows
        source = duckdb_nodes.read_parquet(paths)
        rows, columns = footers(paths, session.describe(source), session)
        return Relation(source, columns, version, rows, self.zone(table))

    def row_count(self, paths: list[Path]) -> int:
        """From the footers. OSError for a file that is not whole, such as one that is being written."""
        return sum(_rows(path, Fingerprint.of(path)) for path in paths)


@lru_cache(maxsize=100_000)
def _rows(path: Path, fingerprint: Fingerprint) -> int:  # noqa: ARG001 - tells one content from another
    """A sensor asks again and again for files that are as they were."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - only sensors come here

    try:
        return parquet.read_metadata(path).num_rows
    except ArrowException:
        raise OSError(0, "is not a whole Parquet file", str(path)) from None


def footers(
    paths: Sequence[Path], columns: Sequence[PhysicalColumn], session: Session
) -> tuple[int, tuple[PhysicalColumn, ...]]:
    """The row count, and the columns with what the files' footers know of their NULLs."""
    files = exp.select("COALESCE(SUM(num_rows), 0)::BIGINT AS row_count").from_(
        duckdb_nodes.call("parquet_file_metadata", paths)
    )
    rows = session.rows(files)[0]["row_count"]
    chunks = (
        exp.select(
            "path_in_schema AS name",
            "SUM(stats_null_count)::BIGINT AS nulls",
            "SUM(CASE WHEN stats_null_count IS NULL THEN 0 ELSE row_group_num_rows END)::BIGINT AS known",
        )
        .from_(duckdb_nodes.call("parquet_metadata", paths))
        .group_by("path_in_schema")
    )
    found = {row["name"]: bool(row["nulls"]) for row in session.rows(chunks) if row["known"] == rows}
    return rows, tuple(replace(column, has_nulls=found.get(column.name)) for column in columns)
