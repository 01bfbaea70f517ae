"""Send an OpenLineage event after a publication, and never let it fail the publication (BR-145)."""

from collections.abc import Callable
from datetime import datetime

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interchange.openlineage import NAMESPACE, EventRun, run_event
from dataset_assets.interchange.publication_facts import facts_of
from dataset_assets.ports.lineage import LineageSink
from dataset_assets.ports.target import Target
from dataset_assets.publishing.materialize import Materialization


def report_publication(
    catalog: Catalog,
    target: Target,
    result: Materialization,
    run_id: str,
    ended_at: datetime,
    sink: LineageSink | None,
    warn: Callable[[str], None],
) -> None:
    """Send the event of a publication if a sink is configured; log a failure as a warning.

    `warn` receives one sentence. No error of the sink, and none of describing the publication, is raised.
    """
    if sink is None:
        return
    try:
        published = catalog.published(result.record["dataset"])
        scope = catalog.scope(published.entry)
        version, stem = result.table_version, published.stem
        facts = facts_of(catalog, target, stem, version, result.record, scope, published.entry)
        sink.send(run_event(facts, scope, target, EventRun(run_id, ended_at, sink.namespace or NAMESPACE)))
    except DatasetAssetsError as error:
        warn(str(error))
    except Exception as error:  # noqa: BLE001 - the rows are published whatever is wrong with their event
        warn(f"the lineage event is not sent: {type(error).__name__}: {error}")
