"""Read published rows in Python with `read_arrow`, `read_pandas` and `read_polars`.

from dataset_assets.interfaces.reading import read_pandas

train = read_pandas("grocery_recommender", partition="2017-12", split="train")
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Entry, PublishedName
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Datasets, Scope, sensitive_names
from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.interfaces.bitemporal_selection import bitemporal_read
from dataset_assets.interfaces.frames import Decimals, check_decimals, to_pandas
from dataset_assets.interfaces.optional_packages import optional_module
from dataset_assets.interfaces.row_selection import (
    RowSelection,
    chosen_columns,
    parsed_where,
    split_value,
)
from dataset_assets.interfaces.sample_reading import SampleRows, open_sample
from dataset_assets.interfaces.selected_publications import selected_publications
from dataset_assets.interfaces.use_reports import STEM, record_and_report
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.uses import PublicationChoice, check_training_run
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.warehouse import Publication
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.rows.visible_rows import visible_relation
from dataset_assets.selection.splits import NAMES, SPLIT_COLUMN
from dataset_assets.sql.build import alias_table, column, number
from dataset_assets.sql.where.where import Where

if TYPE_CHECKING:
    from collections.abc import Generator

    import pandas as pd
    import polars as pl
    import pyarrow as pa

ROW_ID = "_row_id"


def read_arrow(
    name: str,
    *,
    partition: str | None = None,
    version: int | None = None,
    split: str | None = None,
    where: str | None = None,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    with_system: bool = False,
    include_deleted: bool = False,
    valid_at: datetime | str | None = None,
    known_in: str | None = None,
    history: bool = False,
    training_run: str | None = None,
    sample: str | None = None,
    target: str | None = None,
    definitions: Path | None = None,
) -> "pa.Table":
    """Return the published rows of a dataset, in the order of their `_row_id`.

    `name` is a stem or an id. Without `partition` all Periods are read, one after another. `version` is the
    version of the warehouse table (time travel), `split` one of train, eval and test, and `where` a condition
    that the rows satisfy (docs/where.md). Columns that begin with `_` are left out unless `columns` names
    them or `with_system` is set, and deleted rows unless `include_deleted` is set. Of a bitemporal dataset
    those rows are read that the last load says; `known_in` is a Period whose knowledge is read instead,
    `valid_at` the instant at which rows are true, and `history` reads the rows of all loads. With the id of a
    `training_run`, its use of all Periods that were read is recorded, and they are pinned. With a share as
    `sample`, the sample is read that `materialize --sample` wrote. Target and definitions folder are those of
    the environment by default. Sensitive columns are read like all others.
    Raises DatasetAssetsError if the dataset, Period, version, split or a column does not exist.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    selection = RowSelection(
        name,
        partition,
        version,
        split=split,
        columns=tuple(columns or ()),
        limit=limit,
        with_system=with_system,
        where=where,
        include_deleted=include_deleted,
        valid_at=valid_at,
        known_in=known_in,
        history=history,
        sample=sample,
    )
    workspace = Workspace.of(target, definitions)
    with open_selection(workspace, selection, training_run) as rows:
        return pa.concat_tables(rows.tables())


def read_pandas(name: str, *, decimals: Decimals = "decimal", **options: Any) -> "pd.DataFrame":
    """Return the rows of `read_arrow`, which has the same `options`, as a DataFrame with unchanged values.

    Integers and booleans are `Int64` and `boolean` where there are NULLs, dates are `datetime.date`, times
    are `datetime64[us, UTC]`, labels are dicts (BR-119). `decimals="decimal"` keeps each digit as
    `decimal.Decimal`; "float" gives the nearest float64, and NaN for NULL. Raises as `read_arrow` does.
    """
    check_decimals(decimals)
    return to_pandas(read_arrow(name, **options), decimals)


def read_polars(name: str, **options: Any) -> "pl.DataFrame":
    """Return the rows of `read_arrow`, which has the same `options`, as a DataFrame of Polars.

    Values have the types of Arrow: decimals keep each digit, times are microseconds in UTC, and labels are
    lists of structs. Raises UnsupportedError if Polars is not installed, and as `read_arrow` does.
    """
    polars = optional_module("polars", "Polars", "`polars`, the extra `dataset-assets[polars]`,")
    return polars.from_arrow(read_arrow(name, **options))


@dataclass(frozen=True)
class PublishedRows:
    """Published rows that can be read while their session is open. `sensitive` names columns to mask."""

    session: Session
    publications: tuple[Publication, ...]
    columns: tuple[str, ...]
    sensitive: frozenset[str]
    split: int | None
    limit: int | None
    where: Where | None = None
    include_deleted: bool = False
    sensitive_besides: frozenset[str] = frozenset()
    """The sensitive columns that are not among `columns`."""
    bitemporal: BitemporalRead | None = None
    """Which rows of a bitemporal table are read."""
    periods_read: list[str | None] = field(default_factory=list)
    """The Periods whose rows were read; a limit can leave out the last ones."""

    @property
    def total(self) -> int:
        """Number of rows, not counting the limit."""
        if self.where is not None or self.include_deleted or self.bitemporal:
            return sum(map(self._count, self.publications))
        records = [publication.record for publication in self.publications]
        if self.split is None:
            return sum(record["counts"]["rows"] for record in records)
        return sum(record["statistics"]["splits"].get(NAMES[self.split], 0) for record in records)

    def tables(self) -> "Iterator[pa.Table]":
        """Yield one Arrow table for each Period, at least one, so that only one has to be in memory."""
        remaining = self.limit
        for publication in self.publications:
            table = self.session.arrow(self._ordered(publication, remaining))
            self.periods_read.append(publication.period)
            yield table
            remaining = None if remaining is None else remaining - table.num_rows
            if remaining == 0:
                return

    def _ordered(self, publication: Publication, limit: int | None) -> exp.Query:
        first = self.bitemporal.order if self.bitemporal else ()
        query = self.query(publication, *map(column, self.columns))
        order = [exp.Ordered(this=column(name), nulls_first=True) for name in (*first, ROW_ID)]
        query = query.order_by(*order)
        return query if limit is None else query.limit(limit)

    def _count(self, publication: Publication) -> int:
        count = exp.alias_(exp.Count(this=exp.Star()), "row_count")
        return int(self.session.rows(self.query(publication, count))[0]["row_count"])

    def query(self, publication: Publication, *shown: exp.Expr) -> exp.Select:
        """Return the query of these expressions over the selected rows of one publication, in no order."""
        query = exp.select(*shown).from_(alias_table(self._source(publication), "published"))
        if self.split is not None:
            query = query.where(exp.EQ(this=column(SPLIT_COLUMN), expression=number(self.split)))
        return query.where(self.where.condition()) if self.where else query

    def _source(self, publication: Publication) -> exp.Expr:
        if self.bitemporal:
            return self.bitemporal.rows(publication.relation.source, include_deleted=self.include_deleted)
        relation = publication.relation if self.include_deleted else visible_relation(publication)
        return relation.source


@contextmanager
def open_selection(
    workspace: Workspace, selection: RowSelection, training_run: str | None = None
) -> "Generator[PublishedRows | SampleRows]":
    """Yield published rows, or those of a sample; afterwards record their use by a training run, if any.

    Raises DatasetAssetsError as `open_rows` and `open_sample` do, and UnsupportedError for a use of a sample.
    """
    if selection.sample is not None:
        if training_run is not None:
            hint = "materialize the dataset, and train on its rows"
            raise UnsupportedError(Fault("the use of a sample is not recorded", hint=hint))
        with open_sample(workspace, selection, selection.sample) as sampled:
            yield sampled
        return
    if training_run is not None:
        check_training_run(training_run)
    with open_rows(workspace, selection) as rows:
        yield rows
    if training_run is not None:
        record_reading(workspace, rows, training_run)


def record_reading(workspace: Workspace, rows: PublishedRows, training_run: str) -> None:
    """Record that a training run used the publications whose rows were read."""
    dataset = rows.publications[0].dataset
    version = max(each.version for each in rows.publications)
    periods = tuple(dict.fromkeys(rows.periods_read))
    record_and_report(workspace, PublicationChoice(dataset, periods, version), training_run)


@contextmanager
def open_rows(workspace: Workspace, selection: RowSelection) -> "Generator[PublishedRows]":
    """Open a session and yield the selected rows. Raises DatasetAssetsError if any part does not exist."""
    published = published_if_any(workspace, selection.name)
    stem = published.stem if published else selection.name
    with workspace.target.engine.connect(JobContext(stem)) as session:
        yield select_rows(workspace, published, selection, session)


def published_if_any(workspace: Workspace, name: str) -> PublishedName | None:
    """Return what a name stands for; None if no file defines it. Raises ContractError if nothing can."""
    published = workspace.catalog_if_any.published_if_any(name)
    if published is None and not STEM.fullmatch(name):
        workspace.catalog.entry(name)
    return published


def select_rows(
    workspace: Workspace, published: PublishedName | None, selection: RowSelection, session: Session
) -> PublishedRows:
    """Return the selected rows in an open session. Raises DatasetAssetsError if any part does not exist."""
    entry = published.entry if published else None
    publications = selected_publications(workspace, published, selection, session)
    bitemporal = bitemporal_read(publications[-1], selection, workspace.catalog_if_any.calendars)
    columns = chosen_columns(publications[-1], selection, bitemporal.shown if bitemporal else ())
    split = split_value(publications, selection.split)
    sensitive = _sensitive(entry, publications, workspace.catalog_if_any.find)
    where = parsed_where(publications[-1], selection.where)
    shown = sensitive.intersection(columns)
    return PublishedRows(
        session,
        publications,
        columns,
        shown,
        split,
        selection.limit,
        where,
        selection.include_deleted,
        sensitive - shown,
        bitemporal,
    )


def _sensitive(
    entry: Entry | None, publications: Sequence[Publication], datasets: Datasets
) -> frozenset[str]:
    """Return the columns that the current definition or a published one marks as sensitive (BR-206)."""
    recorded = (Dataset.model_validate(each.record["definition"]) for each in publications)
    definitions = (*recorded, *((entry.dataset,) if entry and entry.dataset else ()))
    columns = {each.name for publication in publications for each in publication.relation.columns}
    return sensitive_names((Scope(each, datasets) for each in definitions), columns)
