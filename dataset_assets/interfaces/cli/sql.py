"""Render the selection query of a dataset as SQL text, without running it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault, PeriodError, UnsupportedError
from dataset_assets.interfaces.workspace import Workspace, parse_as_of
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.source_locator import ResolvedSources, SourceLocator, as_logical
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import assemble, column, number
from dataset_assets.sql.dialect import DIALECTS, Dialect
from dataset_assets.text.wording import nearest_first, shown

NIL = UUID(int=0)
"""Id of the run whose query is printed, and of a dataset that has no id yet."""


@dataclass(frozen=True)
class AsOfChoice:
    """The instant that a query looks back from, its Period, and the reason why it was chosen."""

    as_of: datetime
    period: Period | None
    reason: str

    def __str__(self) -> str:
        of = f", Period {self.period}" if self.period else ""
        return f"as of {self.as_of:%Y-%m-%dT%H:%M:%SZ}{of}{self.reason}"


def default_as_of(period: Period | None) -> AsOfChoice:
    """Return the end of a Period, or the current instant without one (BR-106)."""
    return AsOfChoice(period.end if period else datetime.now(UTC), period, "")


def choose_as_of(workspace: Workspace, entry: Entry, as_of: str | None, period: str | None) -> AsOfChoice:
    """Return the as-of of a query (BR-106): a given instant, else the end of a Period, else now.

    If no Period is given, a partitioned dataset uses the last one that is complete at as-of.
    Raises PeriodError if the instant or the Period does not exist, or if both are given.
    """
    schedule = schedule_of(workspace.catalog, entry)
    if period is not None and as_of is not None:
        message = "a Period decides its own as-of"
        raise PeriodError(Fault(message, hint="leave out --as-of or --partition"))
    if period is not None and schedule is None:
        message = f"{entry.stem} is not published by Period"
        raise PeriodError(Fault(message, hint="leave out --partition"))
    moment = parse_as_of(as_of) if as_of is not None else datetime.now(UTC).replace(microsecond=0)
    if schedule is None:
        return AsOfChoice(moment, None, "" if as_of else " (now; --as-of says another)")
    chosen = schedule.period(period) if period is not None else schedule.last_complete(moment)
    return AsOfChoice(
        chosen.end, chosen, "" if period else " (the last that is complete; --partition says another)"
    )


def selection_sql(
    workspace: Workspace,
    entry: Entry,
    at: AsOfChoice,
    dialect: str | None = None,
    split: str | None = None,
    *,
    with_metadata: bool = False,
) -> str:
    """Return the query with which a run selects its rows; `with_metadata` adds system columns.

    In the target's own dialect, tables are resolved as in a run. In any other dialect, the query uses the
    logical names of the tables and their declared schemas. Raises UnsupportedError for an unknown dialect or
    split, and ResolveError if a table cannot be resolved.
    """
    dataset = workspace.catalog.checked(entry)
    own = workspace.target.engine.dialect
    chosen = _dialect(dialect) if dialect else own
    split_value = _split_value(dataset, split) if split else None
    scope, request = workspace.catalog.scope(entry), _request(entry, at)
    if chosen.name != own.name:
        prepared = _prepare(
            request,
            SelectionInput(scope, logical_relations(scope, at.period), request.looks_back_from, at.period),
        )
        return _render(prepared, chosen, split_value, with_metadata)
    with open_preview(workspace, entry, at, as_refresh=with_metadata) as preview:
        prepared = preview.prepare(preview.sources.with_transferred(as_logical))
        return _render(prepared, own, split_value, with_metadata)


@dataclass(frozen=True)
class RunPreview:
    """A run that is prepared but never executed: nothing is claimed, transferred or written."""

    request: Request
    sources: ResolvedSources
    session: Session
    previous: Publication | None

    def prepare(self, inputs: SelectionInput) -> PreparedRun:
        """Return the prepared run over these inputs."""
        prepared = _prepare(self.request, inputs, self.previous)
        return replace(prepared, external_queries=self.sources.external_queries)


@contextmanager
def open_preview(
    workspace: Workspace, entry: Entry, at: AsOfChoice, *, as_refresh: bool
) -> Generator[RunPreview]:
    """Open a session and yield the preview of a run over the target's tables.

    With `as_refresh` it is the refresh of the current publication, else a first run.
    """
    target, job, period = workspace.target, JobContext(entry.stem), at.period.id if at.period else None
    locator = source_locator(workspace, entry, at)
    with target.engine.connect(job) as session, locator.resolve(session, job) as sources:
        previous = target.warehouse.current(entry.stem, period, session) if as_refresh else None
        yield RunPreview(_request(entry, at), sources, session, previous)


def source_locator(workspace: Workspace, entry: Entry, at: AsOfChoice) -> SourceLocator:
    """Return the locator of a dataset's sources in the target."""
    scope, back = workspace.catalog.scope(entry), _request(entry, at).looks_back_from
    return SourceLocator(scope, workspace.target, back, at.period)


def _prepare(request: Request, inputs: SelectionInput, previous: Publication | None = None) -> PreparedRun:
    version = request.entry.lock.version_of(inputs.dataset)
    return PreparedRun(
        request,
        inputs,
        compile_rows(inputs),
        version,
        inputs.dataset.id or NIL,
        previous,
    )


def _render(prepared: PreparedRun, dialect: Dialect, split: int | None, with_metadata: bool) -> str:
    query = assemble(prepared.selection)
    if with_metadata:
        query = prepared.query(bucketed=dialect.sorts_in_one_place)
    if split is not None:
        query = query.where(exp.EQ(this=column("split"), expression=number(split)))
    return dialect.render(query)


def _request(entry: Entry, at: AsOfChoice) -> Request:
    return Request(entry=entry, run_id=str(NIL), now=at.as_of, period=at.period, as_of=at.as_of)


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        hint = nearest_first(name, DIALECTS, f"known: {', '.join(DIALECTS)}")
        raise UnsupportedError(Fault(f"there is no dialect {shown(name)}", hint=hint))
    return DIALECTS[name]


def _split_value(dataset: Dataset, name: str) -> int:
    config = dataset.split_config
    names = {NAMES[value]: value for value in config.values} if config else {}
    if name not in names:
        hint = f"it has {', '.join(names)}" if names else "it has no split_config"
        raise UnsupportedError(Fault(f"the dataset has no split {shown(name)}", hint=hint))
    return names[name]
