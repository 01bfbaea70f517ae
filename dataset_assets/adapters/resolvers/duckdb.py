"""Resolve tables and views of a DuckDB database file, which is opened read-only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, files_state
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.model import is_identifier
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import StoredTable, TableAddress, TableRequest, TableState
from dataset_assets.sql.build import identifier
from dataset_assets.text.digest import digest


class DuckDBFileSettings(ResolverSettings):
    """Settings of a resolver of one .duckdb file. `location` of a table is `table` or `schema.table`."""

    type: Literal["duckdb"]
    database: Location

    @override
    def open(self, name: str, context: TargetContext) -> "DuckDBResolver":
        return DuckDBResolver(name, self, context.path(self.database))


@dataclass(eq=False)
class DuckDBResolver(LocalResolver[DuckDBFileSettings]):
    """Reads one database file. Any write to the file changes the version of all of its tables."""

    name: str
    settings: DuckDBFileSettings
    database: Path

    @property
    @override
    def files(self) -> tuple[Path, ...]:
        """Return the database and its write-ahead log."""
        return (self.database, self._log)

    @property
    def _log(self) -> Path:
        return self.database.with_name(f"{self.database.name}.wal")

    @override
    def tables(self) -> Sequence[StoredTable]:
        """Return the configured tables, and the tables and views of the file.

        Those of a schema other than `main`, and those whose name is no Identifier, need a location.
        """
        configured = super().tables()
        self._check_database("")
        covered = {_schema_and_name(each.location) for each in self.settings.tables.values()}
        with self.engine().connect() as session:
            stored = self._tables(session.attach(self.database), session)
        found = [
            StoredTable(name) if schema == "main" and is_identifier(name) else _with_location(schema, name)
            for schema, name in sorted(stored)
            if not name.startswith("_") and (schema.lower(), name.lower()) not in covered
        ]
        return [*configured, *(each for each in found if each.name not in self.settings.tables)]

    @override
    def address(self, table: str) -> TableAddress:
        own = self.settings.tables.get(table)
        return TableAddress("file", f"{self.database}/{own.location if own else table}")

    @override
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        from dataset_assets.adapters.duckdb.engine import DuckDBSession  # noqa: PLC0415 - a target is checked without it
        from dataset_assets.adapters.duckdb.tables import checked_source  # noqa: PLC0415

        table = request.table
        state = self.state(table)
        if not isinstance(session, DuckDBSession):
            raise self.table_error(table, "only the DuckDB engine reads .duckdb files")
        source = self._source(table, session.attach(self.database), session)
        stored = session.describe(source)
        matched = self.match_columns(table, request.columns, [each.name for each in stored])
        checked = checked_source(source, stored, matched, session, self.zone(table), table)
        columns = stored if checked is source else session.describe(checked)
        return Relation(checked, columns, state.version, None, self.zone(table))

    @override
    def state(self, table: str) -> TableState:
        """Return the state of the database file. Raises ResolveError if the file does not exist."""
        self._check_database(table)
        paths = [path for path in self.files if path.exists()]
        found, own = files_state(self.database.parent, paths, None), self.settings.tables.get(table)
        data = digest([found.version, own.location]) if own else found.version
        return replace(found, version=self.version(table, data))

    def _check_database(self, table: str) -> None:
        if not self.database.is_file():
            raise self.table_error(table, f"the database {self.database} is not there", "fix the target")

    def _source(self, table: str, catalog: str, session: Session) -> exp.Table:
        own = self.settings.tables.get(table)
        tables = self._tables(catalog, session)
        wanted = _schema_and_name(own.location if own else table)
        found = next((pair for pair in tables if (pair[0].lower(), pair[1].lower()) == wanted), None)
        if found is None:
            names = [n if s == "main" else f"{s}.{n}" for s, n in tables]
            raise self.unknown_table_error(table, [*self.settings.tables, *names])
        parts = [identifier(part, quoted=True) for part in (found[1], found[0])]
        return exp.Table(this=parts[0], db=parts[1], catalog=identifier(catalog))

    @staticmethod
    def _tables(catalog: str, session: Session) -> list[tuple[str, str]]:
        """Return the schema and name of each table and view in the catalog."""
        query = (
            exp.select("table_schema", "table_name")
            .from_("information_schema.tables")
            .where(exp.column("table_catalog").eq(catalog))
        )
        return [(row["table_schema"], row["table_name"]) for row in session.rows(query)]


def _schema_and_name(location: str) -> tuple[str, str]:
    schema, _, name = location.lower().rpartition(".")
    return schema or "main", name


def _with_location(schema: str, name: str) -> StoredTable:
    path = name if schema == "main" else f"{schema}.{name}"
    return StoredTable(path, path)
