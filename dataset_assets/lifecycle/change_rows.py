"""Change rows of published datasets by hand: label or delete rows, or publish earlier rows again.

Each Period is changed by one new publication in one commit, fenced as every publication is: of two runs that
change one Period at the same time, the one with the earlier claim is refused. No source is read.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.row_change_report import ChangeReport, ChangeRequest, OnPublished
from dataset_assets.lifecycle.row_change_run import RowChangeRun
from dataset_assets.lifecycle.row_changes import Rollback, RowChange
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target


def change_rows(
    target: Target,
    catalog: Catalog,
    request: ChangeRequest,
    change: RowChange,
    on_published: OnPublished = lambda *_: None,
) -> ChangeReport:
    """Change the rows of each Period of the request, and publish those of which any row changes.

    Nothing is published if the change cannot be applied to one of the Periods. If a later Period fails, those
    before it stay changed, and the same call again changes the others. Raises WhereError for the condition,
    NotStoredError if a Period is not published, SupersededError if another run claims a Period meanwhile, and
    PublishError if no row would be left, or none in a part of the split.
    """
    with _opened(target, catalog, request, change) as run:
        return run.all_periods(run.chosen_periods(), on_published)


def rollback(
    target: Target,
    catalog: Catalog,
    request: ChangeRequest,
    version: int,
    on_published: OnPublished = lambda *_: None,
) -> ChangeReport:
    """Publish the rows again that the dataset had in a version of its table.

    Periods that were published after that version are left as they are. Raises as `change_rows` does, and
    ResolveError if the table has no such version or its rows are gone.
    """
    with _opened(target, catalog, request, Rollback({})) as run:
        earlier = run.earlier(run.chosen_periods(), version)
        return replace(run, change=Rollback(earlier)).all_periods(tuple(earlier), on_published)


@contextmanager
def _opened(
    target: Target, catalog: Catalog, request: ChangeRequest, change: RowChange
) -> Generator[RowChangeRun]:
    # A claim drops what its own run stored before, so the rows of a rollback are stored under another name.
    job = JobContext(request.dataset, run_id=f"{request.run_id}-rows")
    with target.engine.connect(job) as session:
        yield RowChangeRun(target, catalog, request, change, session)
