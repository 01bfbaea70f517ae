"""Run `dataset-assets demo`: copy the data, check the files, publish the datasets, print the next steps."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from dataset_assets.catalog.build_order import chosen_periods, nested_first
from dataset_assets.catalog.validation import validate_folder
from dataset_assets.errors import ContractError, raise_all
from dataset_assets.interfaces.cli import demo_data
from dataset_assets.interfaces.cli.console import out, say, steps
from dataset_assets.interfaces.cli.materialize import CommandRun, change, overview, remarks
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.materialize import Materialization

PERIODS: Mapping[str, Sequence[str]] = {
    "product_categories": (),
    "household_profiles": (),
    "sales_orders": (),
    "promo_response": (),
    "fresh_food_affinity": (),
    "grocery_recommender": ("2017-11", "2017-12"),
    "quarterly_sales": ("FY2017-Q2", "FY2017-Q3"),
    "price_response": ("2017-09",),
}
"""Dataset → its Periods to publish, mostly the last ones in the data; empty for an unpartitioned dataset.

The outputs of the projects are published for the same Periods.
"""

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
"""The end of the data, from which unpartitioned datasets look back, so that every run has the same rows."""

NEXT_STEPS = (
    "Look at the rows:   dataset-assets read grocery_recommender --partition 2017-12",
    "Look at a dataset:  dataset-assets show grocery_recommender --stats",
    "Open the UI:        make ui   (or: dagster dev), then http://127.0.0.1:3000",
)


def run_demo(workspace: Workspace, root: Path) -> None:
    """Publish the demo with its data in `root`. A second run changes nothing.

    Raises DatasetAssetsError if a file is invalid, the data is not installed, or a dataset fails.
    """
    report = validate_folder(workspace.root)
    raise_all(ContractError, report.faults)
    with steps("data") as progress:
        demo_data.prepare(root, progress)
    say(f"data: {len(demo_data.TABLES)} tables in {root / demo_data.FOLDER}")
    say(f"files: {report.files} checked, all is well")
    results = _publish(workspace)
    out().print(overview(results))
    say(*remarks(results))
    same = all(change(result.counts) == "unchanged" for result in results)
    say(f"{len(results)} publications, {'all unchanged' if same else 'with the rows above'}")
    say("", *NEXT_STEPS)


def _publish(workspace: Workspace) -> list[Materialization]:
    catalog, now = workspace.catalog, datetime.now(UTC)
    run = CommandRun(workspace, str(uuid4()), AS_OF)
    results: list[Materialization] = []
    for stem in (*nested_first(catalog, PERIODS), *catalog.outputs):
        entry = catalog.published(stem).entry
        for result in run.publish(stem, chosen_periods(catalog, entry, now, PERIODS[entry.stem])):
            period = f" {result.period}" if result.period else ""
            say(f"{stem}{period}: {result.counts.rows:,} rows, {change(result.counts)}")
            results.append(result)
    return results
