"""Analyze a dataset: select the rows that a run would publish, and measure and check them.

The rows are selected by the query that a run compiles, so that all sizes equal those of the publication. They
are kept in a temporary table of the session; nothing is published, claimed or locked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.audit import applicable_checks
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.checks.results import CheckResult
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.checks.valid_times import check_valid_times
from dataset_assets.compiler.leakage import kept_by_train, leak_concepts
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.compiler.selection_sizes import (
    PRODUCT,
    REVENUE,
    REVENUE_FILTERS,
    STEPS,
    USER,
    revenue_counts,
    step_counts,
    window_rows,
)
from dataset_assets.contract.model import Dataset
from dataset_assets.discovery.analysis import (
    Analysis,
    CheckOutcome,
    Leaks,
    RevenueFilterSize,
    StepSize,
)
from dataset_assets.discovery.runs import OpenRun, Reports, open_run
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.row_measurement import row_statistics
from dataset_assets.selection.filters import RevenueFilter
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import assemble
from dataset_assets.stats.statistics import Statistics
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.values import json_value

DEFAULT_PERCENT = 80
"""The value of both revenue filters if the file has neither."""


@system_errors_as_faults()
def analyze(
    catalog: Catalog, target: Target, entry: Entry, at: AsOfChoice, reports: Reports | None = None
) -> Analysis:
    """Return what a run of the dataset would publish. Raises DatasetAssetsError as `open_run` does.

    A check that would stop the publication is part of the result.
    """
    reports = reports or Reports()
    with open_run(catalog, target, entry, at, _queries, reports) as run:
        reports.step("counting the rows after each step")
        counted = run.session.store("window_rows", window_rows(run.inputs))
        steps = tuple(_steps(run, counted))
        revenue = tuple(_revenue_filters(run, counted))
        reports.step("selecting the rows")
        selected = run.session.store("selected_rows", assemble(run.prepared.selection))
        reports.step("measuring and checking the rows")
        statistics = row_statistics(run.prepared.published, selected, run.session)
        evidence = SelectionEvidence.of(run.inputs, selected, run.prepared.columns, statistics, run.session)
        checks = (
            lookups_unique(run.inputs, run.session),
            *_valid_times(run, selected),
            *(each.run(evidence) for each in applicable_checks(run.inputs.scope)),
        )
        return Analysis(
            dataset=entry.stem,
            period=run.prepared.period,
            as_of=at.as_of,
            approximate=False,
            bytes_estimated=run.bytes_estimated,
            steps=steps,
            fit_on=run.dataset.filters.fit_on,
            revenue_filters=revenue,
            leaks=_leaks(checks),
            checks=tuple(CheckOutcome(**asdict(each)) for each in checks),
            **_sizes(run.dataset, statistics),
        )


def _valid_times(run: OpenRun, selected: exp.Expr) -> tuple[CheckResult, ...]:
    """Return the results of the checks of valid times, which run for a bitemporal dataset (BR-121)."""
    period = run.prepared.request.period
    if not run.prepared.is_bitemporal or period is None:
        return ()
    results, _ = check_valid_times(run.prepared.snapshot(selected, period), run.session)
    return results


def _queries(inputs: SelectionInput) -> Iterator[exp.Query]:
    """Yield the queries that read the main table.

    All others read their results, or only the keys of lookups.
    """
    yield window_rows(inputs)
    yield assemble(compile_rows(inputs))
    is_checked = inputs.dataset.split_config and inputs.dataset.column_mapping
    if is_checked and (kept := kept_by_train(inputs, leak_concepts(inputs.dataset))):
        yield assemble(kept)


def _sizes(dataset: Dataset, statistics: Statistics) -> dict[str, Any]:
    """Return the fields of an Analysis that the statistics of the rows give."""
    rows, config = statistics.row_count, dataset.split_config
    names = [NAMES[value] for value in config.values] if config else []
    sizes = {name: statistics.splits.get(name, 0) for name in names}
    return {
        "row_count_estimate": rows,
        "unique_users_estimate": _cardinality(dataset, statistics, USER),
        "unique_products_estimate": _cardinality(dataset, statistics, PRODUCT),
        **{f"{name}_rows": sizes.get(name) for name in NAMES.values()},
        "splits": statistics.parts,
        "folds": statistics.folds,
        "date_range": statistics.date_range() if dataset.column_mapping else None,
        "column_stats": statistics.columns,
    }


def _cardinality(dataset: Dataset, statistics: Statistics, concept: str) -> int | None:
    is_mapped = concept in _concepts(dataset)
    return statistics.columns[concept].cardinality if is_mapped else None


def _concepts(dataset: Dataset) -> Mapping[str, str]:
    return dict(dataset.column_mapping.concepts()) if dataset.column_mapping else {}


def _steps(run: OpenRun, counted: exp.Expr) -> Iterator[StepSize]:
    found, filters = run.session.rows(step_counts(counted))[0], run.dataset.filters
    mapped = _concepts(run.dataset)
    applies = {name: not each.keeps_all for name, each in filters.by_setting()}
    for step in STEPS:
        yield StepSize(
            step=step,
            applies=applies.get(step, run.inputs.window is not None),
            rows=found[f"{step}_rows"] or 0,
            users=found[f"{step}_users"] if USER in mapped else None,
            products=found[f"{step}_products"] if PRODUCT in mapped else None,
        )


def _revenue_filters(run: OpenRun, counted: exp.Expr) -> Iterator[RevenueFilterSize]:
    """Yield what both revenue filters would keep, at the file's value or at the default one."""
    if not {PRODUCT, REVENUE} <= set(_concepts(run.dataset)):
        return
    own = run.dataset.filters.product_filter
    percent = own.value if isinstance(own, RevenueFilter) else DEFAULT_PERCENT
    found = run.session.rows(revenue_counts(counted, percent))[0]
    for kind in REVENUE_FILTERS:
        kept = {name: found[f"{kind}_{name}"] or 0 for name in ("products", "rows", "revenue")}
        shares = {f"{name}_percent": _percent(value, found[name] or 0) for name, value in kept.items()}
        yield RevenueFilterSize(
            type=kind,
            value=percent,
            **{name: int(kept[name]) for name in ("products", "rows")},
            revenue=json_value(Decimal(kept["revenue"])),
            **shares,
        )


def _percent(part: int | Decimal, whole: int | Decimal) -> float | None:
    """Return the percentage of a part; None if the whole is zero or less, as net revenue can be."""
    return float(100 * Decimal(part) / Decimal(whole)) if whole > 0 else None


def _leaks(checks: Sequence[CheckResult]) -> Leaks | None:
    """Return the figures of the check `leak`; None if the dataset has no split or no mapping."""
    found = next((each.metadata for each in checks if each.name == "leak"), None)
    if found is None:
        return None
    return Leaks.model_validate({name: found.get(name) for name in Leaks.model_fields})
