"""Answers about datasets: their definition, columns, versions and publications, and their SQL."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import ColumnType
from dataset_assets.interfaces.answers.publications import PublicationAnswer
from dataset_assets.model import Instant, Model
from dataset_assets.publishing.snapshot import definition_of


class ColumnAnswer(Model):
    """A published column. `reads` is the column that it is read from; empty for `split`."""

    name: str
    type: ColumnType
    nullable: bool
    sensitive: bool
    reads: str
    description: str


class VersionAnswer(Model):
    """A line of the lock: a number, and what changed. `kind` is first, additive, breaking or same."""

    version: int
    kind: str
    locked_at: Instant
    summary: str


class DatasetAnswer(Model):
    """A dataset. `definition` is the file without what it leaves to defaults.

    `pending` says that the structure has no line in the lock yet, which will give it the number `version`.
    `statistics` are those of one publication, if they were requested. `last_used_at` is the time of the last
    recorded use by a training run.
    """

    dataset: str
    file: str
    version: int
    pending: bool
    definition: Mapping[str, Any]
    columns: tuple[ColumnAnswer, ...]
    versions: tuple[VersionAnswer, ...]
    publications: tuple[PublicationAnswer, ...] = ()
    last_used_at: Instant | None = None
    statistics: Mapping[str, Any] = Field(default_factory=dict)


class SqlAnswer(Model):
    """The query of a dataset as text, and the instant that it looks back from."""

    dataset: str
    dialect: str
    as_of: Instant
    period: str | None
    sql: str


class TfxSplit(Model):
    """A split of TFX's input configuration: its name, and the query that reads its rows."""

    name: str
    pattern: str


class TfxInput(Model):
    """The `input_config` of TFX's BigQueryExampleGen, in the JSON form of its protocol buffer."""

    splits: tuple[TfxSplit, ...]


class TrainingSqlAnswer(Model):
    """How another program reads published rows. `sql` is None if there is one query for each split.

    `options` belong into BigQuery ML's `CREATE MODEL`.
    """

    dataset: str
    consumer: str
    periods: tuple[str | None, ...]
    table_version: int
    sql: str | None
    input_config: TfxInput | None = None
    options: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)


class CostAnswer(Model):
    """The bytes that a run would read. `reads` is None on an engine that bills nothing.

    `moves` has the bytes that each source's own store reads for its transfer. `unchanged` says that a run
    would find query and sources unchanged, and read nothing.
    """

    dataset: str
    engine: str
    as_of: Instant
    period: str | None
    reads: int | None
    budget: int | None
    moves: Mapping[str, int | None]
    unchanged: bool


def dataset_answer(
    catalog: Catalog, entry: Entry, publications: tuple[PublicationAnswer, ...], statistics: Mapping[str, Any]
) -> DatasetAnswer:
    """Return the answer for a dataset. Raises ContractError if its file has faults."""
    scope = catalog.scope(entry)
    dataset, lock = scope.dataset, entry.lock
    version = lock.version_of(dataset)
    return DatasetAnswer(
        dataset=entry.stem,
        file=str(entry.path),
        version=version.number,
        pending=version.pending,
        definition=definition_of(dataset),
        columns=tuple(
            ColumnAnswer(
                name=each.name,
                type=each.definition.type,
                nullable=each.definition.nullable,
                sensitive=each.definition.sensitive,
                reads=f"{each.reference.source.name}.{each.reference.column.name}" if each.reference else "",
                description=each.definition.description or "",
            )
            for each in scope.outputs
        ),
        versions=tuple(
            VersionAnswer(
                version=line.version, kind=line.kind, locked_at=line.locked_at, summary=line.summary
            )
            for line in lock.lines
        ),
        publications=publications,
        statistics=statistics,
    )
