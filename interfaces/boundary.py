"""The one place where errors become text and exit codes."""

from typing import Any

import typer
from typer.core import TyperGroup

from dataset_assets.errors import DatasetAssetsError, Fault

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""


class Boundary(TyperGroup):
    """Runs a command. What a user can mend is printed as plain lines on stderr, and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Anything else that is raised is a bug, and shows itself as one."""
        try:
            return super().invoke(ctx)
        except DatasetAssetsError as error:
            faults: tuple[Fault, ...] = error.faults
        except KeyboardInterrupt:
            typer.echo("stopped; everything that was published before is as it was", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            faults = (Fault(f"{error.filename}: {error.strerror or error}"),)
        for fault in faults:
            typer.echo(str(fault), err=True)
        raise typer.Exit(1)
