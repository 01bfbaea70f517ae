"""Delta Lake tables on disk. Their library is imported when one is opened: checking a target needs none."""

# ruff: noqa: PLC0415 - see above

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, inside
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest, TableState

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from dataset_assets.adapters.parquet.relation import DataFile


class DeltaSettings(ResolverSettings):
    """A table that `tables` does not name is the folder `<table>` in `root`."""

    type: Literal["delta"]
    root: Location

    def open(self, name: str, context: TargetContext) -> "DeltaResolver":
        """The resolver."""
        return DeltaResolver(name, self, context.path(self.root))


@dataclass(eq=False)
class DeltaResolver(LocalResolver[DeltaSettings]):
    """The newest version of a table; its number is in the relation's version, its log knows the row count."""

    name: str
    settings: DeltaSettings
    root: Path

    @property
    def directories(self) -> tuple[Path, ...]:
        """The root alone."""
        return (self.root,)

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """As the port says."""
        from dataset_assets.adapters.delta.log import num_records, relation_source

        table = request.table
        delta = self._open(table)
        files = self._files(table, delta)
        known = self.named(table, request.columns, [field.name for field in delta.schema().fields])
        found = relation_source(delta, files, session, self.zone(table), table, known)
        version, rows = self._version(table, delta), num_records(delta)
        return Relation(found.source, found.columns, version, rows, self.zone(table))

    def state(self, table: str) -> TableState:
        """From the log."""
        from dataset_assets.adapters.delta.log import history, num_records

        delta = self._open(table)
        millis = history(delta, 1)[0].get("timestamp")
        modified = datetime.fromtimestamp(millis / 1000, UTC) if millis else None
        return TableState(self._version(table, delta), num_records(delta), modified)

    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether the snapshot's files are there: nothing else can happen to a snapshot."""
        table = request.table
        delta = self._open(table)
        for number in range(delta.version(), -1, -1):
            if self._named(table, number, delta) == version:
                if number != delta.version():
                    delta.load_as_version(number)
                return all(each.path.exists() for each in self._files(table, delta))
        return False

    def _files(self, table: str, delta: "DeltaTable") -> "list[DataFile]":
        """Return the files of the version that is loaded. Raises ResolveError for one outside of the root."""
        from dataset_assets.adapters.delta.log import data_files

        files = data_files(delta, self._folder(table))
        for each in files:
            inside(self.root, str(each.path), self, table)
        return files

    def _version(self, table: str, delta: "DeltaTable") -> str:
        """A table that was made anew counts from 0 again, under another id."""
        return self._named(table, delta.version(), delta)

    def _named(self, table: str, number: int, delta: "DeltaTable") -> str:
        return self.version(table, f"{number} of {delta.metadata().id}")

    def _open(self, table: str) -> "DeltaTable":
        from dataset_assets.adapters.delta.log import open_table, unreadable_features

        path = self._folder(table)
        if not (path / "_delta_log").is_dir():
            found = [log.parent.name for log in self.root.glob("*/_delta_log")]
            raise self.unknown(table, [*self.settings.tables, *found])
        delta = open_table(path)
        features = unreadable_features(delta)
        if features:
            listed = ", ".join(sorted(features))
            raise self.refuse(table, f"uses Delta features that are not read here: {listed}")
        return delta

    def _folder(self, table: str) -> Path:
        own = self.settings.tables.get(table)
        return inside(self.root, own.location if own else table, self, table)
