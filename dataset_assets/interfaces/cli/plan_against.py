"""Print what the definitions of this folder change in another target, for `plan --against`."""

from collections.abc import Iterator, Sequence

from dataset_assets.errors import Fault, PeriodError, UnsupportedError
from dataset_assets.interfaces.cli.console import Grid, cell, out, print_json, say
from dataset_assets.interfaces.cli.plan_markdown import markdown_lines
from dataset_assets.interfaces.cli.plan_words import (
    column_words,
    cost_words,
    headline,
    period_words,
    remark_words,
    row_words,
    version_words,
)
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.plan_against import plan_against
from dataset_assets.lifecycle.target_change import DatasetChange, PlanAgainst


def refuse_options(
    against: str | None, first: str | None, last: str | None, *, markdown: bool, as_json: bool
) -> None:
    """Raise DatasetAssetsError for options that cannot be combined."""
    if markdown and against is None:
        raise UnsupportedError(Fault("--markdown is for --against", hint="name a target: --against TARGET"))
    if markdown and as_json:
        raise UnsupportedError(Fault("--markdown and --json are two forms", hint="leave one of them out"))
    if against is not None and (first is not None or last is not None):
        message = "--against is about all published Periods"
        raise PeriodError(Fault(message, hint="leave out --from and --to"))


def print_plan_against(
    workspace: Workspace, against: str, name: str | None, *, markdown: bool = False, as_json: bool = False
) -> None:
    """Print what changes in the target `against`. Raises DatasetAssetsError as `plan_against` does."""
    other = Workspace(workspace.settings, against).over(workspace.catalog).target
    found = plan_against(workspace.catalog, workspace.target, other, name)
    if as_json:
        print_json(found)
    elif markdown:
        out().print("\n".join(markdown_lines(found)), markup=False, soft_wrap=True)
    else:
        _print(found)


def _print(found: PlanAgainst) -> None:
    shown = [each for each in found.datasets if each.state != "unchanged"]
    table = Grid("dataset", "change", "version", "rows", "to publish", "cost")
    for each in shown:
        words = (version_words(each), row_words(each), period_words(each), cost_words(each))
        table.add_row(*map(cell, (each.dataset, each.state, *words)))
    if table.rows:
        out().print(table)
    for line in _lines(shown):
        out().print(line, markup=False, soft_wrap=True)
    say(headline(found))


def _lines(shown: Sequence[DatasetChange]) -> Iterator[str]:
    for each in shown:
        for change in each.changes:
            yield f"{each.dataset}: {'breaking' if change.breaking else 'additive'}: {change.text}"
        if each.state != "new":
            yield from (f"{each.dataset}: {line}" for line in column_words(each))
        yield from (f"{each.dataset}: {line}" for line in remark_words(each))
