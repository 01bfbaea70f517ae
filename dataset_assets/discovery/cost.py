"""Estimate what a run would cost: the bytes that its query reads, and those that move between engines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.reuse import same_inputs
from dataset_assets.publishing.run_preview import open_preview
from dataset_assets.publishing.source_locator import as_logical
from dataset_assets.publishing.transfer import estimated_transfer
from dataset_assets.text.wording import size_text


@dataclass(frozen=True)
class Cost:
    """Sizes in bytes. `reads` is None on an engine that bills nothing.

    `transferred` maps each source to the bytes that its transfer to the engine reads. `unchanged` says that
    a run would now find query and sources unchanged, and read nothing.
    """

    engine: str
    reads: int | None
    budget: int | None
    transferred: Mapping[str, int | None]
    unchanged: bool

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield a label and a sentence for each part of the cost."""
        if self.reads is None:
            yield "reads", f"{self.engine} bills nothing for what it reads"
        else:
            yield "reads", size_text(self.reads)
        if self.budget is not None:
            yield "budget", f"{size_text(self.budget)} for one query: it fits"
        for name, size in self.transferred.items():
            yield "moves", f"{name}, which is not in there yet{_from(size)}"
        if self.unchanged:
            yield "now", "a run reads nothing: query and sources are those of the publication there is"


def estimate_cost(catalog: Catalog, target: Target, entry: Entry, at: AsOfChoice) -> Cost:
    """Return the cost of the query that `materialize` runs.

    Raises BudgetError if it is over the budget, and ResolveError if a table cannot be resolved.
    """
    engine, sizes = target.engine, dict[str, int | None]()
    with open_preview(catalog, target, entry, at, as_refresh=True) as preview:
        unchanged = same_inputs(preview.prepare(preview.sources.with_transferred(as_logical)), target)
        prepared = preview.prepare(preview.sources.with_transferred(estimated_transfer(sizes)))
        reads = preview.session.estimate(prepared.query(bucketed=engine.dialect.sorts_in_one_place))
        return Cost(engine.dialect.name, reads, preview.session.budget, sizes, unchanged)


def _from(size: int | None) -> str:
    return "" if size is None else f"; its own store reads {size_text(size)} for it"
