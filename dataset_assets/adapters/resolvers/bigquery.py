"""Resolve tables and views in BigQuery by their metadata; none of their rows is read."""

# ruff: noqa: PLC0415 - Google's libraries load when a table is resolved, not when a target is read

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

from dataset_assets.adapters.bigquery.names import table as sql_table
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings
from dataset_assets.adapters.resolvers.base import ConfiguredResolver
from dataset_assets.adapters.resolvers.bigquery_settings import BigQuerySettings
from dataset_assets.adapters.resolvers.by_period import (
    PERIOD,
    StoredPieces,
)
from dataset_assets.adapters.resolvers.shards import Shards, concurrently, stored_tables
from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import AccessError, Fault, ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.resolver import (
    PastVersion,
    StoredTable,
    Survey,
    TableAddress,
    TableRequest,
    TableState,
    TimeRange,
    gone,
)
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.text.wording import nearest_first

if TYPE_CHECKING:
    from google.cloud.bigquery import Table
    from sqlglot import exp

    from dataset_assets.adapters.bigquery.connection import Connection
    from dataset_assets.adapters.bigquery.tables import Tables


@dataclass(eq=False)
class BigQueryResolver(ConfiguredResolver[BigQuerySettings]):
    """Resolves the tables of one BigQuery dataset.

    `engine_connection` is that of the target's engine, if any.
    """

    name: str
    settings: BigQuerySettings
    calendars: Calendars
    engine_connection: "Connection | None" = None
    reads_with = BIGQUERY.name

    @cached_property
    def connection(self) -> "Connection":
        """Return a connection that bills the right project.

        Raises ResolveError if no project is configured.
        """
        connection = (
            self.settings.own_engine.open_connection() if self.settings.own_engine else self.engine_connection
        )
        if connection is None:
            message = f"resolver {self.name!r}: nothing says which project pays for what is read"
            raise ResolveError(Fault(message, hint="give the resolver a `project`"))
        return connection

    @override
    def engine(self) -> Engine:
        """Return an engine that only reads: it has no dataset to load rows into."""
        from dataset_assets.adapters.bigquery.engine import BigQueryEngine

        connection = self.connection
        same = BigQueryEngineSettings(type="bigquery", project=connection.settings.project)
        return BigQueryEngine(self.settings.own_engine or same, connection)

    @override
    def tables(self) -> Sequence[StoredTable]:
        """Return the configured tables, and those of the dataset with its views; shards are one table."""
        configured = super().tables()
        covered = {".".join(self._path(each.name)).replace(PERIOD, "*") for each in configured}
        project, dataset, _ = self._path("")
        found = stored_tables(f"{project}.{dataset}", self._names(""), covered)
        return [*configured, *(each for each in found if each.name not in self.settings.tables)]

    @override
    def cadence(self, table: str) -> str | None:
        own = self.settings.tables.get(table)
        return own.period if own else None

    @override
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        return self._relation(request, *self._located(request.table, request.time_range))

    @override
    def resolve_past(self, request: TableRequest, past: PastVersion, session: Session) -> Relation:
        """Return the rows of a single table by time travel; of views and shards only the present rows."""
        from dataset_assets.adapters.bigquery.time_travel import as_of, gone_since

        source, tables = self._located(request.table, request.time_range)
        present = self._relation(request, source, tables)
        if present.version == past.version:
            return present
        since = gone_since(self._tables, source, tables[-1], past.read_at)
        if since:
            raise ResolveError(gone(f"{self.name}/{request.table}", past, since))
        earlier = self._relation(request, as_of(source, past.read_at), tables)
        return replace(earlier, version=past.version, row_count=None)

    def _relation(self, request: TableRequest, source: "exp.Expr", tables: "list[Table]") -> Relation:
        from dataset_assets.adapters.bigquery.types import physical_columns

        table = request.table
        try:
            columns = physical_columns({each.table_id: each.schema for each in tables})
        except ValueError as error:
            raise self.table_error(table, str(error), "fix the older tables, or the newer ones") from None
        source, columns = self._renamed(table, request.columns, source, columns)
        state = self._state(table, tables)
        return Relation(source, columns, state.version, state.row_count, self.zone(table))

    def _renamed(
        self,
        table: str,
        declared: tuple[ColumnDef, ...],
        source: "exp.Expr",
        columns: tuple[PhysicalColumn, ...],
    ) -> "tuple[exp.Expr, tuple[PhysicalColumn, ...]]":
        """Return the source with the contract's names, where the target maps them or allows missing ones."""
        from dataset_assets.adapters.bigquery.names import select_declared

        own = self.settings.tables.get(table)
        if own is None or not (own.columns or own.missing_columns == "null"):
            return source, columns
        matched = self.match_columns(table, declared, [each.name for each in columns])
        return select_declared(source, columns, matched) if matched else (source, columns)

    @override
    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        period = self.cadence(table)
        if period is None:
            return super().pieces(table)
        shards, pieces = self._shards(table, period)
        periods = pieces.in_order
        tables = concurrently(self._tables.find, map(shards.table, periods))
        return {
            each.id: self._state(table, [shard]) for each, shard in zip(periods, tables, strict=True) if shard
        }

    @override
    def periods(self, table: str) -> Mapping[str, Period]:
        period = self.cadence(table)
        return self._shards(table, period)[1].present if period else {}

    @override
    def survey(self, table: str) -> Survey:
        """Return a function from a time range to the state of its shards. Their names are listed once."""
        period = self.cadence(table)
        if period is None:
            return super().survey(table)
        shards, pieces = self._shards(table, period)
        metadata: dict[str, Table] = {}

        def state_within(time_range: TimeRange | None) -> TableState:
            required = pieces.required(time_range)
            new = [each for each in required if each.id not in metadata]
            tables = concurrently(self._tables.get, map(shards.table, new))
            metadata.update(zip((each.id for each in new), tables, strict=True))
            return self._state(table, [metadata[each.id] for each in required])

        return state_within

    @override
    def state(self, table: str) -> TableState:
        """Return the state of the table.

        A view has the state of its tables, if their metadata is readable.
        """
        return self._state(table, self._located(table, None)[1])

    @override
    def examine(self, table: str, session: Session) -> Iterator[AccessFinding]:
        """Yield findings about the table, and whether the session's location lets its queries read it."""
        from dataset_assets.adapters.bigquery.access import query_location, table_findings

        tables = self._located(table, None)[1]
        state = self._state(table, tables)
        return table_findings(f"table {self.name}/{table}", tables, state, query_location(session))

    @override
    def role(self, table: str) -> str:
        project, dataset, _ = self._path(table)
        return f"grant roles/bigquery.dataViewer on dataset {project}.{dataset}"

    @override
    def address(self, table: str) -> TableAddress:
        return TableAddress("bigquery", ".".join(self._path(table)))

    def _state(self, table: str, tables: "list[Table]") -> TableState:
        from dataset_assets.adapters.bigquery.table_state import TableStateReader

        state = TableStateReader(self._tables).read(tables)
        return replace(state, version=self.version(table, state.version))

    @property
    def _tables(self) -> "Tables":
        from dataset_assets.adapters.bigquery.tables import Tables

        return Tables(self.connection)

    def _path(self, table: str) -> tuple[str, str, str]:
        """Return the project, the dataset and the name of a table in BigQuery."""
        own = self.settings.tables.get(table)
        *outer, name = (own.location if own else table).split(".")
        inner = [self.connection.settings.project, *self.settings.dataset.split(".")][-2:]
        project, dataset = inner[: 2 - len(outer)] + outer
        return project, dataset, name

    def _located(self, table: str, time_range: TimeRange | None) -> "tuple[exp.Expr, list[Table]]":
        """Return the FROM item of a table and the metadata of its tables, the newest shard last."""
        period = self.cadence(table)
        if period is None:
            source = sql_table(*self._path(table))
            return source, [self._tables.find(source) or self._raise_missing(table)]
        shards, pieces = self._shards(table, period)
        required = pieces.required(time_range)
        return shards.rows(required), concurrently(self._tables.get, map(shards.table, required))

    def _shards(self, table: str, period: str) -> tuple[Shards, StoredPieces]:
        """Return the shards of a table, and the Periods that have one."""
        project, dataset, name = self._path(table)
        shards = Shards(project, dataset, name.removesuffix(PERIOD), self.calendars.cadence(period))
        return shards, StoredPieces(self, table, shards.cadence, shards.present(self._names(table)))

    def _names(self, table: str) -> Sequence[str]:
        """Return the names in the table's dataset. Raises ResolveError if the dataset does not exist."""
        project, dataset, _ = self._path(table)
        try:
            return [name for name in self._tables.names(project, dataset) if not name.startswith("_")]
        except ResolveError:
            hint = "check the resolver's `dataset`, and the project that it is in"
            raise self.table_error(table, f"there is no dataset {project}.{dataset}", hint) from None

    def _raise_missing(self, table: str) -> NoReturn:
        """Raise ResolveError for a table that does not exist, with the nearest name that does."""
        try:
            names = self._names(table)
        except AccessError:
            names = []
        path = ".".join(self._path(table))
        if table not in self.settings.tables:
            raise self.unknown_table_error(table, [*self.settings.tables, *names])
        hint = nearest_first(path.rpartition(".")[2], names)
        raise self.table_error(table, f"there is no table {path}", hint)
