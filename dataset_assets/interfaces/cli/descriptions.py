"""Print the card of a publication, or export it as Parquet with Croissant metadata."""

import json
from dataclasses import replace
from pathlib import Path

import typer

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interchange.croissant import ExportedFile, Terms, croissant
from dataset_assets.interchange.dataset_card import dataset_card
from dataset_assets.interchange.openlineage import recorded_run, run_event
from dataset_assets.interfaces.cli.console import say
from dataset_assets.interfaces.cli.export import write_rows
from dataset_assets.interfaces.cli.output_files import output_file
from dataset_assets.interfaces.described_publications import described_rows, exported_columns, file_sha256
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.recorded_columns import recorded_scope

METADATA = "croissant.json"


def print_card(
    workspace: Workspace, name: str, partition: str | None, version: int | None, path: Path | None
) -> None:
    """Print the card of a publication, or write it to a file. Raises as `described_rows` does."""
    with described_rows(workspace, name, partition, version) as (_, facts):
        text = dataset_card(facts)
    write_text(text, path)


def print_event(
    workspace: Workspace, name: str, partition: str | None, version: int | None, path: Path | None
) -> None:
    """Print the OpenLineage event of a publication, or write it. Raises as `described_rows` does."""
    with described_rows(workspace, name, partition, version) as (rows, facts):
        target = workspace.target
        scope = recorded_scope(workspace.catalog_if_any, target.warehouse, facts.record, rows.session)
        event = run_event(facts, scope, target, recorded_run(facts))
    write_text(json.dumps(event, indent=2, ensure_ascii=False) + "\n", path)


def write_text(text: str, path: Path | None) -> None:
    """Print a document that ends with a line break, or write it to a file."""
    if path is None:
        typer.echo(text, nl=False)
        return
    with output_file(path) as sink:
        sink.write(text.encode())
    say(f"written to {path}")


def export_croissant(
    workspace: Workspace,
    name: str,
    partition: str | None,
    version: int | None,
    folder: Path,
    terms: Terms,
    *,
    with_sensitive: bool,
) -> None:
    """Write the rows of a publication as Parquet, and `croissant.json` beside it.

    Sensitive columns are left out unless `with_sensitive` is set (BR-143). The metadata is written last, so
    that it never names a file that is not complete. Raises DatasetAssetsError if the folder cannot be made.
    """
    _make(folder)
    with described_rows(workspace, name, partition, version) as (rows, facts):
        columns = exported_columns(facts, rows, with_sensitive=with_sensitive)
        chosen = replace(rows, columns=tuple(each.name for each in columns))
        period = f"_{facts.record['period']}" if facts.record["period"] else ""
        path = folder / f"{facts.stem}{period}.parquet"
        write_rows(chosen, "parquet", path)
    file = ExportedFile(path.name, path.stat().st_size, file_sha256(path))
    metadata = croissant(facts, columns, file, terms)
    write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", folder / METADATA)
    left_out = sorted(facts.sensitive) if not with_sensitive else []
    if left_out:
        say(f"sensitive columns are left out: {', '.join(left_out)}; --with-sensitive writes them")
    if terms.license is None:
        say("Croissant wants a license: give its URL with --license")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder {folder} cannot be made: {error.strerror}"
        raise DatasetAssetsError(Fault(message, hint="name another folder")) from None
