"""The request for one publication, and the prepared run: everything that is decided before a query runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.periods.instants import UTC_ZONE, AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Publication, PublishedColumn, Record
from dataset_assets.publishing.loaded_periods import record_of_load
from dataset_assets.publishing.period_snapshot import load_of, snapshot_of
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.rows.bitemporal import PeriodLoad
from dataset_assets.rows.identity import EarlierRows, Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.sql.build import CTE, assemble, table


@dataclass(frozen=True)
class Request:
    """Which Period of which dataset to publish, and how. `now` is the instant of the publication.

    `as_of` is the instant from which a selection looks back if there is no Period; `now` by default.
    `locked` permits only structures that are in the lock (BR-115). `attempt` counts the attempts of one run.
    `reread` reads the sources even if their versions are unchanged. `without_gone` publishes even if
    files of Periods that the previous publication was read from have disappeared.
    """

    entry: Entry
    run_id: str
    now: datetime
    period: Period | None = None
    as_of: datetime | None = None
    project_id: UUID | None = None
    locked: bool = False
    attempt: int = 0
    reread: bool = False
    without_gone: bool = False

    @property
    def looks_back_from(self) -> AsOf:
        """The as-of instant (BR-106): the Period's end, else the given `as_of`, else the run's instant."""
        return as_of_instant(self.period, self.as_of or self.now)


def as_of_instant(period: Period | None, now: datetime) -> AsOf:
    """Return the instant from which a publication looks back: the end of its Period, else `now`."""
    return AsOf(period.end, period.zone) if period else AsOf(now, UTC_ZONE)


@dataclass(frozen=True)
class PreparedRun:
    """Everything about one publication that is decided before its query runs.

    `selection` are the CTEs of the rows. `original_selection` are those CTEs before sources were transferred,
    empty if none was: a transferred source has another name in each run. `external_queries` is the text that
    reads each external source in its own store, `transfer_usage` what the engines counted for the transfers.
    `periods` are the ids of the Periods that are read of each source that is stored by Period, by the
    source's key; `missing_periods` those that the previous publication had and that are left out on purpose.
    """

    request: Request
    inputs: SelectionInput
    selection: tuple[CTE, ...]
    version: Version
    dataset_id: UUID
    previous: Publication | None
    external_queries: tuple[str, ...] = ()
    original_selection: tuple[CTE, ...] = ()
    transfer_usage: Mapping[str, int] = field(default_factory=dict)
    periods: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing_periods: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def with_transferred(self, inputs: SelectionInput, usage: Mapping[str, int]) -> "PreparedRun":
        """Return this run over transferred sources; `usage` is what the engines counted for the transfer."""
        return replace(
            self,
            inputs=inputs,
            selection=compile_rows(inputs),
            original_selection=self.selection,
            transfer_usage=usage,
        )

    @property
    def period(self) -> str | None:
        """The identifier of the Period; None for an unpartitioned dataset."""
        return self.request.period.id if self.request.period else None

    @cached_property
    def published(self) -> PublishedColumns:
        """The columns that the run publishes."""
        return PublishedColumns(self.inputs.scope)

    @property
    def definitions(self) -> tuple[ColumnDef, ...]:
        """The definitions of the published columns, system columns left out."""
        return self.published.definitions

    @property
    def columns(self) -> tuple[PublishedColumn, ...]:
        """The published columns, system columns left out, as the warehouse stores them."""
        return self.published.stored

    @property
    def is_bitemporal(self) -> bool:
        """Whether the run loads a Period into a bitemporal table (BR-121)."""
        return self.inputs.dataset.main_table.bitemporal

    @property
    def previous_record(self) -> Record | None:
        """The record of the publication before; of a bitemporal table that of the Period's last load."""
        record = self.previous.record if self.previous else None
        return record_of_load(record, self.period) if self.is_bitemporal else record

    @property
    def replaces_deleted(self) -> bool:
        """Whether the publication that is replaced has deleted rows, which stay deleted."""
        return self.previous is not None and deleted_rows(self.previous.record) > 0

    @property
    def row_stamp(self) -> Stamp:
        """The system column values of new rows. Its instant is after the previous publication's (BR-117)."""
        now = instant_after(self.previous.record if self.previous else None, self.request.now)
        main, request = self.inputs.scope.main.name, self.request
        return Stamp(self.dataset_id, main, request.project_id, request.run_id, now, self.period)

    def query(self, *, bucketed: bool) -> exp.Query:
        """Return the query of the selected rows with their system columns.

        `bucketed` numbers the rows bucket by bucket, for an engine that would sort all of them in one place.
        """
        if self.is_bitemporal and self.request.period:
            rows = table(self.selection[-1].name)
            segments = self.snapshot(rows, self.request.period).segments()
            load = self.load(table(segments[-1].name))
            return assemble((*self.selection, *segments, *load.rows(bucketed=bucketed)))
        dataset = self.inputs.dataset
        order = "timestamp" if dataset.column_mapping else None
        identity = Identity(self.definitions, dataset.natural_key_columns, order, self.inputs.names)
        earlier = _earlier_rows(self.previous, dataset) if self.previous else None
        metadata = row_metadata(self.selection[-1].name, identity, self.row_stamp, earlier, bucketed=bucketed)
        return assemble((*self.selection, *metadata))

    def snapshot(self, rows: exp.Expr, period: Period) -> Snapshot:
        """Return the selected rows as the snapshot of the Period that a bitemporal table is loaded with."""
        return snapshot_of(self.inputs, rows, period, self.definitions)

    def load(self, segments: exp.Expr) -> PeriodLoad:
        """Return the load of the segments of the snapshot into the previous publication."""
        return load_of(self.inputs, segments, self.definitions, self.previous, self.row_stamp)


def instant_after(replaced: Record | None, now: datetime) -> datetime:
    """Return the instant of a publication: `now`, but after that of the publication it replaces (BR-117)."""
    if replaced is None:
        return now
    return max(now, datetime.fromisoformat(replaced["published_at"]) + timedelta(milliseconds=1))


def _earlier_rows(previous: Publication, dataset: Dataset) -> EarlierRows:
    """Return the rows of the previous publication.

    Today's key is unique among the earlier rows only if it holds every column of the key of that publication.
    """
    columns = (ColumnDef(name=each["name"], type=each["type"]) for each in previous.record["columns"])
    then = {name.lower() for name in previous.record["definition"].get("natural_key_columns", ())}
    has_key = bool(then) and then.issubset(name.lower() for name in dataset.natural_key_columns)
    return EarlierRows(previous.relation.source, tuple(columns), has_key=has_key)
