"""Slow down whoever tries tokens that do not exist."""

import asyncio
from collections import OrderedDict
from time import monotonic

from dataset_assets.interfaces.web.access.refusal import RefusedError

WINDOW_SECONDS = 60.0
MOST = 20
"""How many failed attempts of one address within the window are answered; more are refused at once (429)."""
LONGEST_DELAY = 1.0
MOST_PEERS = 10_000


class Attempts:
    """Failed attempts by address. A valid token is never delayed: others cannot lock its user out."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    async def failed(self, peer: str) -> None:
        """Count a failed attempt, and wait. Raises RefusedError (429) if there were too many."""
        now = monotonic()
        recent = [each for each in self._failed.pop(peer, ()) if now - each < WINDOW_SECONDS][-MOST:]
        self._failed[peer] = [*recent, now]
        if len(self._failed) > MOST_PEERS:
            self._failed.popitem(last=False)
        if len(recent) >= MOST:
            wait = int(WINDOW_SECONDS)
            raise RefusedError(
                429, "there were too many wrong tokens; wait a minute", {"Retry-After": str(wait)}
            )
        await asyncio.sleep(min(0.02 * 2 ** len(recent), LONGEST_DELAY))
