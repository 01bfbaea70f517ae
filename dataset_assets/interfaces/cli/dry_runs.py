"""Prepare a command that selects the rows of a dataset as a run does, and publishes nothing."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.discovery.runs import Reports
from dataset_assets.interfaces.cli.console import say, steps
from dataset_assets.interfaces.cli.tables import say_cost
from dataset_assets.publishing.as_of_choice import AsOfChoice, choose_as_of


@contextmanager
def dry_run(
    catalog: Catalog, entry: Entry, as_of: str | None, partition: str | None
) -> Generator[tuple[AsOfChoice, Reports]]:
    """Print the as-of that is chosen, and yield it with callbacks that print steps and costs.

    Raises PeriodError as `choose_as_of` does.
    """
    at = choose_as_of(catalog, entry, as_of, partition, datetime.now(UTC))
    say(at)
    with steps(entry.stem, lines=False) as report:
        yield at, Reports(report, say_cost)
