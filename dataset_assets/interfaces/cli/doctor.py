"""Check whether a target has everything that datasets need: access, tables, columns and a sufficient budget.

Only metadata is read, except for text files, whose values have types only once they are read. All checks run,
whatever the results of the previous ones are.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.table import Table
from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.typing import mismatches
from dataset_assets.contract.model import Status
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.discovery.cost import estimate_cost
from dataset_assets.errors import (
    BudgetError,
    ContractError,
    DataError,
    DatasetAssetsError,
    Fault,
    PeriodError,
)
from dataset_assets.interfaces.answers.faults import ExaminationAnswer
from dataset_assets.interfaces.cli.console import cell, out, print_json, say
from dataset_assets.interfaces.cli.erasure import unfinished_erasures
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.access import DOCTOR, AccessFinding, State, fine, hint_of, missing, note
from dataset_assets.ports.engine import Engine, JobContext, Session
from dataset_assets.ports.resolver import Resolver
from dataset_assets.publishing.as_of_choice import AsOfChoice, choose_as_of, default_as_of
from dataset_assets.publishing.run_preview import source_locator
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.sql.build import alias_table, column
from dataset_assets.text.wording import size_text

_STYLES = {State.OK: "green", State.MISSING: "bold red", State.NOTE: "yellow"}


def examine(workspace: Workspace, names: Sequence[str], *, as_json: bool = False) -> bool:
    """Print each finding as soon as it is known, or all as JSON; return whether nothing is missing."""
    entries = [workspace.catalog.entry(name) for name in names] or _listed(workspace)
    if as_json:
        answer = ExaminationAnswer.of(findings(workspace, entries))
        print_json(answer)
        return not answer.missing
    lacking = 0
    printed = set[AccessFinding]()
    for finding in findings(workspace, entries):
        if finding not in printed:
            printed.add(finding)
            out().print(_line(finding))
            lacking += finding.state is State.MISSING
    things = "one thing is" if lacking == 1 else f"{lacking} things are"
    say(f"{things} missing" if lacking else "nothing is missing")
    return not lacking


def findings(workspace: Workspace, entries: Sequence[Entry]) -> Iterator[AccessFinding]:
    """Yield the findings about the target, its engine and its warehouse, then about each dataset's tables."""
    try:
        target = workspace.target
    except ContractError as error:
        yield from _missing("target", error)
        return
    yield fine(f"target {target.name}", f"computes in {target.engine.dialect.name}")
    with ExitStack() as stack:
        examination = Examination(workspace, stack)
        yield from examination.target()
        if examination.own is not None and examination.has_warehouse:
            yield from unfinished_erasures(workspace)
        for entry in entries:
            yield from examination.dataset(entry)


@dataclass
class Examination:
    """One examination of a target.

    `own` is a session of the target's engine; `readers` has, for each resolver, the session that reads its
    tables. A session is None if its engine cannot be reached. `can_query` says whether queries can be
    estimated, `has_warehouse` whether the warehouse exists as well.
    """

    workspace: Workspace
    stack: ExitStack
    own: Session | None = None
    can_query: bool = True
    has_warehouse: bool = True
    readers: dict[str, Session | None] = field(default_factory=dict)
    examined: set[str] = field(default_factory=set)

    def engine(self, engine: Engine) -> Generator[AccessFinding, None, Session | None]:
        """Yield findings about an engine; return a session, or None if it cannot be reached."""
        try:
            for finding in engine.examine():
                self.can_query = self.can_query and finding.state is not State.MISSING
                yield finding
            return self.stack.enter_context(engine.connect(JobContext("")))
        except DatasetAssetsError as error:
            yield from _missing(f"engine {engine.dialect.name}", error)
        except OSError as error:
            yield missing(f"engine {engine.dialect.name}", f"{error.filename}: {error.strerror}")
        self.can_query = False
        return None

    def target(self) -> Iterator[AccessFinding]:
        """Yield findings about the target's engine and warehouse."""
        target = self.workspace.target
        self.own = yield from self.engine(target.engine)
        if self.own is None:
            yield note("warehouse", "was not looked at")
            return
        try:
            for finding in target.warehouse.examine(self.own):
                self.has_warehouse = self.has_warehouse and finding.state is not State.MISSING
                yield finding
        except DatasetAssetsError as error:
            self.has_warehouse = False
            yield from _missing("warehouse", error)

    def dataset(self, entry: Entry) -> Iterator[AccessFinding]:
        """Yield findings about a dataset's tables, one by one, and then about its query."""
        about = f"dataset {entry.stem}"
        if not entry.ok:
            yield missing(about, "its file cannot be used", "run `dataset-assets check`")
            return
        at = _last_or_first(self.workspace, entry)
        locator = source_locator(self.workspace.catalog, self.workspace.target, entry, at)
        ready = self.own is not None
        try:
            for source in locator.scope.sources:
                examined = (
                    self._nested(about, source.nested) if source.nested else self._table(locator, source)
                )
                readable = yield from examined
                ready = ready and readable
        except DatasetAssetsError as error:  # a resolver that does not exist, a warehouse that cannot be read
            yield from _missing(about, error)
            return
        if ready and self.can_query and self.has_warehouse:
            yield from self._query(about, entry, at)
        else:
            yield note(about, "its query was not asked for")

    def _reader(self, resolver: Resolver) -> Generator[AccessFinding, None, Session | None]:
        """Return a session that reads the resolver's tables, separate from the session of the warehouse."""
        if resolver.name not in self.readers:
            if resolver.reads_with != self.workspace.target.engine.dialect.name:
                self.readers[resolver.name] = yield from self.engine(resolver.engine())
            else:
                session = (
                    self.stack.enter_context(resolver.engine().connect(JobContext(""))) if self.own else None
                )
                self.readers[resolver.name] = session
        return self.readers[resolver.name]

    def _table(self, locator: SourceLocator, source: Source) -> Generator[AccessFinding, None, bool]:
        """Yield findings about a table; return whether a query can read the columns that it needs."""
        resolver = locator.resolvers[source.name]
        about = f"table {resolver.name}/{source.table}"
        try:
            session = yield from self._reader(resolver)
            if session is None:
                yield note(about, "was not looked at")
                return False
            if about not in self.examined:
                self.examined.add(about)
                yield from resolver.examine(source.table, self.own or session)
            return (yield from _readable(about, locator, source, session, ask=self.can_query))
        except DatasetAssetsError as error:
            for fault in error.faults:
                message = f"{fault.field}: {fault.message}" if fault.field else fault.message
                yield missing(about, message, hint_of(type(error)(fault), resolver.role(source.table)))
        return False

    def _nested(self, about: str, nested: NamedDataset) -> Generator[AccessFinding, None, bool]:
        """Yield a note if the nested dataset is not published yet; return whether it is."""
        if self.own is None:
            return True
        publisher = self.workspace.target.publisher(nested.stem, self.own)
        if publisher.warehouse.periods(nested.stem, self.own):
            return True
        yield note(about, f"reads {nested.stem}, which is not published", f"materialize {nested.stem} first")
        return False

    def _query(self, about: str, entry: Entry, at: AsOfChoice) -> Iterator[AccessFinding]:
        period = f"for {at.period}" if at.period else f"as of {at.as_of:%Y-%m-%d}"
        try:
            estimate = estimate_cost(self.workspace.catalog, self.workspace.target, entry, at)
        except DatasetAssetsError as error:
            yield from _missing(about, error)
            return
        transfers = "".join(f", after {name} was moved" for name in estimate.transferred)
        if estimate.reads is None or estimate.budget is None:
            yield fine(about, f"its query can run {period}{transfers}")
        else:
            reads, budget = size_text(estimate.reads), size_text(estimate.budget)
            yield fine(about, f"its query {period} reads {reads} of {budget} that it may{transfers}")


def _readable(
    about: str, locator: SourceLocator, source: Source, session: Session, *, ask: bool
) -> Generator[AccessFinding, None, bool]:
    """Yield findings about a table's schema and access; return whether it can be read as declared."""
    relation = locator.resolve_source(source, session)
    inputs = SelectionInput(locator.scope, {source.name: relation}, locator.as_of, locator.period)
    faults = list(mismatches(source, relation, inputs.wholly_read(source)))
    for fault in faults:
        yield missing(about, f"{fault.field}: {fault.message}", fault.hint)
    if ask and not faults:
        cast_faults = list(_cast_failures(inputs, source, session))
        yield from (missing(about, f"{fault.field}: {fault.message}", fault.hint) for fault in cast_faults)
        faults += cast_faults
    if ask and not faults:
        with suppress(BudgetError):  # the estimate of the whole query reports it
            session.estimate(source_query(inputs, source))
    return not faults


def _cast_failures(inputs: SelectionInput, source: Source, session: Session) -> Iterator[Fault]:
    """Yield the values of a text file that cannot be cast to their declared types."""
    relation = inputs.relations[source.name]
    if relation.find_cast_failures is None:
        return
    counts = (
        exp.alias_(exp.Count(this=column(each.name)), each.name, quoted=True)
        for each in inputs.needed(source)
    )
    try:
        session.rows(exp.select(*counts).from_(alias_table(relation.source, source.name)))
    except DataError:
        yield from relation.find_cast_failures(inputs.needed(source))


def _last_or_first(workspace: Workspace, entry: Entry) -> AsOfChoice:
    """Return the as-of of a run now, or of the first Period if none is complete yet."""
    now = datetime.now(UTC)
    try:
        return choose_as_of(workspace.catalog, entry, None, None, now)
    except PeriodError:
        schedule = schedule_of(workspace.catalog, entry)
        return default_as_of(schedule.first if schedule else None, now)


def _listed(workspace: Workspace) -> list[Entry]:
    entries = workspace.catalog.entries.values()
    return [each for each in entries if not each.dataset or each.dataset.status is not Status.ARCHIVED]


def _missing(about: str, error: DatasetAssetsError) -> Iterator[AccessFinding]:
    for fault in error.faults:
        message = f"{fault.position}: {fault.message}" if fault.position else fault.message
        yield missing(about, message, "" if fault.hint == DOCTOR else fault.hint)


def _line(finding: AccessFinding) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=len(State.MISSING), no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(cell(finding.state, _STYLES[finding.state]), cell(f"{finding.about}: {finding.said}"))
    if finding.hint:
        table.add_row("", cell(finding.hint, "bold"))
    return table
