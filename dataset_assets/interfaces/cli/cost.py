"""What a dataset's query would read, and whether the target allows it, without running it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.scope import Source
from dataset_assets.interfaces.cli.console import facts, out
from dataset_assets.interfaces.cli.sql import Look, opened
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.publishing.reuse import same_inputs
from dataset_assets.publishing.source_locator import TransferSource, as_logical
from dataset_assets.text.wording import size_text


@dataclass(frozen=True)
class Cost:
    """In bytes. `reads`: None on an engine that bills nothing. `moved`: what is read to move each source.

    `stands`: a run now would find query and sources as they were, and read nothing.
    """

    engine: str
    reads: int | None
    budget: int | None
    moved: Mapping[str, int | None]
    stands: bool

    def lines(self) -> Iterator[tuple[str, str]]:
        """In words."""
        if self.reads is None:
            yield "reads", f"{self.engine} bills nothing for what it reads"
        else:
            yield "reads", size_text(self.reads)
        if self.budget is not None:
            yield "budget", f"{size_text(self.budget)} for one query: it fits"
        for name, size in self.moved.items():
            yield "moves", f"{name}, which is not in there yet{_from(size)}"
        if self.stands:
            yield "now", "a run reads nothing: query and sources are those of the publication there is"


def cost(workspace: Workspace, entry: Entry, at: Look) -> Cost:
    """Of the query that `materialize` runs. Raises BudgetError as that does, and ResolveError."""
    engine, moved = workspace.target.engine, dict[str, int | None]()
    with opened(workspace, entry, at, as_refresh=True) as run:
        stands = same_inputs(run.work(run.found.with_transferred(as_logical)), workspace.target)
        work = run.work(run.found.with_transferred(_weighed(moved)))
        reads = run.session.estimate(work.query(bucketed=engine.dialect.sorts_in_one_place))
        return Cost(engine.dialect.name, reads, run.session.budget, moved, stands)


def print_cost(workspace: Workspace, entry: Entry, at: Look) -> None:
    """Raises as `cost` does."""
    out().print(facts(cost(workspace, entry, at).lines()))


def _from(size: int | None) -> str:
    return "" if size is None else f"; its own store reads {size_text(size)} for it"


def _weighed(moved: dict[str, int | None]) -> TransferSource:
    """Moves nothing: asks what moving would read, and lets a table without rows stand for the source."""

    def carry(inputs: SelectionInput, source: Source, reader: Session) -> Relation:
        moved[source.name] = reader.estimate(source_query(inputs, source))
        named = as_logical(inputs, source, reader)
        return replace(named, source=_no_rows(source))

    return carry


def _no_rows(source: Source) -> exp.Subquery:
    columns = (
        exp.alias_(exp.cast(exp.null(), SQL_TYPES[each.type]), each.name, quoted=True)
        for each in source.columns
    )
    return exp.select(*columns).limit(0).subquery()
