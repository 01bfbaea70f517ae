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

COMMANDS: Mapping[str, Callable[..., None]] = {
    "init": files.init,
    "tables": tables.tables,
    "describe": tables.describe,
    "suggest": authoring.suggest,
    "new": authoring.new,
    "list": datasets.list_datasets,
    "show": datasets.show,
    "check": files.check,
    "lock": files.lock,
    "analyze": discovery.analyze,
    "preview": discovery.preview,
    "failures": discovery.failures,
    "test": testing.run_or_record,
    "history": lifecycle.history,
    "diff": lifecycle.diff,
    "edit": lifecycle.edit,
    "activate": lifecycle.activate,
    "disable": lifecycle.disable,
    "archive": lifecycle.archive,
    "restore": lifecycle.restore,
    "clone": lifecycle.clone,
    "rename": lifecycle.rename,
    "delete": lifecycle.delete,
    "sql": sql.sql,
    "materialize": publishing.materialize,
    "plan": publishing.plan,
    "backfill": publishing.backfill,
    "projects": projects.projects,
    "read": datasets.read,
    "export": datasets.export,
    "card": describing.card,
    "croissant": describing.croissant,
    "odcs": describing.odcs,
    "openlineage": describing.openlineage,
    "rows label": rows.label,
    "rows delete": rows.delete,
    "rollback": rows.rollback,
    "compare": comparing.compare,
    "use": uses.use,
    "uses": uses.uses,
    "pin": uses.pin,
    "unpin": uses.unpin,
    "rebuild": publishing.rebuild,
    "vacuum": uses.vacuum,
    "erase": erasure.erase,
    "serve": serving.serve,
    "token": serving.token,
    "clean": target.clean,
    "doctor": target.doctor,
    "schema": files.schema,
    "demo": publishing.demo,
}
"""Command name → the function that runs it. A name of two words is a command of a group."""
GROUPS: Mapping[str, str] = {"rows": "Change published rows."}
"""Group → its help."""


def create_app() -> typer.Typer:
    """Return the application with all of COMMANDS. No command loads what it needs before it runs."""
    application = typer.Typer(
        cls=ErrorBoundary,
        name="dataset-assets",
        help="Training datasets as code: one YAML file in, one versioned, split, audited table out.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    groups = {name: typer.Typer(help=help_, no_args_is_help=True) for name, help_ in GROUPS.items()}
    for name, command in COMMANDS.items():
        *group, leaf = name.split()
        parent = groups[group[0]] if group else application
        parent.command(leaf)(command)
    for name, group in groups.items():
        application.add_typer(group, name=name)
    return application


app = create_app()
