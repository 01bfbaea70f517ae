"""Answers of maintenance: unpublished rows in a warehouse, and locks that were written."""

from dataset_assets.model import Instant, Model


class LeftoverAnswer(Model):
    """Unpublished rows. `removed` is false if they were only listed."""

    name: str
    last_written: Instant
    size_bytes: int | None
    removed: bool


class LeftoversAnswer(Model):
    """Unpublished rows of runs that ended without publishing."""

    leftovers: tuple[LeftoverAnswer, ...]


class LockedAnswer(Model):
    """The changes that `lock` made to the files of one dataset or Project; none if it was up to date."""

    name: str
    changes: tuple[str, ...]


class LocksAnswer(Model):
    """The changes that `lock` made, by dataset and Project."""

    locked: tuple[LockedAnswer, ...]
