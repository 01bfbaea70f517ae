"""Publish the Periods of a dataset one after another from the command line, and print the results."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from rich.console import RenderableType

from dataset_assets.adapters.lineage.openlineage import lineage_sink
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError
from dataset_assets.interchange.publication_events import report_publication
from dataset_assets.interfaces.answers.publications import PublicationAnswer, PublicationsAnswer
from dataset_assets.interfaces.cli.console import Grid, cell, facts, out, print_json, say, steps
from dataset_assets.interfaces.cli.split_tables import deviation_words, duplicate_words
from dataset_assets.interfaces.use_reports import instance_folder
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.status import refuse_by_slip
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.as_of_choice import parse_as_of
from dataset_assets.publishing.dataset_ids import rename_notices
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.output_sources import OutputRequest, in_order_of_moves
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.publishing.publish_output import publish_output
from dataset_assets.publishing.snapshot import READ_FROM, latest_inputs
from dataset_assets.staleness.refresh_requests import publication_label
from dataset_assets.text.progress import Progress
from dataset_assets.text.wording import size_text

if TYPE_CHECKING:
    from dataset_assets.assets.event_log import DagsterEventWriter

DIGITS = 12
"""Characters of a digest that are printed in tables."""


@dataclass(frozen=True)
class CommandRun:
    """Settings that all publications of one command share, and the methods that publish.

    `reread` reads the sources even if their metadata is unchanged. `without_gone` publishes even if files
    of Periods have disappeared. `locked` refuses a structure that its lock does not have (BR-115).
    """

    workspace: Workspace
    run_id: str
    as_of: datetime | None = None
    locked: bool = False
    reread: bool = False
    without_gone: bool = False

    def publish(self, stem: str, periods: Sequence[Period | None]) -> Iterator[Materialization]:
        """Publish the Periods of a dataset or an output and yield each publication.

        A Period that fails does not stop the others.
        Raises the DatasetAssetsError of a single Period; for several Periods it is raised after the last one,
        with the number of failures.
        """
        failed = 0
        with self.checks_reported():
            for period in periods:
                try:
                    yield self.publish_period(stem, period)
                except DatasetAssetsError as error:
                    if len(periods) == 1:
                        raise
                    failed += 1
                    say(*(f"{publication_label(stem, period)}: {fault}" for fault in error.faults))
        if failed:
            others = ", the others are published" if failed < len(periods) else ""
            message = f"{failed} of {len(periods)} Periods failed{others}"
            raise DatasetAssetsError(Fault(message, hint="what is wrong with each is above"))

    def publish_period(
        self, stem: str, period: Period | None, *, print_steps: bool = True
    ) -> Materialization:
        """Publish one Period. With `print_steps`, its steps are printed as lines without a terminal too.

        Raises as `materialize` and `publish_output` do.
        """
        target, writer = self.workspace.target, self.writer
        with steps(publication_label(stem, period), lines=print_steps) as progress:
            try:
                result = self._publish_one(stem, period, progress)
            except AuditError as error:
                if writer:
                    writer.add_check_results(stem, period, error.checks)
                raise
            if writer:
                writer.write_materialization(result, period, target.warehouse.location(stem))
        catalog, now = self.workspace.catalog, datetime.now(UTC)
        report_publication(catalog, target, result, self.run_id, now, lineage_sink(), say)
        return result

    def _publish_one(self, stem: str, period: Period | None, progress: Progress) -> Materialization:
        catalog, target = self.workspace.catalog, self.workspace.target
        locked, now = self.locked or self.workspace.settings.locked, datetime.now(UTC)
        if output := catalog.outputs.get(stem):
            asked = OutputRequest(output, self.run_id, now, period, locked=locked, reread=self.reread)
            return publish_output(catalog, target, asked, progress)
        request = Request(
            entry=catalog.entry(stem),
            run_id=self.run_id,
            now=now,
            period=period,
            as_of=None if period else self.as_of,
            locked=locked,
            reread=self.reread,
            without_gone=self.without_gone,
        )
        return materialize(catalog, target, request, progress)

    @contextmanager
    def checks_reported(self) -> Generator[None]:
        """Report the check results of all Periods to Dagster at the end of the block, even after an error."""
        try:
            yield
        finally:
            if "writer" in vars(self) and self.writer:
                self.writer.write_checks()

    @cached_property
    def writer(self) -> "DagsterEventWriter | None":
        """Writer to the Dagster instance of DAGSTER_HOME, else to the instance of the project in this folder.

        None if there is neither. Raises ContractError if the instance cannot be opened.
        """
        folder = None if os.environ.get("DAGSTER_HOME") else instance_folder(self.workspace.root)
        if not (folder or os.environ.get("DAGSTER_HOME")):
            return None
        from dataset_assets.assets.event_log import DagsterEventWriter  # noqa: PLC0415 - Dagster takes seconds to load

        return DagsterEventWriter(self.workspace.catalog, folder)


def publish(
    workspace: Workspace,
    name: str,
    partitions: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    as_of: str | None = None,
    *,
    locked: bool = False,
    force: bool = False,
    as_json: bool = False,
    anyway: bool = False,
) -> None:
    """Publish the chosen Periods of a dataset or output and print them, even if some Periods failed.

    `force` reads the sources whatever their metadata says, and publishes even if Periods have disappeared.
    `anyway` publishes a draft or an archived dataset.
    Raises DatasetAssetsError as `chosen_periods` and `CommandRun.publish` do.
    """
    output = workspace.catalog.outputs.get(name)
    entry = workspace.catalog.entry(output.dataset if output else name)
    if output is None:
        refuse_by_slip([entry], anyway=anyway)
    periods = chosen_periods(workspace.catalog, entry, datetime.now(UTC), partitions, first, last)
    if output:
        periods = in_order_of_moves(output, periods)
    if as_of is not None and output:
        raise PeriodError(Fault("an output has the as-of of its dataset", hint="leave out --as-of"))
    if as_of is not None and periods != [None]:
        raise PeriodError(Fault("the end of a Period is its as-of", hint="leave out --as-of"))
    looks_back_from = parse_as_of(as_of) if as_of is not None else None
    if output is None:
        say(*rename_notices(workspace.target, [entry]))
    run = CommandRun(workspace, str(uuid4()), looks_back_from, locked, force, force)
    results: list[Materialization] = []
    try:
        results.extend(run.publish(output.stem if output else entry.stem, periods))
    finally:
        if as_json:
            print_json(PublicationsAnswer(publications=tuple(map(PublicationAnswer.of_run, results))))
        elif results and len(periods) > 1:
            out().print(overview(results))
            say(*remarks(results))
    if len(periods) == 1 and not as_json:
        out().print(*map(details, results))


def details(result: Materialization) -> RenderableType:
    """Return a table of everything that is known of one publication: counts, digest, checks, seconds."""
    passed = [check for check in result.checks if check.passed]
    seconds = ", ".join(f"{name} {value:.2f}" for name, value in result.seconds.items())
    return facts(
        [
            ("dataset", result.dataset),
            ("period", result.period),
            ("as of", f"{result.as_of:%Y-%m-%dT%H:%M:%SZ}"),
            ("rows", f"{result.counts.rows:,}"),
            ("", change(result.counts)),
            ("split", split_sizes(result)),
            ("", deviation_words(result.statistics.parts)),
            ("duplicates", duplicate_words(result.statistics)),
            ("digest", result.digest),
            ("version", result.version.number),
            ("table version", result.table_version),
            ("read from", read_from(result.record)),
            ("checks", f"{len(passed)} of {len(result.checks)} passed"),
            *(("", f"{_verdict(check)}: {check.name}: {check.message}") for check in result.checks),
            ("seconds", f"{sum(result.seconds.values()):.2f} ({seconds})"),
            *usage_lines(result.usage),
        ]
    )


def read_from(record: Record) -> str:
    """Name the other targets that nested datasets were read from: `production: profiles` (BR-139)."""
    found = latest_inputs(record).get(READ_FROM, {})
    return ", ".join(f"{target}: {key.removeprefix('datasets/')}" for key, target in found.items())


def usage_lines(usage: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield label and text for the bytes that the engine billed and for the rows that were transferred."""
    if "bytes_billed" in usage:
        estimated, billed = (size_text(usage.get(f"bytes_{word}", 0)) for word in ("estimated", "billed"))
        jobs = usage.get("jobs", 0)
        yield "cost", f"estimated {estimated}, billed {billed} for {jobs} job{'s' * (jobs != 1)}"
    if usage.get("rows_moved"):
        size = usage.get("bytes_moved")
        yield "moved", f"{usage['rows_moved']:,} rows" + (f", {size_text(size)}" if size else "")


def overview(results: Sequence[Materialization]) -> Grid:
    """Return a table with one line for each publication."""
    numbers = ("rows", "version", "seconds")
    table = Grid(
        "dataset", "period", "rows", "change", "split", "version", "digest", "seconds", right=numbers
    )
    for result in results:
        table.add_row(
            cell(result.dataset),
            cell(result.period or ""),
            f"{result.counts.rows:,}",
            change(result.counts),
            split_sizes(result),
            str(result.version.number),
            result.digest[:DIGITS],
            f"{sum(result.seconds.values()):.1f}",
        )
    return table


def remarks(results: Sequence[Materialization]) -> Iterator[str]:
    """Yield one sentence for each failed check that does not block its publication."""
    for result in results:
        name = f"{result.dataset} {result.period}" if result.period else result.dataset
        yield from (f"{name}: {each.name}: {each.message}" for each in result.checks if not each.passed)


def change(counts: RefreshCounts) -> str:
    """Describe how the rows differ from the previous publication: `3 added, 20 unchanged` (BR-118)."""
    changes = ("added", counts.added), ("changed", counts.changed), ("removed", counts.removed)
    words = [f"{number:,} {word}" for word, number in changes if number]
    if not counts.has_changes:
        return "unchanged"
    return ", ".join([*words, *([f"{counts.unchanged:,} unchanged"] if counts.unchanged else [])])


def split_sizes(result: Materialization) -> str:
    """Return the number of rows in each split: `train 512,000, eval 43,000`."""
    return ", ".join(f"{name} {rows:,}" for name, rows in result.split_sizes.items())


def _verdict(check: CheckResult) -> str:
    return "passed" if check.passed else "failed"
