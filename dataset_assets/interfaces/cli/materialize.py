"""Materializing from the command line, without Dagster: one run, its Periods one after another."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import yaml
from rich.console import RenderableType

from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.catalog.catalog import Entry
from dataset_assets.checks.audit import AuditError, CheckResult
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError
from dataset_assets.interfaces.cli.console import Grid, cell, facts, out, say, steps
from dataset_assets.interfaces.workspace import Workspace, instant
from dataset_assets.periods.period import Period
from dataset_assets.publishing.dataset_ids import rename_notice_in
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.reuse import RefreshCounts
from dataset_assets.text.wording import size_text

if TYPE_CHECKING:
    from dataset_assets.assets.event_log import DagsterEventWriter

DIGITS = 12
"""Of a digest, where a person compares it."""


@dataclass(frozen=True)
class Run:
    """Everything that the Periods of one run have in common."""

    workspace: Workspace
    run_id: str
    as_of: datetime | None = None
    locked: bool = False
    reread: bool = False
    without_gone: bool = False

    def publish(self, entry: Entry, periods: Sequence[Period | None]) -> Iterator[Materialization]:
        """Those that were published. One that fails does not keep the others from it.

        Raises DatasetAssetsError: what is wrong; of several Periods, after the last, how many failed.
        """
        failed = 0
        with self.reporting():
            for period in periods:
                try:
                    yield self.one(entry, period)
                except DatasetAssetsError as error:
                    if len(periods) == 1:
                        raise
                    failed += 1
                    say(*(f"{label(entry, period)}: {fault}" for fault in error.faults))
        if failed:
            others = ", the others are published" if failed < len(periods) else ""
            message = f"{failed} of {len(periods)} Periods failed{others}"
            raise DatasetAssetsError(Fault(message, hint="what is wrong with each is above"))

    def one(self, entry: Entry, period: Period | None, *, aloud: bool = True) -> Materialization:
        """One Period; `aloud`: its steps are told even where they cannot be told on one line.

        Raises as `materialize` does.
        """
        request = Request(
            entry=entry,
            run_id=self.run_id,
            now=datetime.now(UTC),
            period=period,
            as_of=None if period else self.as_of,
            locked=self.locked or self.workspace.settings.locked,
            reread=self.reread,
            without_gone=self.without_gone,
        )
        target, writer = self.workspace.target, self.writer
        with steps(label(entry, period), lines=aloud) as tell:
            if writer:
                writer.before(entry.stem)
            try:
                result = materialize(self.workspace.catalog, target, request, tell)
            except AuditError as error:
                if writer:
                    writer.found(entry.stem, period, error.checks)
                raise
            if writer:
                writer(result, period, target.warehouse.location(entry.stem))
        return result

    @contextmanager
    def reporting(self) -> Generator[None]:
        """Reports to Dagster at the end what the checks of all Periods found, also when some failed."""
        try:
            yield
        finally:
            if "writer" in vars(self) and self.writer:
                self.writer.report_checks()

    @cached_property
    def writer(self) -> "DagsterEventWriter | None":
        """Tells Dagster of it: the instance of DAGSTER_HOME, else the one of the project in this folder.

        None where there is neither. Raises ContractError for one that cannot be opened.
        """
        folder = None if os.environ.get("DAGSTER_HOME") else _own_instance(self.workspace.root)
        if not (folder or os.environ.get("DAGSTER_HOME")):
            return None
        from dataset_assets.assets.event_log import DagsterEventWriter  # noqa: PLC0415 - Dagster takes seconds to load

        return DagsterEventWriter(self.workspace.catalog, self.workspace.target, folder)


def _own_instance(definitions: Path) -> Path | None:
    """The working directory, where it is the project of these definitions and keeps Dagster's events.

    `dagster dev` opens the same files there. A dagster.yaml without `storage` keeps none.
    """
    here = Path.cwd()
    file = here / "dagster.yaml"
    if not (file.is_file() and definitions.resolve().is_relative_to(here.resolve())):
        return None
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return here if isinstance(settings, dict) and settings.get("storage") else None


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
) -> None:
    """Materializes the chosen Periods of a dataset and prints what was published, also when some failed.

    `force` reads the sources whatever their metadata says, and publishes without Periods that are gone.
    Raises DatasetAssetsError as `chosen_periods` and `Run.publish` do.
    """
    entry = workspace.catalog.entry(name)
    periods = chosen_periods(workspace.catalog, entry, datetime.now(UTC), partitions, first, last)
    if as_of is not None and periods != [None]:
        raise PeriodError(Fault("the end of a Period is its as-of", hint="leave out --as-of"))
    looks_back_from = instant(as_of) if as_of is not None else None
    say(*filter(None, [rename_notice_in(workspace.target, entry)]))
    run = Run(workspace, str(uuid4()), looks_back_from, locked, force, force)
    results: list[Materialization] = []
    try:
        results.extend(run.publish(entry, periods))
    finally:
        if results and len(periods) > 1:
            out().print(overview(results))
            say(*remarks(results))
    if len(periods) == 1:
        out().print(*map(details, results))


def details(result: Materialization) -> RenderableType:
    """All that one publication is asked about."""
    passed = [check for check in result.checks if check.passed]
    seconds = ", ".join(f"{name} {value:.2f}" for name, value in result.seconds.items())
    return facts(
        [
            ("dataset", result.dataset),
            ("period", result.period),
            ("as of", f"{result.as_of:%Y-%m-%dT%H:%M:%SZ}"),
            ("rows", f"{result.counts.rows:,}"),
            ("", change(result.counts)),
            ("split", split(result)),
            ("digest", result.digest),
            ("version", result.version.number),
            ("table version", result.table_version),
            ("checks", f"{len(passed)} of {len(result.checks)} passed"),
            *(("", f"{_word(check)}: {check.name}: {check.message}") for check in result.checks),
            ("seconds", f"{sum(result.seconds.values()):.2f} ({seconds})"),
            *used(result.usage),
        ]
    )


def used(usage: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """What the engine counted, in words; nothing of one that bills nothing and was moved nothing."""
    if "bytes_billed" in usage:
        estimated, billed = (size_text(usage.get(f"bytes_{word}", 0)) for word in ("estimated", "billed"))
        jobs = usage.get("jobs", 0)
        yield "cost", f"estimated {estimated}, billed {billed} for {jobs} job{'s' * (jobs != 1)}"
    if usage.get("rows_moved"):
        size = usage.get("bytes_moved")
        yield "moved", f"{usage['rows_moved']:,} rows" + (f", {size_text(size)}" if size else "")


def overview(results: Sequence[Materialization]) -> Grid:
    """One line a publication."""
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
            split(result),
            str(result.version.number),
            result.digest[:DIGITS],
            f"{sum(result.seconds.values()):.1f}",
        )
    return table


def remarks(results: Sequence[Materialization]) -> Iterator[str]:
    """What checks that do not block have found."""
    for result in results:
        name = f"{result.dataset} {result.period}" if result.period else result.dataset
        yield from (f"{name}: {each.name}: {each.message}" for each in result.checks if not each.passed)


def change(counts: RefreshCounts) -> str:
    """What became of the rows since the publication before (BR-118)."""
    moved = ("added", counts.added), ("changed", counts.changed), ("removed", counts.removed)
    words = [f"{number:,} {word}" for word, number in moved if number]
    if not counts.has_changes:
        return "unchanged"
    return ", ".join([*words, *([f"{counts.unchanged:,} unchanged"] if counts.unchanged else [])])


def split(result: Materialization) -> str:
    """`train 512,000, eval 43,000`."""
    return ", ".join(f"{name} {rows:,}" for name, rows in result.split_sizes.items())


def _word(check: CheckResult) -> str:
    return "passed" if check.passed else "failed"


def label(entry: Entry, period: Period | None) -> str:
    """How a publication is called: `sales 2017-02`."""
    return f"{entry.stem} {period}" if period else entry.stem
