"""Rebuild an earlier publication for `dataset-assets rebuild`: compare the digests, and write the rows."""

from pathlib import Path

from rich.console import RenderableType

from dataset_assets.errors import Fault, ResolveError
from dataset_assets.interfaces.cli.console import facts, out, print_json, say, steps
from dataset_assets.interfaces.cli.export import choose_format, write_rows
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.past_run import RebuildRequest
from dataset_assets.lifecycle.rebuild import Rebuild, open_rebuild


def rebuild_publication(
    workspace: Workspace, name: str, request: RebuildRequest, output: Path | None, *, as_json: bool
) -> None:
    """Print the comparison of an earlier publication with the rows that were selected again.

    The rows are written to `output` if they are the same. Raises ResolveError if they are not.
    """
    kind = choose_format(None, output) if output else ""
    entry = workspace.catalog.entry(name)
    label = f"{entry.stem} {request.period}" if request.period else entry.stem
    with (
        steps(label) as progress,
        open_rebuild(workspace.catalog, workspace.target, entry, request, progress) as rows,
    ):
        result = rows.result
        if as_json:
            print_json(result)
        else:
            out().print(_details(result))
        if not result.same:
            hint = "the rows of then may still be in the warehouse: `dataset-assets read --version`"
            message = f"the rows of {label} cannot be selected again: {result.reason}"
            raise ResolveError(Fault(message, hint=hint))
        if output:
            write_rows(rows, kind, output)
    say("equal digests: these are the rows that were published")


def _details(result: Rebuild) -> RenderableType:
    """Return a table of the publication, of the rows that were selected again, and of the sources."""
    return facts(
        [
            ("dataset", result.dataset),
            ("version", result.version),
            ("period", result.period),
            ("as of", f"{result.as_of:%Y-%m-%dT%H:%M:%SZ}"),
            ("published at", f"{result.published_at:%Y-%m-%dT%H:%M:%SZ}"),
            ("rows", f"{result.row_count:,}"),
            ("digest", result.digest),
            ("rebuilt rows", f"{result.rebuilt_row_count:,}"),
            ("rebuilt digest", result.rebuilt_digest),
            *(
                (f"source {each.source}", each.gone or f"as it was: {each.version}")
                for each in result.sources
            ),
        ]
    )
