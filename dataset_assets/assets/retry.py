"""Retry work inside a run after transient errors (docs/decisions/0015)."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.text.progress import Progress

T = TypeVar("T")

WAITS: Sequence[float] = (30.0, 120.0, 300.0)
"""Seconds before the second, the third and the fourth attempt."""


def retry(work: Callable[[int], T], report: Progress, waits: Sequence[float] = WAITS) -> T:
    """Return the result of `work`, which is called with the number of attempts before it.

    Raises its DatasetAssetsError at once if that is not transient, else after the last attempt.
    """
    for attempts, seconds in enumerate(waits):
        try:
            return work(attempts)
        except DatasetAssetsError as error:
            if not error.transient:
                raise
            report(f"{error}. Try {attempts + 2} of {len(waits) + 1} follows in {seconds:.0f} seconds")
        time.sleep(seconds)
    return work(len(waits))
