"""Resolve tables that are Delta Lake tables on this machine."""

# ruff: noqa: PLC0415 - the library deltalake loads when a table is opened, not when a target is read

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, path_inside_root
from dataset_assets.adapters.resolvers.listing import children, unconfigured
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.errors import ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import (
    PastVersion,
    StoredTable,
    TableAddress,
    TableRequest,
    TableState,
    gone,
)

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from dataset_assets.adapters.parquet.relation import DataFile


class DeltaSettings(ResolverSettings):
    """Settings of a Delta resolver. A table that `tables` does not name is the folder `<table>` in `root`."""

    type: Literal["delta"]
    root: Location

    @override
    def open(self, name: str, context: TargetContext) -> "DeltaResolver":
        return DeltaResolver(name, self, context.path(self.root))


@dataclass(eq=False)
class DeltaResolver(LocalResolver[DeltaSettings]):
    """Reads the newest snapshot of a table. Its log gives the relation's version and row count."""

    name: str
    settings: DeltaSettings
    root: Path

    @property
    @override
    def directories(self) -> tuple[Path, ...]:
        return (self.root,)

    @override
    def tables(self) -> Sequence[StoredTable]:
        """Return the configured tables, and the folders of the root that hold a Delta log."""
        configured = super().tables()
        folders = [path for path in children(self, self.root) if (path / "_delta_log").is_dir()]
        return [*configured, *unconfigured(self.root, folders, "", self.settings)]

    @override
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        return self._relation(request, self._open(request.table), session)

    @override
    def resolve_past(self, request: TableRequest, past: PastVersion, session: Session) -> Relation:
        """Return the relation of the snapshot with this version, if all of its files exist."""
        table = request.table
        delta = self._open(table)
        name = f"{self.name}/{table}"
        if not self._load(table, delta, past.version):
            raise ResolveError(gone(name, past, None))
        if not all(each.path.exists() for each in self._files(table, delta)):
            raise ResolveError(gone(name, past, self._vacuumed_at(table)))
        return self._relation(request, delta, session)

    def _vacuumed_at(self, table: str) -> datetime | None:
        """Return the instant of the table's last VACUUM, by its log; None if the log has none."""
        from dataset_assets.adapters.delta.log import history

        commits = history(self._open(table))
        return next((_instant(each) for each in commits if each.get("operation") == "VACUUM END"), None)

    def _relation(self, request: TableRequest, delta: "DeltaTable", session: Session) -> Relation:
        """Return the relation of the loaded snapshot."""
        from dataset_assets.adapters.delta.log import num_records, relation_source

        table = request.table
        files = self._files(table, delta)
        matched = self.match_columns(table, request.columns, [field.name for field in delta.schema().fields])
        rows_source = relation_source(delta, files, session, self.zone(table), table, matched)
        version, rows = self._version(table, delta), num_records(delta)
        return Relation(rows_source.source, rows_source.columns, version, rows, self.zone(table))

    @override
    def state(self, table: str) -> TableState:
        from dataset_assets.adapters.delta.log import history, num_records

        delta = self._open(table)
        modified = _instant(history(delta, 1)[0])
        return TableState(self._version(table, delta), num_records(delta), modified)

    @override
    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether all files of the snapshot exist; a snapshot cannot change in any other way."""
        table = request.table
        delta = self._open(table)
        return self._load(table, delta, version) and all(
            each.path.exists() for each in self._files(table, delta)
        )

    def _load(self, table: str, delta: "DeltaTable", version: str) -> bool:
        """Load the snapshot with this source version; return False if the log no longer has it."""
        from deltalake.exceptions import DeltaError

        newest = delta.version()
        number = next(
            (each for each in range(newest, -1, -1) if self._version_of(table, each, delta) == version), None
        )
        if number is not None and number != newest:
            try:
                delta.load_as_version(number)
            except DeltaError:
                return False
        return number is not None

    def _files(self, table: str, delta: "DeltaTable") -> "list[DataFile]":
        """Return the files of the loaded snapshot.

        Raises ResolveError for a file outside of the root (BR-205).
        """
        from dataset_assets.adapters.delta.log import data_files

        files = data_files(delta, self._folder(table))
        for each in files:
            path_inside_root(self.root, str(each.path), self, table)
        return files

    def _version(self, table: str, delta: "DeltaTable") -> str:
        """Return the source version. It contains the table's id, as a recreated table counts from 0 again."""
        return self._version_of(table, delta.version(), delta)

    def _version_of(self, table: str, number: int, delta: "DeltaTable") -> str:
        return self.version(table, f"{number} of {delta.metadata().id}")

    def _open(self, table: str) -> "DeltaTable":
        from dataset_assets.adapters.delta.log import open_table, unreadable_features

        path = self._folder(table)
        if not (path / "_delta_log").is_dir():
            found = [log.parent.name for log in self.root.glob("*/_delta_log")]
            raise self.unknown_table_error(table, [*self.settings.tables, *found])
        delta = open_table(path)
        features = unreadable_features(delta)
        if features:
            listed = ", ".join(sorted(features))
            raise self.table_error(table, f"uses Delta features that are not read here: {listed}")
        return delta

    @override
    def address(self, table: str) -> TableAddress:
        own = self.settings.tables.get(table)
        return TableAddress("file", str(self.root / (own.location if own else table)))

    def _folder(self, table: str) -> Path:
        own = self.settings.tables.get(table)
        return path_inside_root(self.root, own.location if own else table, self, table)


def _instant(commit: Mapping[str, Any]) -> datetime | None:
    """Return the instant of a commit; None if its writer gave none."""
    millis = commit.get("timestamp")
    return datetime.fromtimestamp(millis / 1000, UTC) if millis else None
