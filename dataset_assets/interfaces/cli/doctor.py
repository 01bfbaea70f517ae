"""What datasets need of a target: whether it is there and allowed, and what would fix it.

Metadata is all that is read, except of text files, whose values have types only once they are read. All
checks run, whatever the ones before have found.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from rich.table import Table
from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.typing import mismatches
from dataset_assets.contract.model import Status
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import (
    BudgetError,
    ContractError,
    DataError,
    DatasetAssetsError,
    Fault,
    PeriodError,
)
from dataset_assets.interfaces.cli.console import cell, out, say
from dataset_assets.interfaces.cli.cost import cost
from dataset_assets.interfaces.cli.sql import Look, look, look_at, places_of
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.access import DOCTOR, AccessFinding, State, fine, hint_of, missing, note
from dataset_assets.ports.engine import Engine, JobContext, Session
from dataset_assets.ports.resolver import Resolver
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.sql.build import alias_table, column
from dataset_assets.text.wording import size_text

_STYLES = {State.OK: "green", State.MISSING: "bold red", State.NOTE: "yellow"}


def examine(workspace: Workspace, names: Sequence[str]) -> bool:
    """Prints what was found, as it is found; whether nothing is missing."""
    entries = [workspace.catalog.entry(name) for name in names] or _shown(workspace)
    lacking = 0
    told = set[AccessFinding]()
    for finding in findings(workspace, entries):
        if finding not in told:
            told.add(finding)
            out().print(_line(finding))
            lacking += finding.state is State.MISSING
    things = "one thing is" if lacking == 1 else f"{lacking} things are"
    say(f"{things} missing" if lacking else "nothing is missing")
    return not lacking


def findings(workspace: Workspace, entries: Sequence[Entry]) -> Iterator[AccessFinding]:
    """Of the target, its engine and its warehouse, and then of each dataset's tables."""
    try:
        target = workspace.target
    except ContractError as error:
        yield from _missing("target", error)
        return
    yield fine(f"target {target.name}", f"computes in {target.engine.dialect.name}")
    with ExitStack() as stack:
        examination = Examination(workspace, stack)
        yield from examination.target()
        for entry in entries:
            yield from examination.dataset(entry)


@dataclass
class Examination:
    """One walk over a target.

    `own` is a session of the target's engine, `readers` those that the resolvers' tables are read by, each
    None where its engine cannot be asked. `ready`: whether queries can be asked for; `whole`: whether the
    warehouse is there as well.
    """

    workspace: Workspace
    stack: ExitStack
    own: Session | None = None
    ready: bool = True
    whole: bool = True
    readers: dict[str, Session | None] = field(default_factory=dict)
    examined: set[str] = field(default_factory=set)

    def engine(self, engine: Engine) -> Generator[AccessFinding, None, Session | None]:
        """Whether it can be asked, and a session if so."""
        try:
            for finding in engine.examine():
                self.ready = self.ready and finding.state is not State.MISSING
                yield finding
            return self.stack.enter_context(engine.connect(JobContext("")))
        except DatasetAssetsError as error:
            yield from _missing(f"engine {engine.dialect.name}", error)
        except OSError as error:
            yield missing(f"engine {engine.dialect.name}", f"{error.filename}: {error.strerror}")
        self.ready = False
        return None

    def target(self) -> Iterator[AccessFinding]:
        """Its engine and its warehouse."""
        target = self.workspace.target
        self.own = yield from self.engine(target.engine)
        if self.own is None:
            yield note("warehouse", "was not looked at")
            return
        try:
            for finding in target.warehouse.examine(self.own):
                self.whole = self.whole and finding.state is not State.MISSING
                yield finding
        except DatasetAssetsError as error:
            self.whole = False
            yield from _missing("warehouse", error)

    def dataset(self, entry: Entry) -> Iterator[AccessFinding]:
        """Its tables, one by one, and then its query."""
        about = f"dataset {entry.stem}"
        if not entry.ok:
            yield missing(about, "its file cannot be used", "run `dataset-assets check`")
            return
        at = _last_or_first(self.workspace, entry)
        places = places_of(self.workspace, entry, at)
        ready = self.own is not None
        try:
            for source in places.scope.sources:
                looked = self._nested(about, source.nested) if source.nested else self._table(places, source)
                fits = yield from looked
                ready = ready and fits
        except DatasetAssetsError as error:  # a resolver that is not there, a warehouse that tells nothing
            yield from _missing(about, error)
            return
        if ready and self.ready and self.whole:
            yield from self._query(about, entry, at)
        else:
            yield note(about, "its query was not asked for")

    def _reader(self, resolver: Resolver) -> Generator[AccessFinding, None, Session | None]:
        """A session that reads the resolver's tables, with nothing of the warehouse's."""
        if resolver.name not in self.readers:
            if resolver.reads_with != self.workspace.target.engine.dialect.name:
                self.readers[resolver.name] = yield from self.engine(resolver.engine())
            else:
                opened = (
                    self.stack.enter_context(resolver.engine().connect(JobContext(""))) if self.own else None
                )
                self.readers[resolver.name] = opened
        return self.readers[resolver.name]

    def _table(self, places: SourceLocator, source: Source) -> Generator[AccessFinding, None, bool]:
        """Whether a query can read what it needs of the table."""
        resolver = places.resolvers[source.name]
        about = f"table {resolver.name}/{source.table}"
        try:
            session = yield from self._reader(resolver)
            if session is None:
                yield note(about, "was not looked at")
                return False
            if about not in self.examined:
                self.examined.add(about)
                yield from resolver.examine(source.table, self.own or session)
            return (yield from _readable(about, places, source, session, ask=self.ready))
        except DatasetAssetsError as error:
            for fault in error.faults:
                said = f"{fault.field}: {fault.message}" if fault.field else fault.message
                yield missing(about, said, hint_of(type(error)(fault), resolver.role(source.table)))
        return False

    def _nested(self, about: str, nested: NamedDataset) -> Generator[AccessFinding, None, bool]:
        """Whether a dataset that this one reads has been published."""
        if self.own is None or self.workspace.target.warehouse.periods(nested.stem, self.own):
            return True
        yield note(about, f"reads {nested.stem}, which is not published", f"materialize {nested.stem} first")
        return False

    def _query(self, about: str, entry: Entry, at: Look) -> Iterator[AccessFinding]:
        when = f"for {at.period}" if at.period else f"as of {at.as_of:%Y-%m-%d}"
        try:
            found = cost(self.workspace, entry, at)
        except DatasetAssetsError as error:
            yield from _missing(about, error)
            return
        moved = "".join(f", after {name} was moved" for name in found.moved)
        if found.reads is None or found.budget is None:
            yield fine(about, f"its query can run {when}{moved}")
        else:
            reads, budget = size_text(found.reads), size_text(found.budget)
            yield fine(about, f"its query {when} reads {reads} of {budget} that it may{moved}")


def _readable(
    about: str, places: SourceLocator, source: Source, session: Session, *, ask: bool
) -> Generator[AccessFinding, None, bool]:
    """Whether a table is as it is declared, and its needed columns and rows may be read."""
    relation = places.resolve_source(source, session)
    inputs = SelectionInput(places.scope, {source.name: relation}, places.as_of, places.period)
    wrong = list(mismatches(source, relation, inputs.wholly_read(source)))
    for fault in wrong:
        yield missing(about, f"{fault.field}: {fault.message}", fault.hint)
    if ask and not wrong:
        misplaced = list(_cast_failures(inputs, source, session))
        yield from (missing(about, f"{fault.field}: {fault.message}", fault.hint) for fault in misplaced)
        wrong += misplaced
    if ask and not wrong:
        with suppress(BudgetError):  # told of the whole query
            session.estimate(source_query(inputs, source))
    return not wrong


def _cast_failures(inputs: SelectionInput, source: Source, session: Session) -> Iterator[Fault]:
    """Read the values of a source whose types are only known by reading: text files."""
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


def _last_or_first(workspace: Workspace, entry: Entry) -> Look:
    """What a run would look at now; of a dataset that has no complete Period yet, its first."""
    try:
        return look(workspace, entry, None, None)
    except PeriodError:
        schedule = schedule_of(workspace.catalog, entry)
        return look_at(schedule.first if schedule else None)


def _shown(workspace: Workspace) -> list[Entry]:
    entries = workspace.catalog.entries.values()
    return [each for each in entries if not each.dataset or each.dataset.status is not Status.ARCHIVED]


def _missing(about: str, error: DatasetAssetsError) -> Iterator[AccessFinding]:
    for fault in error.faults:
        said = f"{fault.position}: {fault.message}" if fault.position else fault.message
        yield missing(about, said, "" if fault.hint == DOCTOR else fault.hint)


def _line(finding: AccessFinding) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=len(State.MISSING), no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(cell(finding.state, _STYLES[finding.state]), cell(f"{finding.about}: {finding.said}"))
    if finding.hint:
        table.add_row("", cell(finding.hint, "bold"))
    return table
