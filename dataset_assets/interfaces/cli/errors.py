"""The one place where errors become text and exit codes."""

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from dataset_assets.errors import DatasetAssetsError, Fault, system_fault


class Boundary(TyperGroup):
    """Runs a command. What a user can fix is printed as plain lines on stderr, and exits with 1."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """An empty value is a variable that was not set, and is refused: it does not mean the default."""
        for number, value in enumerate(args):
            option, equals, given = value.partition("=") if value.startswith("--") else ("", "", value)
            if (equals or not option) and not given.strip():
                before = args[number - 1] if number and args[number - 1].startswith("-") else ""
                name = option or before or "an argument"
                raise typer.BadParameter(f"{name} is empty: give it a value, or leave it out", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Anything else that is raised is a bug, and shows itself as one."""
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
