"""Waiting for what passes by itself, inside a run (docs/decisions/0015)."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.text.progress import Progress

T = TypeVar("T")

WAITS: Sequence[float] = (30.0, 120.0, 300.0)
"""Seconds before the second, the third and the fourth try."""


def retry(work: Callable[[int], T], tell: Progress, waits: Sequence[float] = WAITS) -> T:
    """What `work` answers, which is told how many times it was tried before.

    Raises what it raises: at once, unless that is transient, else at the last try.
    """
    for tried, seconds in enumerate(waits):
        try:
            return work(tried)
        except DatasetAssetsError as error:
            if not error.transient:
                raise
            tell(f"{error}. Try {tried + 2} of {len(waits) + 1} follows in {seconds:.0f} seconds")
        time.sleep(seconds)
    return work(len(waits))
