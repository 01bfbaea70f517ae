"""Materialize a sample of a dataset: select, measure, check and store some rows, without publishing.

The rows are those that a run would publish of the sampled users or rows, without system columns. Nothing is
published, claimed or locked; the warehouse keeps the sample for some days (BR-138).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.audit import applicable_checks
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.checks.row_checks import declared_schema, run_checks
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.discovery.analysis import CheckOutcome
from dataset_assets.discovery.runs import OpenRun, Reports, open_run, selection_queries
from dataset_assets.model import Instant, Model
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.samples import SampleRecord
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.row_measurement import VisibleRows, measure_visible
from dataset_assets.selection.sample import Sample
from dataset_assets.sql.build import assemble, column
from dataset_assets.stats.statistics import ColumnStatistics
from dataset_assets.system_errors import system_errors_as_faults


class MaterializedSample(Model):
    """A sample that was written. `by` is the unit of the draw, None for a sample without rows.

    Equal digests mean equal rows. `location` is the Parquet file or the table.
    """

    dataset: str
    period: str | None
    sample: str
    by: Literal["user", "row"] | None
    as_of: Instant
    made_at: Instant
    row_count: int
    splits: Mapping[str, int]
    digest: str
    checks: tuple[CheckOutcome, ...]
    column_stats: Mapping[str, ColumnStatistics]
    location: str
    size_bytes: int | None
    bytes_estimated: int | None


@system_errors_as_faults()
def materialize_sample(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    sample: Sample,
    reports: Reports | None = None,
) -> MaterializedSample:
    """Write a sample of a dataset and return it. It replaces an earlier one of the same Period and share.

    Raises DatasetAssetsError as `open_run` does, and AuditError if a blocking check fails: nothing is written
    then. Checks of the number of rows are not run.
    """
    reports = reports or Reports()
    with open_run(catalog, target, entry, at, selection_queries, reports, sample) as run:
        reports.step("selecting the rows")
        rows = run.session.store("selected_rows", _published_columns(run))
        reports.step("checking the rows and computing their statistics")
        found = measure_visible(run.prepared.published, rows, run.session)
        checks = _checks(run, rows, found)
        run.stability.confirm()
        reports.step("writing the sample")
        record = SampleRecord(
            dataset=entry.stem,
            period=run.prepared.period,
            sample=str(sample),
            as_of=at.as_of,
            sha256=run.prepared.version.sha256,
            made_at=datetime.now(UTC),
            sensitive=tuple(each.name for each in run.prepared.columns if each.sensitive),
        )
        stored = target.warehouse.write_sample(record, exp.select("*").from_(rows.copy()), run.session)
        return MaterializedSample(
            **record.model_dump(exclude={"sha256", "sensitive"}),
            by=_unit(run, sample),
            row_count=found.statistics.row_count,
            splits=found.statistics.splits,
            digest=found.digest,
            checks=checks,
            column_stats=found.statistics.columns,
            location=stored.location,
            size_bytes=stored.size_bytes,
            bytes_estimated=run.bytes_estimated,
        )


def _published_columns(run: OpenRun) -> exp.Query:
    """Return the query of the rows without the helper columns of a bitemporal selection."""
    last = run.prepared.selection[-1].name
    shown = exp.select(*(column(each.name) for each in run.prepared.columns))
    return assemble(run.prepared.selection, shown.from_(last))


def _checks(run: OpenRun, rows: exp.Expr, found: VisibleRows) -> tuple[CheckOutcome, ...]:
    columns, session = run.prepared.columns, run.session
    stored = Relation(rows, session.describe(rows), "", found.statistics.row_count)
    earlier = (declared_schema(stored, columns), lookups_unique(run.inputs, session))
    evidence = SelectionEvidence.of(run.inputs, rows, columns, found.statistics, session)
    checks = [each for each in applicable_checks(run.inputs.scope) if not each.of_row_count]
    return tuple(CheckOutcome(**vars(each)) for each in run_checks(checks, evidence, earlier))


def _unit(run: OpenRun, sample: Sample) -> Literal["user", "row"] | None:
    if sample.is_empty:
        return None
    return "user" if "user_id" in run.inputs.concepts else "row"
