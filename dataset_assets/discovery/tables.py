"""The tables that a target's resolvers can read: their columns, and statistics of their rows.

The JSON form of every model is that of the Domain specification's table analysis.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.sources import Sessions, TableName, entry_hint, find_resolver, stored_tables
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.model import Instant, Model
from dataset_assets.ports.resolver import Resolver, StoredTable
from dataset_assets.ports.target import Target
from dataset_assets.stats.statistics import Value
from dataset_assets.system_errors import system_errors_as_faults


class TableSummary(Model):
    """One table of a resolver. `row_count` and `last_modified` are None if its metadata lacks them."""

    name: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: tuple[str, ...]
    problem: str = ""
    """Why the table cannot be read; its columns are then unknown."""


class TableList(Model):
    """All tables of the resolvers of a target, by resolver and name.

    `problems` has a sentence for each resolver whose store cannot be listed.
    """

    tables: tuple[TableSummary, ...]
    problems: tuple[str, ...] = ()


class ColumnDescription(Model):
    """A stored column. The statistics are None if they were not computed or do not apply to the type.

    `type` is the store's name of the type, `declare_as` the type that a contract would declare, None if no
    type of a contract can hold it. `null_percent` is 0 to 100. A column that a dataset declares sensitive
    has only counts (BR-206).
    """

    type: str
    declare_as: ColumnType | None
    sensitive: bool = False
    problem: str = ""
    """Why the values could not be measured, such as a float that is not a number."""
    cardinality: int | None = None
    null_percent: float | None = None
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None
    median: Value | None = None
    sample_values: tuple[Value, ...] = ()


class TableDescription(Model):
    """The columns of one table by name, in the order of the store."""

    table: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: Mapping[str, ColumnDescription] = Field(default_factory=dict)


def list_tables(target: Target, resolver: str | None = None) -> TableList:
    """Return the tables of all resolvers of a target, or of the named one. Only metadata is read.

    The columns of a CSV file are in the file, so it is read. A table that cannot be read has a `problem`.
    Raises ResolveError if the target has no resolver of that name.
    """
    resolvers = [find_resolver(target, resolver)] if resolver else target.resolvers.values()
    tables: list[TableSummary] = []
    problems: list[str] = []
    with Sessions(target) as sessions:
        for each in sorted(resolvers, key=lambda found: found.name):
            try:
                with system_errors_as_faults():
                    stored = stored_tables(target, each)
            except DatasetAssetsError as error:
                problems.append(str(error.faults[0]))
                continue
            tables += _summaries(each, stored, sessions)
    return TableList(tables=tuple(tables), problems=tuple(problems))


def _summaries(
    resolver: Resolver, stored: Sequence[StoredTable], sessions: Sessions
) -> Iterator[TableSummary]:
    for each in stored:
        if each.location:
            hint = f"is no name that a dataset can use; {entry_hint(resolver, each)}"
            yield _unread(resolver, each.name, hint)
            continue
        try:
            with system_errors_as_faults():
                yield _summary(TableName(resolver, each.name), sessions)
        except DatasetAssetsError as error:
            yield _unread(resolver, each.name, str(error.faults[0]))


def _summary(name: TableName, sessions: Sessions) -> TableSummary:
    opened = sessions.open(name, with_types=False)
    return TableSummary(
        name=name.table,
        resolver=name.resolver.name,
        row_count=opened.row_count,
        last_modified=opened.state.modified_at,
        columns=tuple(each.name for each in opened.relation.columns),
    )


def _unread(resolver: Resolver, table: str, problem: str) -> TableSummary:
    return TableSummary(
        name=table, resolver=resolver.name, row_count=None, last_modified=None, columns=(), problem=problem
    )
