"""Suggest a dataset over stored tables with the settings and the sensitive columns of a catalog."""

from collections.abc import Sequence
from datetime import datetime

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.discovery.describe import ReportCost, no_report, statistics_cost
from dataset_assets.discovery.sensitive import sensitive_columns
from dataset_assets.discovery.sources import Sessions, find_table, open_in
from dataset_assets.discovery.suggestions.settings import read_suggestion_settings
from dataset_assets.discovery.suggestions.suggest import SuggestedTables, suggest
from dataset_assets.ports.target import Target
from dataset_assets.system_errors import system_errors_as_faults


def suggest_over(
    catalog: Catalog,
    target: Target,
    tables: Sequence[str],
    now: datetime,
    *,
    main: str | None = None,
    report_cost: ReportCost = no_report,
) -> SuggestedTables:
    """Return the suggestions for tables, as of an instant. Raises DatasetAssetsError as `suggest` does."""
    names = dict.fromkeys((*((main,) if main else ()), *tables))
    return suggest(
        target,
        tables,
        read_suggestion_settings(catalog.root),
        now,
        main=main,
        sensitive={name: sensitive_columns(catalog, target, name) for name in names},
        report_cost=report_cost,
    )


def suggestion_cost(target: Target, tables: Sequence[str]) -> int | None:
    """Return the bytes that measuring these tables would be billed for; None if it costs nothing.

    Raises ResolveError for a table that does not exist or cannot be read.
    """
    with system_errors_as_faults(), Sessions(target) as sessions:
        costs = [statistics_cost(open_in(sessions, find_table(target, name))) for name in tables]
    billed = [each for each in costs if each is not None]
    return sum(billed) if billed else None
