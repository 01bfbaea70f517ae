"""The commands that help to write the file of a dataset: suggest and new.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, DryRun, OptionalTarget

Tables = Annotated[list[str], typer.Argument(metavar="TABLE...", help="Tables: `table` or `resolver/table`.")]
MainTable = Annotated[
    str | None, typer.Option("--main", metavar="TABLE", help="The main table; by default it is suggested.")
]


def suggest(
    tables: Tables, main: MainTable = None, as_json: AsJson = False, target: OptionalTarget = None
) -> None:
    """Suggest a dataset over tables: mapping, lookups, key, filters, split, each with its reason."""
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.suggestions import make_suggestions, print_suggestions
    from dataset_assets.interfaces.workspace import Workspace

    found = make_suggestions(Workspace.of(target), tables, main).suggestions
    if as_json:
        print_json(found)
    else:
        print_suggestions(found)


def new(
    stem: Annotated[
        str | None, typer.Argument(metavar="[STEM]", help="The name of the file, without .yaml.")
    ] = None,
    tables: Annotated[
        str | None, typer.Option("--tables", metavar="A,B", help="The tables, separated by commas.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept-suggestions", help="Ask nothing: accept what is suggested.")
    ] = False,
    main: MainTable = None,
    name: Annotated[str | None, typer.Option("--name", help="The name for people.")] = None,
    description: Annotated[str | None, typer.Option("--description")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="A user or team of users.yaml.")] = None,
    ml_model: Annotated[str | None, typer.Option("--ml-model", help="The model it trains.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="column_mapping.revenue=price. May be repeated."),
    ] = None,
    contract: Annotated[
        Path | None,
        typer.Option("--from-odcs", metavar="FILE", help="Take columns and rules from a data contract."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Write the file of a new dataset: step by step, or with --accept-suggestions at once. It is a draft."""
    from dataset_assets.interfaces.cli.contracts import create_from_contract
    from dataset_assets.interfaces.cli.new import NewOptions, create_at_once, create_step_by_step
    from dataset_assets.interfaces.workspace import Workspace

    names = tuple(part.strip() for part in (tables or "").split(",") if part.strip())
    options = NewOptions(
        stem, names, main, name, description, owner, ml_model, tuple(assignments or ()), dry_run, as_json
    )
    if contract:
        if accept or tables or assignments:
            raise typer.BadParameter("--from-odcs measures no table: leave out --tables and suggestions")
        create_from_contract(Workspace.of(target), options, contract)
        return
    run = create_at_once if accept else create_step_by_step
    run(Workspace.of(target), options)
