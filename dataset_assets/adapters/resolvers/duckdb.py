"""Tables of a .duckdb file, opened read-only."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sqlglot import exp

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, files_state
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest, TableState
from dataset_assets.sql.build import identifier
from dataset_assets.text.digest import digest


class DuckDBFileSettings(ResolverSettings):
    """`location` of a table is `table` or `schema.table`; by default its name."""

    type: Literal["duckdb"]
    database: Location

    def open(self, name: str, context: TargetContext) -> "DuckDBResolver":
        """The resolver."""
        return DuckDBResolver(name, self, context.path(self.database))


@dataclass(eq=False)
class DuckDBResolver(LocalResolver[DuckDBFileSettings]):
    """The version is the file's: any write to it counts as a change of all its tables."""

    name: str
    settings: DuckDBFileSettings
    database: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The database and its write-ahead log."""
        return (self.database, self._log)

    @property
    def _log(self) -> Path:
        return self.database.with_name(f"{self.database.name}.wal")

    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """As the port says. Needs a session of DuckDB."""
        from dataset_assets.adapters.duckdb.engine import DuckDBSession  # noqa: PLC0415 - a target is checked without it
        from dataset_assets.adapters.duckdb.tables import fitted_source  # noqa: PLC0415

        table = request.table
        state = self.state(table)
        if not isinstance(session, DuckDBSession):
            raise self.refuse(table, "only the DuckDB engine reads .duckdb files")
        source = self._source(table, session.attach(self.database), session)
        found = session.describe(source)
        known = self.named(table, request.columns, [each.name for each in found])
        fitted = fitted_source(source, found, known, session, self.zone(table), table)
        columns = found if fitted is source else session.describe(fitted)
        return Relation(fitted, columns, state.version, None, self.zone(table))

    def state(self, table: str) -> TableState:
        """Of the file."""
        if not self.database.is_file():
            raise self.refuse(table, f"the database {self.database} is not there", "fix the target")
        paths = [path for path in self.files if path.exists()]
        found, own = files_state(self.database.parent, paths, None), self.settings.tables.get(table)
        data = digest([found.version, own.location]) if own else found.version
        return replace(found, version=self.version(table, data))

    def _source(self, table: str, catalog: str, session: Session) -> exp.Table:
        own = self.settings.tables.get(table)
        schema, _, name = (own.location if own else table).rpartition(".")
        known = self._known(catalog, session)
        wanted = (schema.lower() or "main", name.lower())
        found = next((pair for pair in known if (pair[0].lower(), pair[1].lower()) == wanted), None)
        if found is None:
            names = [n if s == "main" else f"{s}.{n}" for s, n in known]
            raise self.unknown(table, [*self.settings.tables, *names])
        parts = [identifier(part, quoted=True) for part in (found[1], found[0])]
        return exp.Table(this=parts[0], db=parts[1], catalog=identifier(catalog))

    @staticmethod
    def _known(catalog: str, session: Session) -> list[tuple[str, str]]:
        """Schema and name of every table and view."""
        query = (
            exp.select("table_schema", "table_name")
            .from_("information_schema.tables")
            .where(exp.column("table_catalog").eq(catalog))
        )
        return [(row["table_schema"], row["table_name"]) for row in session.rows(query)]
