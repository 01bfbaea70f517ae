"""Find the table that a name means in a target, and open it for queries on its stored rows."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Self

from dataset_assets.errors import DatasetAssetsError, Fault, NotStoredError, ResolveError
from dataset_assets.model import is_identifier
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import Resolver, StoredTable, TableRequest, TableState
from dataset_assets.ports.target import Target
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import listed, nearest, nearest_first, shown


@dataclass(frozen=True)
class TableName:
    """A table of a resolver. Its text is `resolver/table`."""

    resolver: Resolver
    table: str

    def __str__(self) -> str:
        return f"{self.resolver.name}/{self.table}"


@dataclass(frozen=True)
class OpenTable:
    """A stored table in an open session. The columns of `relation` are the physical ones of its store."""

    name: TableName
    state: TableState
    relation: Relation
    session: Session

    @property
    def row_count(self) -> int | None:
        """The number of rows; None if it is not known without a query."""
        return self.state.row_count if self.relation.row_count is None else self.relation.row_count


@contextmanager
def open_table(target: Target, name: str) -> Generator[OpenTable]:
    """Open the table that `table` or `resolver/table` means, in a session of an engine that reads its store.

    Raises ResolveError with the nearest name if there is no such table, and DatasetAssetsError if it cannot
    be read.
    """
    with system_errors_as_faults(), Sessions(target) as sessions:
        yield open_in(sessions, find_table(target, name))


def find_table(target: Target, name: str) -> TableName:
    """Return the resolver and the table that `table` or `resolver/table` names; the table may not exist.

    Without a resolver the routes of the target decide, then its default resolver. Raises ResolveError if the
    target has no such resolver.
    """
    before, slash, after = name.partition("/")
    if not slash:
        return TableName(target.resolver(target.routes.get(name)), name)
    return TableName(find_resolver(target, before), after)


def find_resolver(target: Target, name: str) -> Resolver:
    """Return the resolver of that name. Raises ResolveError with the nearest name if there is none."""
    if name not in target.resolvers:
        message = f"target {target.name!r} has no resolver {shown(name)}"
        hint = nearest_first(name, target.resolvers, f"it has: {listed(sorted(target.resolvers))}")
        raise NotStoredError(Fault(message, hint=hint))
    return target.resolvers[name]


def stored_tables(target: Target, resolver: Resolver) -> Sequence[StoredTable]:
    """Return the tables of a resolver by name, with those that the target routes to it.

    Raises ResolveError or AccessError if the resolver cannot list them.
    """
    routed = [StoredTable(table) for table, name in target.routes.items() if name == resolver.name]
    by_name = {each.name: each for each in (*routed, *resolver.tables())}
    return [by_name[name] for name in sorted(by_name)]


def entry_hint(resolver: Resolver, stored: StoredTable) -> str:
    """Return how a target names a table that its name alone does not lead to."""
    entry = f"{{<name>: {{location: {stored.location!r}}}}}"
    return f"give it a name in the target: `tables: {entry}` of resolver {resolver.name!r}"


@dataclass
class Sessions:
    """Sessions of a target's engine and of its resolvers' own engines, each opened once, when it is needed.

    A context manager: they close at its end.
    """

    target: Target
    _stack: ExitStack = field(default_factory=ExitStack)
    _opened: dict[str, Session] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def of(self, resolver: Resolver) -> Session:
        """Return a session that reads a resolver's tables: one of the target's engine if that can."""
        own = self.target.engine
        key = "" if resolver.reads_with == own.dialect.name else resolver.name
        if key not in self._opened:
            engine = resolver.engine() if key else own
            self._opened[key] = self._stack.enter_context(engine.connect(JobContext("")))
        return self._opened[key]

    def open(self, name: TableName, *, with_types: bool = True) -> OpenTable:
        """Resolve a table with its stored columns. Raises DatasetAssetsError if it cannot be read.

        `with_types` finds types that fit the values of a store without types, which takes more time.
        """
        session, resolver = self.of(name.resolver), name.resolver
        columns = resolver.fitting_columns(name.table, session) if with_types else ()
        relation = resolver.resolve(TableRequest(name.table, columns), session)
        return OpenTable(name, resolver.state(name.table), relation, session)


def open_in(sessions: Sessions, name: TableName) -> OpenTable:
    """Open a table in one of some sessions, for queries on several tables. Raises as `open_table` does."""
    target = sessions.target
    unknown = NotStoredError(Fault(f"target {target.name!r} has no table {shown(str(name))}"))
    if not is_identifier(name.table):  # a resolver receives only names that a dataset can have
        raise _explained(target, name, unknown)
    try:
        return sessions.open(name)
    except ResolveError as error:
        raise _explained(target, name, error) from None


def _explained(target: Target, name: TableName, error: ResolveError) -> ResolveError:
    """Return the error with the nearest name of any resolver, if the table does not exist."""
    known = _known(target)
    own = {each.name: each for each in known.get(name.resolver.name, ())}
    if name.table in own:
        stored = own[name.table]
        if not stored.location:
            return error
        message = f"{shown(name.table)} is no name that a dataset can use"
        return ResolveError(Fault(message, hint=entry_hint(name.resolver, stored)))
    if not known:
        return error
    names = {each.name: f"{key}/{each.name}" for key, tables in known.items() for each in tables}
    names |= {each: each for each in own}
    meant = nearest(name.table, names)
    hint = f"did you mean {names[meant]!r}?" if meant else f"it has: {listed(sorted(names.values()), 20)}"
    return NotStoredError(Fault(f"target {target.name!r} has no table {shown(str(name))}", hint=hint))


def _known(target: Target) -> Mapping[str, Sequence[StoredTable]]:
    """Return the tables of each resolver that can list them, by the resolver's name."""
    found = {}
    for resolver in target.resolvers.values():
        try:
            found[resolver.name] = stored_tables(target, resolver)
        except DatasetAssetsError:
            continue
    return found
