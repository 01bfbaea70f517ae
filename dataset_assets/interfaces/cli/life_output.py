"""Print what the commands of a dataset's life changed, and open what they need."""

import sys
from collections.abc import Sequence

import typer

from dataset_assets.errors import DatasetAssetsError, Fault, visible
from dataset_assets.interfaces.cli.console import Grid, cell, out, say
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.clone import ClonedDataset
from dataset_assets.lifecycle.delete import DeletedDataset, delete_dataset, recorded_uses
from dataset_assets.lifecycle.diff import FILE, VersionDiff
from dataset_assets.lifecycle.edit import EditedDataset
from dataset_assets.lifecycle.history import DatasetHistory
from dataset_assets.lifecycle.published import PublishedTable
from dataset_assets.lifecycle.rename import RenamedDataset
from dataset_assets.lifecycle.status import StatusChange
from dataset_assets.ports.target import Target
from dataset_assets.text.wording import shown

NOT_WRITTEN = "nothing was written (--dry-run)"


def target_or_remark(workspace: Workspace) -> Target | None:
    """Return the target; None, and a remark, if it cannot be opened: the files can be changed without it."""
    try:
        return workspace.target
    except DatasetAssetsError as error:
        say(f"what is published is unknown: {error.faults[0]}")
        return None


def print_edit(done: EditedDataset) -> None:
    """Print the difference of the file, and what it means for the version."""
    if not done.changes:
        say(f"{done.dataset}: nothing changed")
        return
    typer.echo(_lines(done.diff), nl=False)
    if done.structural:
        say(f"{done.dataset}: a structural change: version {done.version} ({done.kind}): {done.summary}")
    else:
        say(f"{done.dataset}: no structural change, version {done.version} stays")
    say(_next(written=done.written))


def print_status(done: StatusChange) -> None:
    """Print the status before and after, and what it means."""
    if done.before is done.after:
        say(f"{done.dataset} is {done.after} already")
        return
    typer.echo(visible(f"{done.dataset}: {done.before} -> {done.after}: {done.means}"))
    if not done.written:
        say(NOT_WRITTEN)


def print_clone(done: ClonedDataset) -> None:
    """Print the file and the id of a copy."""
    typer.echo(visible(f"{done.file}: a copy of {done.cloned_from} with the id {done.id}, a {done.status}"))
    hint = f"next: `dataset-assets edit {done.dataset} …`, then `dataset-assets activate {done.dataset}`"
    say(hint if done.written else NOT_WRITTEN)


def print_rename(done: RenamedDataset) -> None:
    """Print what was renamed and edited, and what stays under the old name."""
    typer.echo(visible(f"{done.renamed_from} -> {done.dataset}: {done.file}, and its lock"))
    for project in done.projects:
        typer.echo(visible(f"project {project}: names {done.dataset}"))
    if done.published_as:
        say(f"published rows stay where they are: {_tables(done.published_as)}")
        say(
            f"publish {done.dataset} again, then delete the old table; until then rename it back to read them"
        )
    if not done.written:
        say(NOT_WRITTEN)


def delete(workspace: Workspace, name: str, *, dry_run: bool) -> DeletedDataset:
    """Delete a dataset that nothing uses, or say what would be deleted. Its uses are those in the target."""
    return delete_dataset(
        workspace.catalog,
        name,
        recorded_uses(workspace.target),
        target=workspace.target,
        dry_run=dry_run,
        locked=workspace.settings.locked,
    )


def confirm_deletion(planned: DeletedDataset) -> None:
    """Ask before a dataset is deleted. Raises DatasetAssetsError if the answer is no or nobody can answer."""
    stdin = sys.stdin
    if not (stdin and stdin.isatty()):
        message = f"deleting {shown(planned.dataset)} takes a confirmation"
        raise DatasetAssetsError(Fault(message, hint="add --yes"))
    if not typer.confirm(f"Delete {', '.join(planned.files)}?", err=True):
        raise DatasetAssetsError(Fault("nothing was deleted"))


def print_delete(done: DeletedDataset) -> None:
    """Print the deleted files, and where the published rows are."""
    for file in done.files:
        typer.echo(visible(f"{'deleted' if done.written else 'to delete'}: {file}"))
    say(f"id {done.id}, last version {done.version}; git has the files" if done.id else "it was never locked")
    if done.published_as:
        say(f"published rows stay: {_tables(done.published_as)}")
        say("a new dataset of that name cannot be published there until the old table is deleted or moved")
    if not done.written:
        say(NOT_WRITTEN)


def print_history(found: DatasetHistory, *, with_publications: bool) -> None:
    """Print the versions as a table, and the publications as another."""
    table = Grid("version", "kind", "locked at", "what changed", title="Versions", right=("version",))
    for line in found.versions:
        locked = f"{line.locked_at:%Y-%m-%d %H:%M}" if line.locked_at else "not yet"
        table.add_row(str(line.version), cell(line.kind), cell(locked), cell(line.summary))
    out().print(table if table.rows else cell("It was never locked"))
    if not with_publications:
        return
    numbers = ("rows", "added", "changed", "removed", "version")
    by_hand = ("by hand",) if any(each.operation for each in found.publications) else ()
    past = Grid(
        "published at", "period", *numbers, "digest", "run", *by_hand, title="Publications", right=numbers
    )
    for each in found.publications:
        figures = (each.rows, each.added, each.changed, each.removed, each.version)
        past.add_row(
            cell(f"{each.published_at:%Y-%m-%dT%H:%M:%SZ}"),
            cell(each.period or "all"),
            *(f"{figure:,}" for figure in figures),
            cell(each.digest[:12]),
            cell(each.run_id),
            *(cell(each.by_hand) for _ in by_hand),
        )
    out().print(past if past.rows else cell("Nothing is published yet"))


def print_diff(found: VersionDiff) -> None:
    """Print each change as a sentence, and mark those that can break a consumer."""
    after = f"version {found.after}" if found.after != FILE else "the file as it is"
    if not found.changes:
        say(f"{found.dataset}: no structural change from version {found.before} to {after}")
        return
    say(f"{found.dataset}: version {found.before} to {after}: {found.kind}")
    for change in found.changes:
        typer.echo(visible(f"{'breaking' if change.breaking else 'additive'}: {change.text}"))


def _tables(tables: Sequence[PublishedTable]) -> str:
    return ", ".join(f"{table.name} at {table.location}" for table in tables)


def _next(*, written: bool) -> str:
    return "`dataset-assets lock` writes the version down" if written else NOT_WRITTEN


def _lines(text: str) -> str:
    """Return the lines of a difference, each without characters that steer the terminal."""
    return "".join(f"{visible(line)}\n" for line in text.split("\n")[:-1])
