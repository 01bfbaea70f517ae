"""Read the labels of `rows label`, and print what a change of rows touched."""

from collections.abc import Iterable

from dataset_assets.errors import DatasetAssetsError, Fault, raise_all
from dataset_assets.interfaces.cli.console import Grid, cell, out, print_json, say
from dataset_assets.lifecycle.row_change_report import ChangeReport
from dataset_assets.text.wording import shown


def labels(texts: Iterable[str]) -> dict[str, str]:
    """Return the labels of texts like `key=value`. Raises DatasetAssetsError for all others."""
    pairs = [(text, *text.partition("=")) for text in texts]
    raise_all(
        DatasetAssetsError,
        (
            Fault(f"--set {shown(text)} is not a label", hint="write it as key=value")
            for text, key, sign, _ in pairs
            if not (sign and key.strip())
        ),
    )
    return {key.strip(): value for _, key, _, value in pairs}


def print_report(report: ChangeReport, *, as_json: bool = False) -> None:
    """Print one line for each Period, and a sentence."""
    if as_json:
        print_json(report)
        return
    would = "would be " if report.dry_run else ""
    numbers = ("rows", "touched", "table version")
    table = Grid("period", *numbers, title=f"{report.operation} of {report.dataset}", right=numbers)
    for each in report.periods:
        version = "" if each.table_version is None else str(each.table_version)
        table.add_row(cell(each.period or "all"), f"{each.rows:,}", f"{each.touched:,}", version)
    out().print(table)
    rows = f"{report.touched:,} row{'s' * (report.touched != 1)}"
    say(f"{rows} {would}touched" if report.touched else f"no row {would}touched", *report.remarks)
