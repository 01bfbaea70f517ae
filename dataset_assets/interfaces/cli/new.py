"""Create the file of a new dataset: `dataset-assets new`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import typer
from rich.console import Group, RenderableType

from dataset_assets.discovery.suggestions.suggest import SuggestedTables
from dataset_assets.discovery.tables import list_tables
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.cli.console import cell, print_json, say, steps
from dataset_assets.interfaces.cli.dataset_sizes import estimated_sizes
from dataset_assets.interfaces.cli.suggestions import make_suggestions, say_guesses
from dataset_assets.interfaces.cli.wizard import Cancelled, Terminal
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.assignments import with_assignments
from dataset_assets.lifecycle.create import refuse_taken_stem
from dataset_assets.lifecycle.draft import Identity, draft_of
from dataset_assets.lifecycle.new_dataset import (
    NewDataset,
    columns_not_accepted,
    draft_text,
    name_of,
    only_owner,
    propose_draft,
    write_draft,
)
from dataset_assets.lifecycle.wizard.state import WizardContext
from dataset_assets.lifecycle.wizard.wizard import Wizard


@dataclass(frozen=True)
class NewOptions:
    """The options of `new`; what is not given is suggested, or asked for."""

    stem: str | None
    tables: tuple[str, ...]
    main: str | None
    name: str | None
    description: str | None
    owner: str | None
    ml_model: str | None
    assignments: tuple[str, ...]
    dry_run: bool
    as_json: bool

    def answers(self) -> dict[str, str]:
        """Return the options as the wizard's answers, by question."""
        others = [table for table in self.tables if table != self.main]
        main = self.main or (others.pop(0) if len(others) == 1 else None)
        given = {
            "name": self.name or (name_of(self.stem) if self.stem else None),
            "stem": self.stem,
            "description": self.description,
            "owner": self.owner,
            "ml_model": self.ml_model,
            "main_table": main,
            "other_tables": ", ".join(others) or None,
        }
        return {key: text for key, text in given.items() if text}


def create_at_once(workspace: Workspace, options: NewOptions) -> None:
    """Write the file with everything that is suggested and nothing that is only a guess."""
    if options.stem is None or not (options.tables or options.main):
        raise typer.BadParameter("--accept-suggestions needs a STEM and --tables")
    catalog = workspace.catalog
    refuse_taken_stem(catalog, options.stem)
    identity = Identity(
        name=options.name or name_of(options.stem),
        owner=options.owner or only_owner(catalog.users),
        description=options.description or "",
        ml_model=options.ml_model,
    )
    suggestions = make_suggestions(workspace, options.tables, options.main).suggestions
    draft = with_assignments(draft_of(suggestions, identity), options.assignments)
    made = write_draft(catalog, options.stem, draft, suggestions, dry_run=options.dry_run)
    _report(made, options, asked_nothing=True)


def create_step_by_step(workspace: Workspace, options: NewOptions) -> None:
    """Ask for everything in the terminal, then write the file."""
    if options.as_json:
        raise typer.BadParameter("--json needs --accept-suggestions: else questions are printed")
    if options.stem:
        refuse_taken_stem(workspace.catalog, options.stem)

    @cache
    def suggest(tables: Sequence[str], main: str) -> SuggestedTables:
        with steps("measuring the tables", lines=False):
            return make_suggestions(workspace, tables, main)

    context = WizardContext(workspace.catalog, list_tables(workspace.target), suggest, options.answers())

    def preview(wizard: Wizard) -> RenderableType:
        return _preview(workspace, wizard, options)

    try:
        wizard = Terminal(Wizard.begin(context), preview).run()
    except (Cancelled, KeyboardInterrupt) as stopped:
        say("cancelled; nothing is written")
        raise typer.Exit(1) from stopped
    draft = with_assignments(wizard.draft, options.assignments)
    suggestions = wizard.state.suggestions
    made = write_draft(workspace.catalog, wizard.stem, draft, suggestions, dry_run=options.dry_run)
    _report(made, options, asked_nothing=False)


def _preview(workspace: Workspace, wizard: Wizard, options: NewOptions) -> RenderableType:
    """Return the file and its sizes. Raises DatasetAssetsError if the draft breaks a rule."""
    draft, suggestions = with_assignments(wizard.draft, options.assignments), wizard.state.suggestions
    proposal = propose_draft(workspace.catalog, wizard.stem, draft, suggestions)
    text = cell("")
    for line in draft_text(draft, suggestions).splitlines():
        text.append(cell(line)).append("\n")
    try:
        return Group(text, estimated_sizes(workspace.target, proposal))
    except DatasetAssetsError as error:
        faults = [cell(f"the sizes are not known: {fault}", "yellow") for fault in error.faults]
        return Group(text, *faults)


def _report(made: NewDataset, options: NewOptions, *, asked_nothing: bool) -> None:
    """Print what was written, or would be, and what comes next; the text too if no preview showed it."""
    if options.as_json:
        print_json(made)
        return
    if asked_nothing:
        typer.echo(made.text, nl=False)
        for each in made.suggestions.omitted:
            say(f"not suggested: {each.subject}: {each.reason}")
        say_guesses([*columns_not_accepted(made.suggestions)])
    if made.written:
        say(f"wrote {made.file}", "", *made.next)
    else:
        say(f"nothing is written; it would be {made.file}")
