"""Output and failure of the deployment checks that are started by hand."""

import sys


class Failed(Exception):  # noqa: N818 - what the check found out
    """Raised if a check fails."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def expect(found: object, wanted: str) -> None:
    if not found:
        raise Failed(wanted)
    say(f"  ok: {wanted}")
