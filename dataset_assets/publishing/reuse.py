"""Decide without running the query whether the previous publication can be kept.

It can if structure, query and source versions are the same (docs/decisions/0010).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from dataset_assets.checks.results import CheckResult
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.loaded_periods import TABLE_ROWS, checks_of_load, loads_of
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.publish_outcome import PublishOutcome, RefreshCounts
from dataset_assets.publishing.snapshot import (
    QUALITY,
    latest_inputs,
    quality_of,
    selection_digest,
    sources_of,
)
from dataset_assets.stats.statistics import Statistics


def can_reuse(run: PreparedRun) -> bool:
    """Return whether the previous publication can be kept if its rows turn out to be the same.

    Its structure and its quality rules must be today's. Its version number can differ if an earlier
    structure was restored.
    """
    record = run.previous_record
    if record is None or record["sha256"] != run.version.sha256:
        return False
    if _quality(record) != quality_of(run.inputs.dataset):
        return False  # the record says which rules the rows were checked by
    return not any(reuse_blockers(record, run.inputs.dataset, run.definitions))


def _quality(record: Record) -> Any:
    """Return the quality rules that the rows were checked by; a load of a bitemporal table has its own."""
    return record[QUALITY] if QUALITY in record else record["definition"].get(QUALITY, [])


def reuse_blockers(record: Record, dataset: Dataset, columns: Iterable[ColumnDef]) -> Iterator[str]:
    """Yield why a publication of the same structure must be replaced. `columns` are those published today."""
    if record["counts"]["rows"] == 0 and not dataset.allow_empty:
        yield "it is empty"
    exposed = _exposed_columns(record, columns)
    if exposed:
        yield f"its statistics show {', '.join(exposed)}, sensitive now"


def can_confirm_load(run: PreparedRun) -> bool:
    """Return whether a load that changes no row can be recorded in the published bitemporal table.

    If the table has another structure, or statistics with values that are sensitive now, it must be published
    anew, although its rows stay as they are.
    """
    record = run.previous.record if run.previous else None
    if record is None or record["sha256"] != run.version.sha256:
        return False
    return not _exposed_columns(record, run.definitions)


def _exposed_columns(record: Record, columns: Iterable[ColumnDef]) -> list[str]:
    """Return the columns whose values the stored statistics show and must no longer show (BR-206)."""
    sensitive = [each.name for each in columns if each.sensitive]
    known = record["statistics"]["columns"] if sensitive else {}
    return [name for name in sensitive if not known[name]["sensitive"]]


def same_inputs(run: PreparedRun, target: Target) -> bool:
    """Return whether the previous publication was made by the same query from the same source versions."""
    if run.previous_record is None or not can_reuse(run):
        return False
    record, sources = latest_inputs(run.previous_record), sources_of(run, target)
    same_query = record.get("selection") == selection_digest(run, target)
    return same_query and all(sources.values()) and record["sources"] == sources


def unchanged_load(
    previous: Publication, period: str, checks: Sequence[CheckResult] | None = None
) -> PublishOutcome:
    """Return the outcome of a load that changes no row of a bitemporal table. Its digest is the snapshot's.

    `checks` are those of the load, by default those that the record keeps of the Period's last load.
    """
    outcome = unchanged_outcome(previous)
    found = checks_of_load(previous.record, period) if checks is None else tuple(checks)
    counts = replace(outcome.counts, unchanged=previous.record[TABLE_ROWS])
    return replace(outcome, counts=counts, checks=found, digest=loads_of(previous.record)[period]["digest"])


def unchanged_outcome(previous: Publication) -> PublishOutcome:
    """Return the outcome of a run that keeps the previous publication: every row is unchanged."""
    record = previous.record
    row_count = record["counts"]["rows"]
    return PublishOutcome(
        counts=RefreshCounts(row_count, 0, 0, row_count, 0),
        statistics=Statistics.model_validate(record["statistics"]),
        checks=tuple(CheckResult(**check) for check in record["checks"]),
        digest=record["digest"],
        record=record,
        table_version=previous.version,
        size_bytes=None,
    )
