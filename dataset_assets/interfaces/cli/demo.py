"""What `dataset-assets demo` does: the data, the files, the datasets, and what to do next."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from dataset_assets.catalog.build_order import chosen_periods, nested_first
from dataset_assets.catalog.validation import validate_folder
from dataset_assets.errors import ContractError, raise_all
from dataset_assets.interfaces.cli import demo_data as demo
from dataset_assets.interfaces.cli.console import out, say, steps
from dataset_assets.interfaces.cli.materialize import Run, change, overview, remarks
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.materialize import Materialization

BUILDS: Mapping[str, Sequence[str]] = {
    "product_categories": (),
    "household_profiles": (),
    "sales_orders": (),
    "promo_response": (),
    "fresh_food_affinity": (),
    "grocery_recommender": ("2017-11", "2017-12"),
    "quarterly_sales": ("FY2017-Q2", "FY2017-Q3"),
}
"""Dataset → the Periods that are built of it: the last that the data covers."""

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
"""The end of the data: unpartitioned datasets look back from it, on every day the same."""

NEXT = (
    "Look at the rows:   dataset-assets read grocery_recommender --partition 2017-12",
    "Look at a dataset:  dataset-assets show grocery_recommender --stats",
    "Open the UI:        make ui   (or: dagster dev), then http://127.0.0.1:3000",
)


def run_demo(workspace: Workspace, root: Path) -> None:
    """Twice is as good as once; the data goes below `root`. Raises DatasetAssetsError as its steps do."""
    report = validate_folder(workspace.root)
    raise_all(ContractError, report.faults)
    with steps("data") as progress:
        demo.prepare(root, progress)
    say(f"data: {len(demo.TABLES)} tables in {root / demo.FOLDER}")
    say(f"files: {report.files} checked, all is well")
    results = _build(workspace)
    out().print(overview(results))
    say(*remarks(results))
    same = all(change(result.counts) == "unchanged" for result in results)
    say(f"{len(results)} publications, {'all unchanged' if same else 'with the rows above'}")
    say("", *NEXT)


def _build(workspace: Workspace) -> list[Materialization]:
    catalog, now = workspace.catalog, datetime.now(UTC)
    run = Run(workspace, str(uuid4()), AS_OF)
    results: list[Materialization] = []
    for stem in nested_first(catalog, BUILDS):
        entry = catalog.entry(stem)
        for result in run.publish(entry, chosen_periods(catalog, entry, now, BUILDS[stem])):
            period = f" {result.period}" if result.period else ""
            say(f"{stem}{period}: {result.counts.rows:,} rows, {change(result.counts)}")
            results.append(result)
    return results
