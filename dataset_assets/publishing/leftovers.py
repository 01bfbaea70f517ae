"""Remove staged rows that killed or crashed runs left behind in the warehouse, and samples that are old."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.samples import StoredSample
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


def old_samples(target: Target, now: datetime, *, every: bool = False) -> Iterator[Leftover]:
    """Yield the samples whose days are over by the target's setting, or all of them (BR-138)."""
    with target.engine.connect() as session:
        for each in _old_samples(target, now, session, every=every):
            yield _as_leftover(each)


def remove_samples(target: Target, now: datetime, *, every: bool = False) -> Iterator[Leftover]:
    """Remove the samples that `old_samples` yields, and yield each. Raises PublishError as `clean` does."""
    with _faults_of_cleaning(), target.engine.connect() as session:
        for each in _old_samples(target, now, session, every=every):
            if target.warehouse.remove_sample(each, session):
                yield _as_leftover(each)


def _old_samples(target: Target, now: datetime, session: Session, *, every: bool) -> list[StoredSample]:
    warehouse = target.warehouse
    found = warehouse.samples(session)
    return [each for each in found if every or each.expires_at(warehouse.sample_days) <= now]


def _as_leftover(sample: StoredSample) -> Leftover:
    return Leftover(sample.name, sample.record.made_at, sample.size_bytes)


def clean(target: Target, now: datetime, age: timedelta = AGE) -> Iterator[Leftover]:
    """Remove the leftovers that are at least `age` old, and yield each that was removed.

    A run whose staged rows are removed cannot publish; it raises an error. Raises PublishError if this user
    may not remove them.
    """
    with _faults_of_cleaning(), target.engine.connect() as session:
        for each in list(leftovers(target, now, age)):
            if target.warehouse.remove(each, session):
                yield each


@contextmanager
def _faults_of_cleaning() -> Generator[None]:
    try:
        yield
    except OSError as error:
        message = f"the warehouse cannot be cleaned: {error.strerror}: {error.filename}"
        raise PublishError(Fault(message, hint="let who cleans it be the user of the runs")) from None
