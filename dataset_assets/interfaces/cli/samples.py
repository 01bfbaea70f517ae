"""Write samples of the Periods of a dataset for `dataset-assets materialize --sample`, and print them."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import RenderableType

from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.catalog.catalog import Entry
from dataset_assets.discovery.runs import Reports
from dataset_assets.discovery.samples import MaterializedSample, materialize_sample
from dataset_assets.errors import Fault, PeriodError, UnsupportedError
from dataset_assets.interfaces.answers.samples import SamplesAnswer
from dataset_assets.interfaces.cli.console import facts, out, print_json, say, steps
from dataset_assets.interfaces.cli.listing import statistics_table
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.periods.period import Period
from dataset_assets.publishing.as_of_choice import AsOfChoice, default_as_of, parse_as_of
from dataset_assets.selection.sample import EMPTY, Sample
from dataset_assets.staleness.refresh_requests import publication_label
from dataset_assets.stats.statistics import Statistics
from dataset_assets.text.wording import size_text


def chosen_sample(share: str | None, *, empty: bool) -> Sample | None:
    """Return the sample that the options choose; None without one. Raises UnsupportedError."""
    if share is not None and empty:
        hint = "leave one of them out"
        raise UnsupportedError(Fault("--sample selects rows, and --empty selects none", hint=hint))
    return EMPTY if empty else Sample.parse(share) if share is not None else None


def write_samples(
    workspace: Workspace,
    name: str,
    sample: Sample,
    partitions: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    as_of: str | None = None,
    *,
    as_json: bool = False,
) -> None:
    """Write a sample of each chosen Period of a dataset and print it.

    Raises UnsupportedError for an output of a Project, and DatasetAssetsError as `materialize_sample` does.
    """
    if name in workspace.catalog.outputs:
        message = f"{name} is an output of a Project, of which there are no samples"
        dataset = workspace.catalog.outputs[name].dataset
        raise UnsupportedError(Fault(message, hint=f"sample its dataset, {dataset}"))
    entry, now = workspace.catalog.entry(name), datetime.now(UTC)
    periods = chosen_periods(workspace.catalog, entry, now, partitions, first, last)
    if as_of is not None and periods != [None]:
        raise PeriodError(Fault("the end of a Period is its as-of", hint="leave out --as-of"))
    moment = parse_as_of(as_of) if as_of is not None else now
    found = []
    for period in periods:
        begun = time.perf_counter()
        found.append(_write(workspace, entry, default_as_of(period, moment), sample, period))
        if not as_json:
            out().print(*_parts(found[-1], time.perf_counter() - begun))
            say(*(f"{each.name}: {each.message}" for each in found[-1].checks if not each.passed))
    if as_json:
        print_json(SamplesAnswer(samples=tuple(found)))


def _write(
    workspace: Workspace, entry: Entry, at: AsOfChoice, sample: Sample, period: Period | None
) -> MaterializedSample:
    share = "no rows" if sample.is_empty else f"sample of {sample}"
    label = f"{publication_label(entry.stem, period)}, {share}"
    with steps(label) as progress:
        reports = Reports(progress, lambda size: progress(f"reading {size_text(size)}, which is billed"))
        return materialize_sample(workspace.catalog, workspace.target, entry, at, sample, reports)


def _parts(found: MaterializedSample, seconds: float) -> Iterator[RenderableType]:
    passed = [each for each in found.checks if each.passed]
    share = f"{found.sample} by {found.by}" if found.by else "no rows"
    yield facts(
        [
            ("dataset", found.dataset),
            ("period", found.period),
            ("as of", f"{found.as_of:%Y-%m-%dT%H:%M:%SZ}"),
            ("sample", share),
            ("rows", f"{found.row_count:,}"),
            ("split", ", ".join(f"{name} {rows:,}" for name, rows in found.splits.items())),
            ("digest", found.digest),
            ("checks", f"{len(passed)} of {len(found.checks)} passed"),
            ("cost", None if found.bytes_estimated is None else size_text(found.bytes_estimated)),
            ("written to", found.location),
            ("seconds", f"{seconds:.2f}"),
        ]
    )
    if found.row_count:
        statistics = Statistics(row_count=found.row_count, columns=dict(found.column_stats))
        yield statistics_table(statistics, "Columns of the sample")
