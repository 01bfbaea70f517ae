"""The typer application `dataset-assets`: every command, in the order in which `--help` lists them."""

from collections.abc import Callable, Mapping

import typer

from dataset_assets.interfaces.cli.commands import datasets, files, lifecycle, publishing, target
from dataset_assets.interfaces.cli.errors import ErrorBoundary

COMMANDS: Mapping[str, Callable[..., None]] = {
    "init": files.init,
    "list": datasets.list_datasets,
    "show": datasets.show,
    "check": files.check,
    "lock": files.lock,
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
    "sql": datasets.sql,
    "materialize": publishing.materialize,
    "plan": publishing.plan,
    "backfill": publishing.backfill,
    "read": datasets.read,
    "clean": target.clean,
    "doctor": target.doctor,
    "schema": files.schema,
    "demo": publishing.demo,
}
"""Command name → the function that runs it."""


def create_app() -> typer.Typer:
    """Return the application with all of COMMANDS. No command loads what it needs before it runs."""
    application = typer.Typer(
        cls=ErrorBoundary,
        name="dataset-assets",
        help="Training datasets as code: one YAML file in, one versioned, split, audited table out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS.items():
        application.command(name)(command)
    return application


app = create_app()
