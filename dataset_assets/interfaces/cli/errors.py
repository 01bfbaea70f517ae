"""Convert the errors of commands to text on stderr and exit codes, in one place for all commands."""

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.system_errors import system_fault


class ErrorBoundary(TyperGroup):
    """Command group that prints errors which a user can fix as plain lines, and exits with code 1."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty values: they come from shell variables that are not set, and mean no default."""
        for number, value in enumerate(args):
            option, equals, given = value.partition("=") if value.startswith("--") else ("", "", value)
            if (equals or not option) and not given.strip():
                before = args[number - 1] if number and args[number - 1].startswith("-") else ""
                name = option or before or "an argument"
                raise typer.BadParameter(f"{name} is empty: give it a value, or leave it out", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Errors of other types are bugs, and are printed with their traceback."""
        try:
            return super().invoke(ctx)
        except DatasetAssetsError as error:
            faults: tuple[Fault, ...] = error.faults
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            faults = (system_fault(error),)
        for fault in faults:
            typer.echo(str(fault), err=True)
        raise typer.Exit(1)
