"""Prepare a run that is never executed: its query can be rendered, estimated, and read without publishing."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.references import dataset_id as id_of
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.loaded_periods import stored_period
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.source_locator import ResolvedSources, SourceLocator
from dataset_assets.selection.sample import Sample

NIL = UUID(int=0)
"""Id of the run whose query is prepared, and of a dataset that has no id yet."""


@dataclass(frozen=True)
class RunPreview:
    """A run that is prepared but never executed: nothing is claimed, transferred or written."""

    request: Request
    locator: SourceLocator
    sources: ResolvedSources
    session: Session
    previous: Publication | None

    def sampled(self, sample: Sample) -> "RunPreview":
        """Return the preview of a run that selects a sample."""
        return replace(self, sources=replace(self.sources, inputs=self.sources.inputs.sampled(sample)))

    def prepare(self, inputs: SelectionInput) -> PreparedRun:
        """Return the prepared run over these inputs."""
        prepared = preview_run(self.request, inputs, self.previous)
        return replace(prepared, external_queries=self.sources.external_queries)


@contextmanager
def open_preview(
    catalog: Catalog, target: Target, entry: Entry, at: AsOfChoice, *, as_refresh: bool = False
) -> Generator[RunPreview]:
    """Open a session and yield the preview of a run over the target's tables.

    With `as_refresh` it is the refresh of the current publication, else a first run. Raises ContractError if
    the dataset is broken, and ResolveError with every source that cannot be read.
    """
    job, period = JobContext(entry.stem), at.period.id if at.period else None
    locator = source_locator(catalog, target, entry, at)
    with target.engine.connect(job) as session, locator.resolve(session, job) as sources:
        stored = stored_period(catalog.checked(entry), period)
        previous = target.warehouse.current(entry.stem, stored, session) if as_refresh else None
        yield RunPreview(preview_request(entry, at), locator, sources, session, previous)


def source_locator(catalog: Catalog, target: Target, entry: Entry, at: AsOfChoice) -> SourceLocator:
    """Return the locator of a dataset's sources in the target."""
    back = preview_request(entry, at).looks_back_from
    return SourceLocator(catalog.scope(entry), target, back, at.period, entry.stem, id_of(entry))


def preview_request(entry: Entry, at: AsOfChoice) -> Request:
    """Return the request of a run whose id is all zeros."""
    return Request(entry=entry, run_id=str(NIL), now=at.as_of, period=at.period, as_of=at.as_of)


def preview_run(request: Request, inputs: SelectionInput, previous: Publication | None = None) -> PreparedRun:
    """Return a prepared run over these inputs. Raises ResolveError as `compile_rows` does."""
    version = request.entry.lock.version_of(inputs.dataset)
    dataset_id = inputs.dataset.id or NIL
    return PreparedRun(request, inputs, compile_rows(inputs), version, dataset_id, previous)
