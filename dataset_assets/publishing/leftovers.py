"""Remove staged rows that killed or crashed runs left behind in the warehouse."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Leftover

AGE = timedelta(hours=24)
"""Age from which leftovers are removed; no run may take longer (`max_runtime_seconds` in dagster.yaml)."""


def leftovers(target: Target, now: datetime, age: timedelta = AGE) -> Iterator[Leftover]:
    """Yield the leftovers that are at least `age` old; those of a running run are younger."""
    with target.engine.connect() as session:
        for each in target.warehouse.leftovers(session):
            if each.left_at <= now - age:
                yield each


def clean(target: Target, now: datetime, age: timedelta = AGE) -> Iterator[Leftover]:
    """Remove the leftovers that are at least `age` old, and yield each that was removed.

    A run whose staged rows are removed cannot publish; it raises an error. Raises PublishError if this user
    may not remove them.
    """
    try:
        with target.engine.connect() as session:
            for each in list(leftovers(target, now, age)):
                if target.warehouse.remove(each, session):
                    yield each
    except OSError as error:
        message = f"the warehouse cannot be cleaned: {error.strerror}: {error.filename}"
        raise PublishError(Fault(message, hint="let who cleans it be the user of the runs")) from None
