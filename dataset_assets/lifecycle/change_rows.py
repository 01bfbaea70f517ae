"""Change rows of published datasets by hand: label or delete rows, or publish earlier rows again.

Each Period is changed by one new publication in one commit, fenced as every publication is: of two runs that
change one Period at the same time, the one with the earlier claim is refused. No source is read.
"""

from contextlib import AbstractContextManager

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.chosen_publications import chosen_periods, earlier_publications
from dataset_assets.lifecycle.row_change_report import ChangeReport, ChangeRequest, OnPublished
from dataset_assets.lifecycle.row_change_run import RowChangeRun
from dataset_assets.lifecycle.row_changes import Rollback, RowChange
from dataset_assets.ports.engine import JobContext, Session
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
    with _connected(target, request) as session:
        periods = chosen_periods(catalog, target.warehouse, request, session)
        erasures = len(target.warehouse.erasures(request.dataset, session))
        run = RowChangeRun(target, catalog, request, change, session, erasures)
        return run.all_periods(periods, on_published)


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
    with _connected(target, request) as session:
        periods = chosen_periods(catalog, target.warehouse, request, session)
        erasures = len(target.warehouse.erasures(request.dataset, session))
        earlier = earlier_publications(target.warehouse, request.dataset, periods, version, session)
        run = RowChangeRun(target, catalog, request, Rollback(earlier), session, erasures)
        return run.all_periods(tuple(earlier), on_published)


def _connected(target: Target, request: ChangeRequest) -> AbstractContextManager[Session]:
    """Open a session. A claim drops what its own run stored before, so the session has another run's name."""
    return target.engine.connect(JobContext(request.dataset, run_id=f"{request.run_id}-rows"))
