"""Publish the Periods of a Project's output in a Dagster run."""

from typing_extensions import override

from dataset_assets.assets.publication_run import PublicationRun
from dataset_assets.periods.period import Period
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.publishing.output_sources import OutputRequest
from dataset_assets.publishing.publish_output import publish_output
from dataset_assets.text.progress import Progress


class OutputRun(PublicationRun):
    """One run of the op of one output."""

    @override
    def publish(
        self, target: Target, period: Period | None, attempt: int, progress: Progress
    ) -> Materialization:
        request = OutputRequest(
            output=self.catalog.outputs[self.stem],
            run_id=self.context.run.run_id,
            now=self.now,
            period=period,
            locked=self.resource.locked,
            attempt=attempt,
        )
        return publish_output(self.catalog, target, request, progress)
