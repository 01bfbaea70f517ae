"""The SQL of a dataset as text, without running it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.logical import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault, PeriodError, UnsupportedError
from dataset_assets.interfaces.workspace import Workspace, instant
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.source_locator import ResolvedSources, SourceLocator, as_logical
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import assemble, column, number
from dataset_assets.sql.dialect import DIALECTS, Dialect
from dataset_assets.text.wording import nearest, shown

NIL = UUID(int=0)
"""Stands for the run, and for the id of a dataset that has none yet."""


@dataclass(frozen=True)
class Look:
    """When a query looks back from, and how that was decided."""

    as_of: datetime
    period: Period | None
    reason: str

    def __str__(self) -> str:
        of = f", Period {self.period}" if self.period else ""
        return f"as of {self.as_of:%Y-%m-%dT%H:%M:%SZ}{of}{self.reason}"


def look_at(period: Period | None) -> Look:
    """Back from the end of a Period; without one, from now."""
    return Look(period.end if period else datetime.now(UTC), period, "")


def look(workspace: Workspace, entry: Entry, as_of: str | None, period: str | None) -> Look:
    """BR-106. A partitioned dataset without a Period takes the last one that is complete at as-of.

    Raises PeriodError for an instant or a Period that does not exist.
    """
    schedule = schedule_of(workspace.catalog, entry)
    if period is not None and as_of is not None:
        message = "a Period decides its own as-of"
        raise PeriodError(Fault(message, hint="leave out --as-of or --partition"))
    if period is not None and schedule is None:
        message = f"{entry.stem} is not published by Period"
        raise PeriodError(Fault(message, hint="leave out --partition"))
    moment = instant(as_of) if as_of is not None else datetime.now(UTC).replace(microsecond=0)
    if schedule is None:
        return Look(moment, None, "" if as_of else " (now; --as-of says another)")
    found = schedule.period(period) if period is not None else schedule.last_complete(moment)
    return Look(found.end, found, "" if period else " (the last that is complete; --partition says another)")


def selection_sql(
    workspace: Workspace,
    entry: Entry,
    at: Look,
    dialect: str | None = None,
    split: str | None = None,
    *,
    with_metadata: bool = False,
) -> str:
    """What a run selects; `with_metadata` adds what makes the system columns, for a run whose id is nil.

    In the target's own dialect tables are resolved as a run does. In any other they stand under their bare
    logical names, with the declared schema.
    """
    dataset = workspace.catalog.checked(entry)
    own = workspace.target.engine.dialect
    wanted = _dialect(dialect) if dialect else own
    kept = _split_value(dataset, split) if split else None
    scope, request = workspace.catalog.scope(entry), _request(entry, at)
    if wanted.name != own.name:
        work = _work(
            request,
            SelectionInput(scope, logical_relations(scope, at.period), request.looks_back_from, at.period),
        )
        return _text(work, wanted, kept, with_metadata)
    with opened(workspace, entry, at, as_refresh=with_metadata) as run:
        return _text(run.work(run.found.with_transferred(as_logical)), own, kept, with_metadata)


@dataclass(frozen=True)
class Opened:
    """A run that is looked at and not made: nothing is claimed, moved or written."""

    request: Request
    found: ResolvedSources
    session: Session
    before: Publication | None

    def work(self, inputs: SelectionInput) -> PreparedRun:
        """What the run would do; `inputs` says where its sources are."""
        return replace(_work(self.request, inputs, self.before), external_queries=self.found.external_queries)


@contextmanager
def opened(workspace: Workspace, entry: Entry, at: Look, *, as_refresh: bool) -> Generator[Opened]:
    """The run of a dataset over the target's tables; `as_refresh`: of the publication that there is."""
    target, job, period = workspace.target, JobContext(entry.stem), at.period.id if at.period else None
    places = places_of(workspace, entry, at)
    with target.engine.connect(job) as session, places.resolve(session, job) as found:
        before = target.warehouse.current(entry.stem, period, session) if as_refresh else None
        yield Opened(_request(entry, at), found, session, before)


def places_of(workspace: Workspace, entry: Entry, at: Look) -> SourceLocator:
    """Where the target has a dataset's sources."""
    scope, back = workspace.catalog.scope(entry), _request(entry, at).looks_back_from
    return SourceLocator(scope, workspace.target, back, at.period)


def _work(request: Request, inputs: SelectionInput, before: Publication | None = None) -> PreparedRun:
    version = request.entry.lock.version_of(inputs.dataset)
    return PreparedRun(
        request,
        inputs,
        compile_rows(inputs),
        version,
        inputs.dataset.id or NIL,
        before,
    )


def _text(work: PreparedRun, dialect: Dialect, split: int | None, with_metadata: bool) -> str:
    query = assemble(work.selection)
    if with_metadata:
        query = work.query(bucketed=dialect.sorts_in_one_place)
    if split is not None:
        query = query.where(exp.EQ(this=column("split"), expression=number(split)))
    return dialect.render(query)


def _request(entry: Entry, at: Look) -> Request:
    return Request(entry=entry, run_id=str(NIL), now=at.as_of, period=at.period, as_of=at.as_of)


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        meant = nearest(name, DIALECTS)
        suggested = f"did you mean {meant!r}? " if meant else ""
        hint = f"{suggested}known: {', '.join(DIALECTS)}"
        raise UnsupportedError(Fault(f"there is no dialect {shown(name)}", hint=hint))
    return DIALECTS[name]


def _split_value(dataset: Dataset, name: str) -> int:
    config = dataset.split_config
    names = {NAMES[value]: value for value in config.values} if config else {}
    if name not in names:
        hint = f"it has {', '.join(names)}" if names else "it has no split_config"
        raise UnsupportedError(Fault(f"the dataset has no split {shown(name)}", hint=hint))
    return names[name]
