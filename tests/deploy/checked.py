"""What a check by hand says, and how it ends."""

import sys


class Failed(Exception):  # noqa: N818 - what the check found out
    """Something is not as it has to be."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def expect(found: object, wanted: str) -> None:
    if not found:
        raise Failed(wanted)
    say(f"  ok: {wanted}")
