"""Estimate the sizes of a dataset that is not written yet, for the preview of the wizard."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Group, RenderableType

from dataset_assets.catalog.proposal import Proposal
from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.runs import Reports
from dataset_assets.interfaces.cli.console import cell, facts, steps
from dataset_assets.interfaces.cli.tables import say_cost
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import choose_as_of


def estimated_sizes(target: Target, proposal: Proposal) -> RenderableType:
    """Return the sizes of a proposed dataset, as of now. Raises DatasetAssetsError if it cannot be read."""
    entry, catalog = proposal.entry, proposal.catalog
    at = choose_as_of(catalog, entry, None, None, datetime.now(UTC))
    with steps("counting the rows", lines=False) as report:
        found = analyze(catalog, target, entry, at, Reports(report, say_cost))
    parts: list[RenderableType] = [
        cell("Estimated dataset size after filters:", "bold"),
        facts((f"  {name}", value) for name, value in _sizes(found)),
    ]
    stopping = [each for each in found.checks if each.blocking and not each.passed]
    parts += (cell(f"would stop a publication: {each.message}", "yellow") for each in stopping)
    return Group(*parts)


def _sizes(found: Analysis) -> Iterator[tuple[str, str]]:
    mapped = found.unique_users_estimate is not None
    yield "Total transactions" if mapped else "Total rows", f"{found.row_count_estimate:,}"
    if found.unique_users_estimate is not None:
        yield "Unique customers", f"{found.unique_users_estimate:,}"
    if found.unique_products_estimate is not None:
        yield "Unique products", f"{found.unique_products_estimate:,}"
    for name, size in found.splits.items():
        yield f"{name.capitalize()} set", f"{size.rows:,} ({size.percent:.0f}%)"
    if found.date_range:
        yield "Dates", f"{found.date_range.start} to {found.date_range.end}"
