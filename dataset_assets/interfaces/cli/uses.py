"""Record and list uses, pin publications and run retention, and print what was done."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import typer

from dataset_assets.errors import Fault, PeriodError
from dataset_assets.interfaces.cli.console import Grid, cell, out, print_json, say
from dataset_assets.interfaces.use_reports import current_user, published_name, record_and_report
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle import uses
from dataset_assets.lifecycle.retention import Vacuum, published_stems, vacuum
from dataset_assets.lifecycle.uses import PinList, PublicationChoice
from dataset_assets.model import duration
from dataset_assets.ports.retention import ExpiredPublication, RetentionReport
from dataset_assets.ports.uses import Pin, PinRequest, Use
from dataset_assets.text.wording import shown, size_text

_AGE = re.compile(r"\d{1,6}[mhd]")


def record(
    workspace: Workspace,
    name: str,
    partition: str | None,
    version: int | None,
    training_run: str,
    *,
    as_json: bool = False,
) -> None:
    """Record a use and print it."""
    choice = _choice(workspace, name, partition, version)
    recorded = record_and_report(workspace, choice, training_run)
    if as_json:
        print_json(recorded)
        return
    out().print(_uses_table(recorded.uses, "Uses"))
    known = len(recorded.uses) - len(recorded.recorded)
    if known:
        say(f"{known} of {len(recorded.uses)} were recorded before")
    if len(recorded.pins) < len(recorded.uses):
        say(f"{len(recorded.uses) - len(recorded.pins)} cannot be pinned: their rows are gone")


def print_uses(workspace: Workspace, name: str, *, as_json: bool = False) -> None:
    """Print the uses and the pins of a dataset."""
    found = uses.list_uses(workspace.target, published_name(workspace, name))
    if as_json:
        print_json(found)
        return
    if found.uses:
        out().print(_uses_table(found.uses, "Uses"))
    if found.pins:
        out().print(_pins_table(found.pins, "Pins"))
    if not (found.uses or found.pins):
        say(f"no training run has used {found.dataset}, and nothing of it is pinned")


def pin_publications(
    workspace: Workspace, name: str, partition: str | None, version: int | None, reason: str
) -> PinList:
    """Pin publications. Raises ResolveError if they do not exist, or if their rows are gone."""
    choice = _choice(workspace, name, partition, version)
    return uses.pin(workspace.target, choice, _request(reason))


def unpin_publications(
    workspace: Workspace, name: str, partition: str | None, version: int | None, *, every: bool
) -> PinList:
    """Remove pins. Raises ResolveError if the publications do not exist."""
    choice = _choice(workspace, name, partition, version)
    return uses.unpin(workspace.target, choice, _request(""), every_version=every)


def _choice(workspace: Workspace, name: str, partition: str | None, version: int | None) -> PublicationChoice:
    periods = None if partition is None else (partition,)
    return PublicationChoice(published_name(workspace, name), periods, version)


def print_pins(pins: PinList, action: str, *, as_json: bool = False) -> None:
    """Print the pins that were set or removed."""
    if as_json:
        print_json(pins)
    elif pins.pins:
        out().print(_pins_table(pins.pins, action.capitalize()))
    else:
        say(f"nothing is {action}")


def run_vacuum(
    workspace: Workspace, names: Sequence[str], grace: str, *, dry_run: bool, as_json: bool = False
) -> None:
    """Run retention and print what it did, or would do.

    Raises PeriodError for an invalid age, and ContractError for an unknown dataset or outside of a project.
    """
    age = _age(grace)
    stems = [published_name(workspace, name) for name in names] or published_stems(workspace.catalog)
    retention = workspace.target.warehouse.retention
    reports: list[RetentionReport] = []
    for report in vacuum(workspace.target, stems, datetime.now(UTC), age, dry_run=dry_run):
        reports.append(report)
        if not as_json:
            _print_report(report, dry_run=dry_run)
    if as_json:
        print_json(Vacuum(dry_run=dry_run, retention=retention, datasets=tuple(reports)))
    elif not reports:
        none = "" if retention else f": the target {workspace.target.name!r} has no retention"
        say(f"there is nothing to remove{none}")


def _print_report(report: RetentionReport, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    removed = {each.table_version for each in report.removed}
    for each in report.expired:
        if each.table_version not in removed:
            typer.echo(f"{would}expired: {_name(each)}")
    for each in report.removed:
        typer.echo(f"{would}removed: {_name(each)}")
    for name in report.snapshots:
        typer.echo(f"{would}removed: the snapshot {name}")
    if report.log_files or report.freed_bytes:
        freed = f"{size_text(report.freed_bytes)}, " if report.freed_bytes is not None else ""
        typer.echo(f"{would}freed: {freed}{report.log_files:,} files of the log of {report.dataset}")


def _name(each: ExpiredPublication) -> str:
    of = f" of {each.period}" if each.period else ""
    at = f", replaced {each.replaced_at:%Y-%m-%d %H:%M}" if each.replaced_at else ""
    return f"{each.dataset} version {each.table_version}{of}{at}"


def _request(reason: str) -> PinRequest:
    return PinRequest(reason, datetime.now(UTC), current_user())


def _age(text: str) -> timedelta:
    if not _AGE.fullmatch(text):
        raise PeriodError(Fault(f"{shown(text)} is not an age", hint="write it as 30m, 24h or 7d"))
    return duration(text)


def _uses_table(found: Iterable[Use], title: str) -> Grid:
    numbers = ("version", "table version", "rows", "users", "products")
    columns = ("used at", "training run", "by", "period", *numbers, "digest")
    table = Grid(*columns, title=title, right=numbers)
    for each in found:
        counts = (each.actual_row_count, each.actual_unique_users, each.actual_unique_products)
        table.add_row(
            cell(f"{each.used_at:%Y-%m-%d %H:%M:%S}Z"),
            cell(each.training_run),
            cell(each.used_by or ""),
            cell(each.period or "all"),
            str(each.version_number),
            str(each.table_version),
            *("" if count is None else f"{count:,}" for count in counts),
            cell(each.digest[:12]),
        )
    return table


def _pins_table(found: Iterable[Pin], title: str) -> Grid:
    columns = ("pinned at", "period", "table version", "by", "reason")
    table = Grid(*columns, title=title, right=("table version",))
    for each in found:
        table.add_row(
            cell(f"{each.pinned_at:%Y-%m-%d %H:%M:%S}Z"),
            cell(each.period or "all"),
            str(each.table_version),
            cell(each.pinned_by or ""),
            cell("; ".join(each.reasons)),
        )
    return table
