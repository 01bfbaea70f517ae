"""Publish the Periods of a dataset in a Dagster run."""

from datetime import UTC, datetime
from uuid import UUID

import dagster as dg
from pydantic import TypeAdapter, ValidationError
from typing_extensions import override

from dataset_assets.assets.asset_keys import PROJECT_TAG
from dataset_assets.assets.publication_run import PublicationRun
from dataset_assets.model import Instant
from dataset_assets.periods.period import Period
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.text.progress import Progress

AS_OF = "as_of"
"""Key of the as-of in the op config of an unpartitioned dataset (BR-106)."""

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class DatasetRun(PublicationRun):
    """One run of the op of one dataset."""

    @override
    def publish(
        self, target: Target, period: Period | None, attempt: int, progress: Progress
    ) -> Materialization:
        run = self.context.run
        project = run.tags.get(PROJECT_TAG)
        request = Request(
            entry=self.catalog.entry(self.stem),
            period=period,
            as_of=None if period else self._as_of(),
            run_id=run.run_id,
            project_id=UUID(project) if project else None,
            now=self.now,
            locked=self.resource.locked,
            attempt=attempt,
        )
        return materialize(self.catalog, target, request, progress)

    def _as_of(self) -> datetime:
        """Return the as-of of the op config, else the start of the run, equal for its datasets (BR-106)."""
        given = (self.context.op_execution_context.op_config or {}).get(AS_OF)
        if given:
            try:
                return _INSTANT.validate_python(given)
            except ValidationError:
                text = f"as_of: {given!r} is not an instant; write it as 2026-01-31T12:00:00Z"
                raise dg.Failure(text, allow_retries=False) from None
        record = self.context.instance.get_run_record_by_id(self.context.run.run_id)
        return datetime.fromtimestamp(record.start_time, UTC) if record and record.start_time else self.now
