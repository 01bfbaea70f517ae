"""Kill a process that labels every row of a table, at random moments, and look at what it left."""

import random
import time
from collections.abc import Callable
from typing import Any

from tests.engines.forked_process import Fork
from tests.publishing.shop import Shop

Work = Callable[[Callable[[Any], None], Shop, str], None]
"""Labels every row with the value of an attempt, and reports the number of rows."""


def label_values(shop: Shop, stem: str = "sales") -> set[str]:
    """Return the values of all labels."""
    return {pair["value"] for row in shop.rows(stem=stem) for pair in row["_labels"]}


def check_kills(shop: Shop, work: Work, stem: str, kills: int, seed: int) -> None:
    """Check that each kill leaves all rows as before or all as after, and that the next attempt succeeds."""
    began = time.perf_counter()
    assert Fork.begun(work, shop, "0").result() == [len(shop.rows())]
    whole = 1.1 * (time.perf_counter() - began)
    moments, there = random.Random(seed), 0
    for attempt in range(1, kills + 1):
        process = Fork.begun(work, shop, str(attempt))
        time.sleep(moments.random() * whole)
        process.kill()
        (found,) = label_values(shop, stem)
        assert int(found) in range(there, attempt + 1)
        assert all(len(row["_labels"]) == 1 for row in shop.rows(stem=stem))
        there = int(found)
    assert Fork.begun(work, shop, "last").result() == [len(shop.rows())]
    assert label_values(shop, stem) == {"last"}
    assert not shop.store.leftovers()
