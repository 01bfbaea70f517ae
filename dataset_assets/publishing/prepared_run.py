"""What a materialization is asked, and what is settled before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from sqlglot import exp

from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.periods.instants import UTC_ZONE, AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Publication, PublishedColumn
from dataset_assets.rows.identity import EarlierRows, Identity, row_metadata
from dataset_assets.selection.column_mapping import IDENTIFIERS
from dataset_assets.sql.build import CTE, assemble


@dataclass(frozen=True)
class Request:
    """What to materialize. `now` is the publication's instant; without `as_of` or a Period it is as-of too.

    `locked` refuses a Dataset whose structure its lock does not know (BR-115). `attempt` counts the
    times that one run has tried. `reread` reads the sources even where metadata says that they are as they
    were; `without_gone` publishes even where Periods that the publication before was made of are gone.
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
        """BR-106: a Period's end; without a Period the given as-of, or the run's instant."""
        if self.period:
            return AsOf(self.period.end, self.period.zone)
        return AsOf(self.as_of or self.now, UTC_ZONE)


@dataclass(frozen=True)
class PreparedRun:
    """One materialization, as far as it is settled before anything runs: `selection` are the rows' CTEs.

    `asked` are they as they were before anything was moved, where something was: what is moved has another
    name in each run. `apart` is how each of these sources is read where it is, `moving`
    what it took to move them. `periods` are the ids of the Periods that are read of each source which is
    stored by Period, by the source's key; `gone` those that the publication before had as well, and that are
    left out on purpose.
    """

    request: Request
    inputs: SelectionInput
    selection: tuple[CTE, ...]
    version: Version
    dataset_id: UUID
    before: Publication | None
    apart: tuple[str, ...] = ()
    asked: tuple[CTE, ...] = ()
    moving: Mapping[str, int] = field(default_factory=dict)
    periods: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gone: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def moved(self, inputs: SelectionInput, moving: Mapping[str, int]) -> "PreparedRun":
        """The same, over sources that were moved."""
        selection = compile_rows(inputs)
        return replace(self, inputs=inputs, selection=selection, asked=self.selection, moving=moving)

    @property
    def period(self) -> str | None:
        """The Period's identifier."""
        return self.request.period.id if self.request.period else None

    @property
    def definitions(self) -> tuple[ColumnDef, ...]:
        """The user columns."""
        return tuple(output.definition for output in self.inputs.scope.outputs)

    @cached_property
    def columns(self) -> tuple[PublishedColumn, ...]:
        """The user columns, as the warehouse is told of them."""
        keys = (name.lower() for name in self.inputs.dataset.natural_key_columns)
        ids = {*IDENTIFIERS, *keys}
        return tuple(
            PublishedColumn(
                each.name,
                each.type,
                each.nullable,
                each.description,
                each.sensitive,
                each.name.lower() in ids,
            )
            for each in self.definitions
        )

    @cached_property
    def duplicate_columns(self) -> Mapping[str, str]:
        """Published column → the first one of the same source column that has the same statistics.

        An identifier has no mean, so a column that repeats it under a name that is none is profiled itself.
        """
        first: dict[object, str] = {}
        same = zip(self.columns, self.inputs.scope.outputs, strict=True)
        return {
            each.name: first.setdefault((each.identifies, output.reference or each.name), each.name)
            for each, output in same
        }

    @cached_property
    def profiled(self) -> tuple[PublishedColumn, ...]:
        """The user columns without those whose statistics are those of another."""
        return tuple(each for each in self.columns if self.duplicate_columns[each.name] == each.name)

    @cached_property
    def measured(self) -> tuple[PublishedColumn, ...]:
        """The user columns without those that repeat the values of another: what the digest is made of."""
        first: dict[object, PublishedColumn] = {}
        for each, output in zip(self.columns, self.inputs.scope.outputs, strict=True):
            first.setdefault(output.reference or each.name, each)
        return tuple(first.values())

    @property
    def stamp(self) -> Stamp:
        """What is written on new rows. Its instant is after that of the publication before (BR-117)."""
        now = self.request.now
        if self.before:
            last = datetime.fromisoformat(self.before.record["published_at"])
            now = max(now, last + timedelta(milliseconds=1))
        main, request = self.inputs.scope.main.name, self.request
        return Stamp(self.dataset_id, main, request.project_id, request.run_id, now, self.period)

    def query(self, *, bucketed: bool) -> exp.Query:
        """The rows and their metadata: all that is published."""
        dataset = self.inputs.dataset
        order = "timestamp" if dataset.column_mapping else None
        identity = Identity(self.definitions, dataset.natural_key_columns, order, self.inputs.names)
        before = _published(self.before, dataset) if self.before else None
        metadata = row_metadata(self.selection[-1].name, identity, self.stamp, before, bucketed=bucketed)
        return assemble((*self.selection, *metadata))


def _published(before: Publication, dataset: Dataset) -> EarlierRows:
    """The rows there are. Another key than today's told them apart, unless it is a part of today's."""
    columns = (ColumnDef(name=each["name"], type=each["type"]) for each in before.record["columns"])
    then = {name.lower() for name in before.record["definition"].get("natural_key_columns", ())}
    is_known = bool(then) and then.issubset(name.lower() for name in dataset.natural_key_columns)
    return EarlierRows(before.relation.source, tuple(columns), has_key=is_known)
