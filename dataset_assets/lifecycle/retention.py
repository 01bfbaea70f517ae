"""Run a target's retention over published datasets, as the daily sensor and `vacuum` do."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import Fault, PublishError
from dataset_assets.model import Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.retention import GRACE, Retention, RetentionReport, RetentionRequest
from dataset_assets.ports.target import Target
from dataset_assets.system_errors import system_reason


class Vacuum(Model):
    """What retention did, or would do with `dry_run`, to the datasets for which it did something."""

    dry_run: bool
    retention: Retention | None
    datasets: tuple[RetentionReport, ...]


def vacuum(
    target: Target,
    datasets: Sequence[str],
    now: datetime,
    grace: timedelta = GRACE,
    *,
    dry_run: bool = False,
) -> Iterator[RetentionReport]:
    """Run retention over datasets one after another, and yield each report that is not empty.

    A publication that expires is removed by the first call that is at least `grace` later, for readers that
    opened it before. Raises PublishError if this user may not remove files.
    """
    request = RetentionRequest(now, grace, dry_run)
    for dataset in datasets:
        with target.engine.connect(JobContext(dataset, run_id=str(uuid4()))) as session:
            try:
                report = target.warehouse.expire(dataset, request, session)
            except OSError as error:
                message = f"retention cannot work on {dataset!r}: {system_reason(error)}: {error.filename}"
                hint = "let who runs it be the user of the runs"
                raise PublishError(Fault(message, hint=hint)) from None
        if not report.is_empty:
            yield report


def published_stems(catalog: Catalog) -> list[str]:
    """Return the names of all tables that may be published.

    They are those of dataset files, archived and broken ones as well, and of the outputs of Projects.
    """
    return [*catalog.entries, *catalog.outputs]
