"""Tables and views in BigQuery. All that is said of them comes from metadata calls, never from a scan."""

# ruff: noqa: PLC0415 - Google's libraries load when a table is looked for, not when a target is checked

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlglot import exp

from dataset_assets.errors import AccessError, ResolveError
from dataset_assets.model import Identifier
from dataset_assets.periods.calendar import Cadence, Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports import Engine, Errand, Extent, Relation, Session, TableState
from dataset_assets.sql.build import column, text
from dataset_assets.sql.dialect import BIGQUERY
from resources.bigquery.names import table as sql_table
from resources.bigquery.names import table_path
from resources.bigquery.settings import BigQueryEngineSettings, ConnectionSettings, DatasetPath, Project
from resources.place import Place
from resources.resolvers.base import ConfiguredResolver, ResolverSettings, digest
from resources.resolvers.stored import PERIOD, StoredTable, parsed, pieces

if TYPE_CHECKING:
    from datetime import datetime

    from google.cloud.bigquery import Table

    from resources.bigquery.connection import Connection
    from resources.bigquery.tables import Tables

_STORED = frozenset({"TABLE", "SNAPSHOT", "CLONE"})
"""Kinds of tables whose own metadata knows when their rows changed."""


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

    `project`: who pays for what is read, where that is not the engine's own; `api_endpoint` and
    `storage_endpoint`: as the engine's.
    """

    type: Literal["bigquery"]
    dataset: DatasetPath
    project: Project | None = None
    location: str | None = None
    api_endpoint: str | None = None
    storage_endpoint: str | None = None
    tables: Mapping[Identifier, BigQueryTable] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _endpoints_need_a_project(self) -> Self:
        if (self.api_endpoint or self.storage_endpoint or self.location) and not self.project:
            raise ValueError("an endpoint or a location needs the `project` whose jobs they are for")
        return self

    def open(self, name: str, place: Place) -> "BigQueryResolver":
        """The resolver."""
        return BigQueryResolver(name, self, place.calendars, place.connection)


@dataclass(eq=False)
class BigQueryResolver(ConfiguredResolver[BigQuerySettings]):
    """`given` is the engine's connection, where it has one."""

    name: str
    settings: BigQuerySettings
    calendars: Calendars
    given: "Connection | None" = None
    reads_with = BIGQUERY.name

    @cached_property
    def connection(self) -> "Connection":
        """The engine's, or one of its own where another project pays. Raises ResolveError without either."""
        from resources.bigquery.connection import Connection

        own = self.settings
        if own.project is None:
            if self.given is None:
                message = "nothing says which project pays for what is read"
                raise self.refuse("*", message, "give the resolver a `project`")
            return self.given
        return Connection(
            ConnectionSettings(
                project=own.project,
                location=own.location,
                api_endpoint=own.api_endpoint,
                storage_endpoint=own.storage_endpoint,
            )
        )

    def engine(self) -> Engine:
        """One that reads only: nothing can be moved to it."""
        from resources.bigquery.engine import BigQueryEngine

        project = self.connection.settings.project
        return BigQueryEngine(BigQueryEngineSettings(type="bigquery", project=project), self.connection)

    def cadence(self, table: str) -> str | None:
        """The cadence of a table that is sharded."""
        own = self.settings.tables.get(table)
        return own.period if own else None

    def resolve(self, table: str, extent: Extent | None, session: Session) -> Relation:  # noqa: ARG002
        """As the port says."""
        from resources.bigquery.types import physical_column

        found = self._found(table, extent)
        names = [each for each, _ in found]
        newest = found[-1][1]
        columns = tuple(map(physical_column, newest.schema))
        state = self._state([each for _, each in found])
        return Relation(self._source(table, names), columns, state.version, state.row_count, self.zone(table))

    def state(self, table: str) -> TableState:
        """As the port says; of a view what its tables tell, as far as they may be looked at."""
        return self._state([each for _, each in self._found(table, None)])

    @property
    def _tables(self) -> "Tables":
        from resources.bigquery.tables import Tables

        return Tables(self.connection)

    def _path(self, location: str) -> tuple[str, str, str]:
        """(project, dataset, table) of a location."""
        *outer, name = location.split(".")
        own_project, _, dataset = self.settings.dataset.rpartition(".")
        project = own_project or self.connection.settings.project
        if outer:
            dataset = outer[-1]
            project = outer[0] if len(outer) > 1 else project
        return project, dataset, name

    def _found(self, table: str, extent: Extent | None) -> "list[tuple[str, Table]]":
        """Name and metadata of the table, or of the shards that `extent` touches, the newest last."""
        own = self.settings.tables.get(table)
        location = own.location if own else table
        project, dataset, name = self._path(location)
        if own is None or own.period is None:
            found = self._tables.find(sql_table(project, dataset, name))
            if found is None:
                raise self.unknown(table, [*self.settings.tables, *self._names(project, dataset)])
            return [(name, found)]
        cadence = self.calendars.cadence(own.period)
        present = dict(_present(name.removesuffix(PERIOD), cadence, self._names(project, dataset)))
        names = [_fill(name, period) for period in pieces(self, table, cadence, present, extent)]
        return [(each, self._tables.get(sql_table(project, dataset, each))) for each in names]

    def _names(self, project: str, dataset: str) -> list[str]:
        try:
            return self._tables.names(project, dataset)
        except (AccessError, ResolveError):
            return []  # may not be listed, or there is no such dataset: the table is told not to be there

    def _source(self, table: str, names: Sequence[str]) -> exp.Expr:
        own = self.settings.tables.get(table)
        project, dataset, name = self._path(own.location if own else table)
        if own is None or own.period is None:
            return sql_table(project, dataset, name)
        prefix = name.removesuffix(PERIOD)
        suffixes = [text(each.removeprefix(prefix)) for each in names]
        wanted = exp.In(this=column("_TABLE_SUFFIX"), expressions=suffixes)
        return exp.select("*").from_(sql_table(project, dataset, f"{prefix}*")).where(wanted).subquery()

    def _state(self, tables: "Sequence[Table]") -> TableState:
        stored = [each for table in tables for each in self._stored(table)]
        known = all(stored) and bool(stored)
        marks = sorted(f"{each.full_table_id}\0{each.modified}\0{each.num_rows}" for each in stored if each)
        times = [each.modified for each in stored if each and each.modified]
        counts = [each.num_rows if each.table_type in _STORED else None for each in tables]
        rows = None if None in counts else sum(int(count) for count in counts if count is not None)
        modified: datetime | None = max(times) if known and times else None
        return TableState(digest(marks) if known else "", rows, modified)

    def _stored(self, table: "Table") -> "list[Table | None]":
        """The tables that hold a table's or a view's rows; None for one of which metadata does not tell."""
        if table.table_type in _STORED:
            return [None if table.streaming_buffer else table]
        if table.table_type not in {"VIEW", "MATERIALIZED_VIEW"}:
            return [None]
        return [table, *self._below(table)]

    def _below(self, view: "Table") -> "Iterator[Table | None]":
        from resources.bigquery.jobs import Jobs

        source = sql_table(view.project, view.dataset_id, view.table_id)
        jobs = Jobs(self.connection, Errand(""), limit=0)
        job = jobs.dry_run(BIGQUERY.render(exp.select("*").from_(source), pretty=False))
        below = [each for each in job.referenced_tables if each.table_id != view.table_id]
        if not below:
            yield None
        for each in below:
            try:
                found = self._tables.find(sql_table(each.project, each.dataset_id, each.table_id))
            except AccessError:
                found = None
            is_stored = found is not None and found.table_type in _STORED and not found.streaming_buffer
            yield found if is_stored else None


def _fill(location: str, period: Period) -> str:
    return location.replace(PERIOD, _compact(period))


def _compact(period: Period) -> str:
    return period.id.replace("-", "")


def _present(prefix: str, cadence: Cadence, names: Sequence[str]) -> Iterator[tuple[str, Period]]:
    """The Periods that there are shards of. Names that are no Period are somebody else's tables."""
    for name in names:
        suffix = name.removeprefix(prefix)
        if name.startswith(prefix) and suffix:
            for candidate in _dashed(suffix):
                period = parsed(cadence, candidate)
                if period and _compact(period) == suffix:
                    yield period.id, period


def _dashed(suffix: str) -> Iterator[str]:
    """Where the dashes of an id may have been: after the year, and between month and day."""
    yield suffix
    if found := re.fullmatch(r"([A-Z]*\d{4})([QWM]?\d{1,2})(\d\d)?", suffix):
        yield "-".join(part for part in found.groups() if part)
