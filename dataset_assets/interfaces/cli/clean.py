"""Remove tables and files that broken runs have left in the warehouse, for `dataset-assets clean`."""

import re
from datetime import UTC, datetime, timedelta
from itertools import chain

import typer

from dataset_assets.errors import Fault, PeriodError
from dataset_assets.interfaces.answers.maintenance import LeftoverAnswer, LeftoversAnswer
from dataset_assets.interfaces.cli.console import print_json, say
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.model import duration
from dataset_assets.publishing.leftovers import clean, leftovers, old_samples, remove_samples
from dataset_assets.text.wording import shown, size_text

_AGE = re.compile(r"\d{1,6}[mhd]")


def remove_leftovers(
    workspace: Workspace, older_than: str, *, dry_run: bool, every_sample: bool = False, as_json: bool = False
) -> None:
    """Remove leftovers older than `older_than` and old samples, or only print them with `dry_run`.

    With `every_sample`, samples are removed whatever their age.

    Raises PeriodError for an invalid age, and ContractError outside of a project.
    """
    workspace.root  # noqa: B018 - refuses a folder without definitions before a target is opened
    age, now = _age(older_than), datetime.now(UTC)
    target = workspace.target
    samples = old_samples if dry_run else remove_samples
    list_or_remove = leftovers if dry_run else clean
    action = "would be removed" if dry_run else "removed"
    found = []
    for each in chain(list_or_remove(target, now, age), samples(target, now, every=every_sample)):
        found.append(
            LeftoverAnswer(
                name=each.name, last_written=each.left_at, size_bytes=each.size_bytes, removed=not dry_run
            )
        )
        if as_json:
            continue
        size = "" if each.size_bytes is None else f", {size_text(each.size_bytes)}"
        typer.echo(f"{action}: {each.name}, last written {each.left_at:%Y-%m-%d %H:%M}{size}")
    if as_json:
        print_json(LeftoversAnswer(leftovers=tuple(found)))
    elif not found:
        say("there is nothing to remove")


def _age(text: str) -> timedelta:
    if not _AGE.fullmatch(text):
        raise PeriodError(Fault(f"{shown(text)} is not an age", hint="write it as 30m, 24h or 7d"))
    return duration(text)
