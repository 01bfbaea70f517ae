"""Clearing away what runs that did not come to their end have left in the warehouse."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Leftover

AGE = timedelta(hours=24)
"""How long leftovers are left alone: no run may take longer (`max_runtime_seconds` of dagster.yaml)."""


def leftovers(target: Target, now: datetime, age: timedelta = AGE) -> Iterator[Leftover]:
    """Those that nobody has written to for `age`: of a run that goes on, there are younger ones alone."""
    with target.engine.connect() as session:
        for each in target.warehouse.leftovers(session):
            if each.left_at <= now - age:
                yield each


def clean(target: Target, now: datetime, age: timedelta = AGE) -> Iterator[Leftover]:
    """Removes them; answers each that it removed. A run that needed one cannot publish, and says so.

    Raises PublishError where who asks may not remove them.
    """
    try:
        with target.engine.connect() as session:
            for each in list(leftovers(target, now, age)):
                if target.warehouse.remove(each, session):
                    yield each
    except OSError as error:
        message = f"the warehouse cannot be cleaned: {error.strerror}: {error.filename}"
        raise PublishError(Fault(message, hint="let who cleans it be the user of the runs")) from None
