"""Tables and views in BigQuery. All that is said of them comes from metadata calls, never from a scan."""

# ruff: noqa: PLC0415 - Google's libraries load when a table is looked for, not when a target is checked

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, model_validator

from dataset_assets.adapters.bigquery.names import table as sql_table
from dataset_assets.adapters.bigquery.names import table_path
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings, DatasetPath, Project
from dataset_assets.adapters.resolvers.base import ConfiguredResolver, ResolverSettings
from dataset_assets.adapters.resolvers.by_period import PERIOD, StoredTable, ordered, pieces
from dataset_assets.adapters.resolvers.shards import Shards
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.shared.sizes import Amount
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import AccessError, Fault, ResolveError
from dataset_assets.model import Identifier, Integer, Text
from dataset_assets.periods.calendar import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.resolver import Survey, TableRequest, TableState, TimeRange
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.text.wording import nearest

if TYPE_CHECKING:
    from google.cloud.bigquery import Table
    from sqlglot import exp

    from dataset_assets.adapters.bigquery.connection import Connection
    from dataset_assets.adapters.bigquery.tables import Tables

_AT_ONCE = 8
"""Requests: shards can be many."""


def _shards(value: str) -> str:
    return table_path(value.removesuffix(PERIOD) + "x" * value.endswith(PERIOD)) and value


class BigQueryTable(StoredTable):
    """`location`: `table`, `dataset.table` or `project.dataset.table`.

    Of a table that is sharded it ends with `{period}`, which stands for a Period's id without its dashes:
    `events_{period}` with `period: day` is `events_20260131` and so on.
    """

    location: Annotated[str, AfterValidator(_shards)]


class BigQuerySettings(ResolverSettings):
    """A table that `tables` does not name is `<table>` in `dataset`, which is `dataset` or `project.dataset`.

    `project`: who pays for what is read, where that is not the target's engine. All else is said of that
    project as the engine says it of its own.
    """

    type: Literal["bigquery"]
    dataset: DatasetPath
    tables: Mapping[Identifier, BigQueryTable] = Field(default_factory=dict)
    project: Project | None = None
    location: Text | None = None
    api_endpoint: Text | None = None
    storage_endpoint: Text | None = None
    gcp_credentials: Text | None = None
    patience: Annotated[Integer, Field(ge=1, le=86_400)] | None = None
    maximum_bytes_billed: Amount | None = None
    budgets: Mapping[Identifier, Amount] = Field(default_factory=dict)

    @property
    def reading(self) -> BigQueryEngineSettings | None:
        """Of an engine of its own, where it names a project."""
        own = self.model_dump(include=set(BigQueryEngineSettings.model_fields), exclude_none=True)
        return BigQueryEngineSettings.model_validate(own) if self.project else None

    @model_validator(mode="after")
    def _all_else_needs_a_project(self) -> Self:
        own = set(BigQueryEngineSettings.model_fields) - {"type"}
        said = sorted(own & self.model_dump(exclude_defaults=True).keys())
        if said and not self.project:
            raise ValueError(f"`{said[0]}` needs the `project` that it is said of")
        return self

    def open(self, name: str, context: TargetContext) -> "BigQueryResolver":
        """The resolver."""
        return BigQueryResolver(name, self, context.calendars, context.connection)


@dataclass(eq=False)
class BigQueryResolver(ConfiguredResolver[BigQuerySettings]):
    """`given` is the connection of the target's engine, where it has one."""

    name: str
    settings: BigQuerySettings
    calendars: Calendars
    given: "Connection | None" = None
    reads_with = BIGQUERY.name

    @cached_property
    def connection(self) -> "Connection":
        """Of the project that pays. Raises ResolveError where nothing says which."""
        found = self.settings.reading.open_connection() if self.settings.reading else self.given
        if found is None:
            message = f"resolver {self.name!r}: nothing says which project pays for what is read"
            raise ResolveError(Fault(message, hint="give the resolver a `project`"))
        return found

    def engine(self) -> Engine:
        """One that reads only: nothing can be moved to it."""
        from dataset_assets.adapters.bigquery.engine import BigQueryEngine

        found = self.connection
        same = BigQueryEngineSettings(type="bigquery", project=found.settings.project)
        return BigQueryEngine(self.settings.reading or same, found)

    def cadence(self, table: str) -> str | None:
        """The cadence of a table that is sharded."""
        own = self.settings.tables.get(table)
        return own.period if own else None

    def resolve(self, request: TableRequest, session: Session) -> Relation:  # noqa: ARG002
        """As the port says."""
        from dataset_assets.adapters.bigquery.types import physical_columns

        table = request.table
        source, found = self._found(table, request.time_range)
        try:
            columns = physical_columns({each.table_id: each.schema for each in found})
        except ValueError as error:
            raise self.refuse(table, str(error), "fix the older tables, or the newer ones") from None
        source, columns = self._named(table, request.columns, source, columns)
        state = self._state(table, found)
        return Relation(source, columns, state.version, state.row_count, self.zone(table))

    def _named(
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
        known = self.named(table, declared, [each.name for each in columns])
        return select_declared(source, columns, known) if known else (source, columns)

    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        """Of each shard what its own metadata tells."""
        period = self.cadence(table)
        if period is None:
            return super().pieces(table)
        shards, there = self._shards(table, period)
        present = ordered(self, table, shards.cadence, there)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._tables.find, map(shards.table, present)))
        return {
            each.id: self._state(table, [shard]) for each, shard in zip(present, found, strict=True) if shard
        }

    def periods(self, table: str) -> Mapping[str, Period]:
        """Return the Periods that there are shards of."""
        period = self.cadence(table)
        return self._shards(table, period)[1] if period else {}

    def survey(self, table: str) -> Survey:
        """Of the shards that are touched; the names are listed once."""
        period = self.cadence(table)
        if period is None:
            return super().survey(table)
        shards, present = self._shards(table, period)
        known: dict[str, Table] = {}

        def touched(time_range: TimeRange | None) -> TableState:
            wanted = pieces(self, table, shards.cadence, present, time_range)
            new = [each for each in wanted if each.id not in known]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                found = pool.map(self._tables.get, map(shards.table, new))
                known.update(zip((each.id for each in new), found, strict=True))
            return self._state(table, [known[each.id] for each in wanted])

        return touched

    def state(self, table: str) -> TableState:
        """As the port says; of a view what its tables tell, as far as they may be looked at."""
        return self._state(table, self._found(table, None)[1])

    def examine(self, table: str, session: Session) -> Iterator[AccessFinding]:
        """As the port says; and whether a query of the session can read it where it is."""
        from dataset_assets.adapters.bigquery.access import query_location, table_findings

        found = self._found(table, None)[1]
        state = self._state(table, found)
        return table_findings(f"table {self.name}/{table}", found, state, query_location(session))

    def role(self, table: str) -> str:
        """As the port says."""
        project, dataset, _ = self._place(table)
        return f"grant roles/bigquery.dataViewer on dataset {project}.{dataset}"

    def _state(self, table: str, found: "list[Table]") -> TableState:
        from dataset_assets.adapters.bigquery.table_state import TableStateReader

        state = TableStateReader(self._tables).read(found)
        return replace(state, version=self.version(table, state.version))

    @property
    def _tables(self) -> "Tables":
        from dataset_assets.adapters.bigquery.tables import Tables

        return Tables(self.connection)

    def _place(self, table: str) -> tuple[str, str, str]:
        """(project, dataset, name) of a table."""
        own = self.settings.tables.get(table)
        *outer, name = (own.location if own else table).split(".")
        inner = [self.connection.settings.project, *self.settings.dataset.split(".")][-2:]
        project, dataset = inner[: 2 - len(outer)] + outer
        return project, dataset, name

    def _found(self, table: str, time_range: TimeRange | None) -> "tuple[exp.Expr, list[Table]]":
        """What stands in FROM, and the metadata of the tables that it is, the newest last."""
        period = self.cadence(table)
        if period is None:
            source = sql_table(*self._place(table))
            return source, [self._tables.find(source) or self._missing(table)]
        shards, present = self._shards(table, period)
        wanted = pieces(self, table, shards.cadence, present, time_range)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return shards.rows(wanted), list(pool.map(self._tables.get, map(shards.table, wanted)))

    def _shards(self, table: str, period: str) -> tuple[Shards, dict[str, Period]]:
        """The shards of a table, and the Periods that there are some of."""
        project, dataset, name = self._place(table)
        shards = Shards(project, dataset, name.removesuffix(PERIOD), self.calendars.cadence(period))
        return shards, shards.present(self._names(table))

    def _names(self, table: str) -> Sequence[str]:
        """All that the table's dataset holds. Raises ResolveError where there is no such dataset."""
        project, dataset, _ = self._place(table)
        try:
            return [name for name in self._tables.names(project, dataset) if not name.startswith("_")]
        except ResolveError:
            hint = "check the resolver's `dataset`, and the project that it is in"
            raise self.refuse(table, f"there is no dataset {project}.{dataset}", hint) from None

    def _missing(self, table: str) -> NoReturn:
        """Raises ResolveError: there is no such table. What is there, and which was probably meant."""
        try:
            names = self._names(table)
        except AccessError:
            names = []
        path = ".".join(self._place(table))
        if table not in self.settings.tables:
            raise self.unknown(table, [*self.settings.tables, *names])
        meant = nearest(path.rpartition(".")[2], names)
        raise self.refuse(table, f"there is no table {path}", f"did you mean {meant!r}?" if meant else "")
