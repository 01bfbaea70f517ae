"""The typer application `dataset-assets`: every command, in the order in which `--help` lists them."""

from collections.abc import Callable, Mapping

import typer

from dataset_assets.interfaces.cli.commands import (
    authoring,
    comparing,
    datasets,
    describing,
    discovery,
    erasure,
    files,
    lifecycle,
    projects,
    publishing,
    rows,
    serving,
    sql,
    tables,
    target,
    testing,
    uses,
)
from dataset_assets.interfaces.cli.errors import ErrorBoundary

PANELS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "Begin": {
        "init": files.init,
        "demo": publishing.demo,
        "doctor": target.doctor,
        "tables": tables.tables,
        "describe": tables.describe,
        "suggest": authoring.suggest,
        "new": authoring.new,
    },
    "See and check definitions": {
        "list": datasets.list_datasets,
        "show": datasets.show,
        "check": files.check,
        "test": testing.run_or_record,
        "history": lifecycle.history,
        "diff": lifecycle.diff,
        "schema": files.schema,
    },
    "Change definitions": {
        "lock": files.lock,
        "edit": lifecycle.edit,
        "activate": lifecycle.activate,
        "disable": lifecycle.disable,
        "archive": lifecycle.archive,
        "restore": lifecycle.restore,
        "clone": lifecycle.clone,
        "rename": lifecycle.rename,
        "delete": lifecycle.delete,
    },
    "Try before publishing": {
        "sql": sql.sql,
        "analyze": discovery.analyze,
        "preview": discovery.preview,
        "failures": discovery.failures,
    },
    "Publish": {
        "materialize": publishing.materialize,
        "plan": publishing.plan,
        "backfill": publishing.backfill,
        "projects": projects.projects,
        "rebuild": publishing.rebuild,
    },
    "Read and compare": {
        "read": datasets.read,
        "export": datasets.export,
        "compare": comparing.compare,
    },
    "Describe for other tools": {
        "card": describing.card,
        "croissant": describing.croissant,
        "odcs": describing.odcs,
        "openlineage": describing.openlineage,
    },
    "Change published rows": {
        "rows label": rows.label,
        "rows delete": rows.delete,
        "rollback": rows.rollback,
        "erase": erasure.erase,
    },
    "Record uses, keep and remove rows": {
        "use": uses.use,
        "uses": uses.uses,
        "pin": uses.pin,
        "unpin": uses.unpin,
        "vacuum": uses.vacuum,
        "clean": target.clean,
    },
    "Serve": {
        "serve": serving.serve,
        "token": serving.token,
    },
}
"""Panel of `--help` → command → the function that runs it. A name of two words is a command of a group."""
GROUPS: Mapping[str, tuple[str, str]] = {"rows": ("Change published rows.", "Change published rows")}
"""Group → its help and its panel."""


def create_app() -> typer.Typer:
    """Return the application with all commands. No command loads what it needs before it runs."""
    application = typer.Typer(
        cls=ErrorBoundary,
        name="dataset-assets",
        help="Training datasets as code: one YAML file in, one versioned, split, audited table out.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    groups = {name: typer.Typer(help=help_, no_args_is_help=True) for name, (help_, _) in GROUPS.items()}
    for panel, commands in PANELS.items():
        for name, command in commands.items():
            *group, leaf = name.split()
            parent = groups[group[0]] if group else application
            parent.command(leaf, rich_help_panel=None if group else panel)(command)
    for name, (_, panel) in GROUPS.items():
        application.add_typer(groups[name], name=name, rich_help_panel=panel)
    return application


app = create_app()
