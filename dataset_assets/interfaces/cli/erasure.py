"""Ask before an erasure, and print certificates and the list of erasures."""

import sys
from collections.abc import Iterator

import typer

from dataset_assets.errors import DatasetAssetsError, Fault, visible
from dataset_assets.interfaces.cli.console import Grid, cell, out, print_json, say
from dataset_assets.interfaces.erasure import erasures_in
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.erasure_list import ErasureList
from dataset_assets.lifecycle.erasure_report import Certificate
from dataset_assets.ports.access import AccessFinding, missing


def confirm(planned: Certificate) -> None:
    """Ask before rows are erased. Raises DatasetAssetsError if the answer is no or nobody can answer."""
    stdin = sys.stdin
    if not (stdin and stdin.isatty()):
        message = f"erasing {_rows(planned.rows)} takes a confirmation"
        raise DatasetAssetsError(Fault(message, hint="look at --dry-run, then add --yes"))
    names = ", ".join(each.dataset for each in planned.datasets)
    if not typer.confirm(f"Erase {_rows(planned.rows)} of {names} for good?", err=True):
        raise DatasetAssetsError(Fault("nothing was erased"))


def print_certificate(done: Certificate, *, as_json: bool) -> None:
    """Print what was erased, what was cleaned, and what has to be cleaned elsewhere."""
    if as_json:
        print_json(done)
        return
    numbers = ("version", "rows")
    table = Grid("dataset", "period", *numbers, "outcome", title=_title(done), right=numbers)
    for dataset in done.datasets:
        for each in dataset.publications:
            outcome = f"{each.outcome}, copied values of {dataset.nests}" if dataset.nests else each.outcome
            table.add_row(
                cell(dataset.dataset),
                cell(each.period or "all"),
                str(each.version),
                f"{each.rows:,}",
                cell(outcome),
            )
    out().print(table if table.rows else cell(f"{_title(done)}: no publication has such rows"))
    for place in done.cleaned:
        typer.echo(visible(f"{'to clean' if done.dry_run else 'cleaned'}: {place}"))
    for place in done.beyond_reach:
        typer.echo(visible(f"not reached: {place}"))
    say(*done.remarks, _summary(done))


def _title(done: Certificate) -> str:
    if done.dry_run:
        return "Would be erased"
    begun = f"begun at {done.begun_at:%Y-%m-%dT%H:%M:%SZ} by {done.by or 'somebody'}"
    return f"Certificate of erasure {done.id}, {begun}"


def _summary(done: Certificate) -> str:
    if done.dry_run:
        return f"{_rows(done.rows)} would be erased; nothing was changed (--dry-run)"
    return f"{_rows(done.rows)} erased; runs from now on leave them out"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def unfinished_erasures(workspace: Workspace) -> Iterator[AccessFinding]:
    """Yield a finding for each erasure that was begun and not finished."""
    for each in erasures_in(workspace, ()).erasures:
        if each.finished_at is None:
            message = f"erasure {each.id} is not finished"
            yield missing(", ".join(each.datasets), message, "run the same `dataset-assets erase` again")


def print_erasures(found: ErasureList, *, as_json: bool) -> None:
    """Print one line for each erasure."""
    if as_json:
        print_json(found)
        return
    table = Grid(
        "begun at",
        "finished at",
        "by",
        "datasets",
        "columns",
        "rows",
        "erasure",
        title="Erasures",
        right=("rows",),
    )
    for each in found.erasures:
        finished = f"{each.finished_at:%Y-%m-%dT%H:%M:%SZ}" if each.finished_at else "not finished"
        rows = f"{each.certificate.rows:,}" if each.certificate else ""
        columns = ", ".join(each.columns)
        begun = f"{each.begun_at:%Y-%m-%dT%H:%M:%SZ}"
        table.add_row(
            cell(begun),
            cell(finished),
            cell(each.by or ""),
            cell(", ".join(each.datasets)),
            cell(columns),
            rows,
            cell(each.id),
        )
    out().print(table if table.rows else cell("Nothing was erased"))
    if any(each.finished_at is None for each in found.erasures):
        say("what is not finished is finished by the same `erase` again")
