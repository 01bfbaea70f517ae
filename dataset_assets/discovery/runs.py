"""Open a run that reads the sources of a dataset as a publication does, and publishes nothing."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import DataError, ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.run_preview import RunPreview, open_preview
from dataset_assets.publishing.source_stability import SourceStability
from dataset_assets.publishing.transfer import SourceTransfer, estimated_transfer
from dataset_assets.selection.sample import Sample
from dataset_assets.sql.build import assemble
from dataset_assets.text.progress import Progress

ReportCost = Callable[[int], None]
"""Receives the bytes for which queries will be billed, before the first of them runs."""

Queries = Callable[[SelectionInput], Iterable[exp.Query]]
"""Returns the queries that will read the sources."""


def selection_queries(inputs: SelectionInput) -> list[exp.Query]:
    """Return the query of the selected rows: the `Queries` of what reads nothing else."""
    return [assemble(compile_rows(inputs))]


@dataclass(frozen=True)
class Reports:
    """Callbacks: `step` receives what is done next, `cost` the bytes that will be billed for the sources."""

    step: Progress = lambda _: None
    cost: ReportCost = lambda _: None


@dataclass(frozen=True)
class OpenRun:
    """A prepared run over sources that its session can read.

    `bytes_estimated` is the estimate of the bytes that its queries read; None if reading costs nothing.
    """

    prepared: PreparedRun
    session: Session
    stability: SourceStability
    bytes_estimated: int | None

    @property
    def inputs(self) -> SelectionInput:
        """The inputs of the selection."""
        return self.prepared.inputs

    @property
    def dataset(self) -> Dataset:
        """The dataset whose rows are selected."""
        return self.prepared.inputs.dataset


@contextmanager
def open_run(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    queries: Queries,
    reports: Reports,
    sample: Sample | None = None,
) -> Generator[OpenRun]:
    """Open a run whose sources are read by `queries`; external sources are transferred to its session.

    With a `sample`, its rows alone are selected.

    The cost is reported, and the budget is checked, before anything is read. Raises ContractError for a
    broken dataset, ResolveError for sources that cannot be read and values that do not fit their types,
    BudgetError, and ChangedError if a source changed while it was read.
    """
    with open_preview(catalog, target, entry, at) as whole:
        preview = whole.sampled(sample) if sample else whole
        sources = preview.sources
        stability = SourceStability(preview.locator, sources.inputs.relations, preview.session)
        with stability.explain():
            estimated = _estimate(preview, queries)
            if estimated is not None:
                reports.cost(estimated)
            inputs = sources.with_transferred(SourceTransfer(preview.session, reports.step))
            inputs = _with_sampled_main(inputs, preview.session)
            run = OpenRun(preview.prepare(inputs), preview.session, stability, estimated)
            with _cast_failures_as_faults(run):
                yield run
            stability.confirm()


def _with_sampled_main(inputs: SelectionInput, session: Session) -> SelectionInput:
    """Keep the sampled rows of the main table in the session, so that its other rows are read once.

    Without a sample, or if all rows have to be read, the inputs stay as they are.
    """
    main = inputs.scope.main
    if not inputs.samples_main or main.name in inputs.transferred:
        return inputs
    try:
        rows = session.store("sampled_main", source_query(inputs, main))
    except DataError:
        raise_all(ResolveError, cast_failures(inputs, session, [main]))
        raise
    stored = Relation(rows, session.describe(rows), inputs.relations[main.name].version)
    relations = {**inputs.relations, main.name: stored}
    return replace(inputs, relations=relations, transferred=inputs.transferred | {main.name})


def _estimate(preview: RunPreview, queries: Queries) -> int | None:
    """Return the bytes to be billed by all engines; None if none bills. Raises BudgetError."""
    sizes: dict[str, int | None] = {}
    inputs = preview.sources.with_transferred(estimated_transfer(sizes))
    if preview.session.budget is not None:
        own = [preview.session.estimate(query) for query in queries(inputs)]
    else:
        own = []
    billed = [size for size in (*own, *sizes.values()) if size is not None]
    return sum(billed) if billed else None


@contextmanager
def _cast_failures_as_faults(run: OpenRun) -> Generator[None]:
    """Raise ResolveError with the columns whose values do not fit: an engine's error names none."""
    try:
        yield
    except DataError:
        raise_all(ResolveError, cast_failures(run.inputs, run.session))
        raise
