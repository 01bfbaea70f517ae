"""Answer a repeated request with the first answer, if both have the same `Idempotency-Key`."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock, RLock
from time import monotonic
from typing import Annotated

from fastapi import Header, HTTPException, Response

from dataset_assets.interfaces.web.operations import Mark, is_before_erasure
from dataset_assets.text.digest import digest

KEPT_SECONDS = 24 * 3600.0
"""For how long an answer is kept."""
MOST_ANSWERS, MOST_BYTES = 10_000, 64 * 1024 * 1024
"""How many answers are kept, and the bytes of their bodies together; the oldest are forgotten first."""
_FORGOTTEN = 8
"""How many of the oldest answers a new one looks at."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A text of your choice, such as a UUID. The same request with the same key is carried "
        "out once, and answered the same way for a day.",
        min_length=1,
        max_length=255,
    ),
]
"""The parameter of a handler whose work is done once for a key."""


@dataclass
class _Kept:
    """The answer to a key. `lock` is held while the work is done; `mark` is that of erasures before it."""

    request: str
    since: float
    mark: str | None = None
    response: Response | None = None
    lock: RLock = field(default_factory=RLock)

    @property
    def size(self) -> int:
        return len(self.response.body) if self.response else 0


@dataclass(frozen=True)
class IdempotentAnswers:
    """The answers of one server by key, in memory. Any number of threads can use it.

    An answer from before an erasure is not repeated: it can have values of erased rows.
    """

    clock: Callable[[], float] = monotonic
    mark: Mark = lambda: None
    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    _sizes: list[int] = field(default_factory=lambda: [0])
    _lock: Lock = field(default_factory=Lock)

    def answer(self, key: str | None, scope: str, body: str, produce: Callable[[], Response]) -> Response:
        """Return the answer that the key has, or produce it; without a key it is always produced.

        `scope` says whose key it is and for which address. An error is not kept: the request can be sent
        again. Raises HTTPException (422) if the key came with another body, or before rows were erased.
        """
        if key is None:
            return produce()
        name, request = digest([scope, key]), digest([body])
        with self._lock:
            self._forget()
            kept = self._kept.setdefault(name, _Kept(request, self.clock()))
        if kept.request != request:
            raise HTTPException(422, "this Idempotency-Key came with another request; choose a new key")
        with kept.lock:
            if kept.response and is_before_erasure(kept.mark, self.mark()):
                self._blank(kept)
                raise HTTPException(
                    422, "this Idempotency-Key came before rows were erased; choose a new key"
                )
            if kept.response is None:
                kept.mark = self.mark()
                try:
                    kept.response = produce()
                    with self._lock:
                        self._sizes[0] += kept.size
                except BaseException:
                    with self._lock:
                        self._kept.pop(name, None)
                    raise
            return kept.response

    def _blank(self, kept: _Kept) -> None:
        """Forget the body of an answer; its key stays used."""
        with self._lock:
            self._sizes[0] -= kept.size
            kept.response = Response()

    def _forget(self) -> None:
        """Forget answers that are too old or too many, the oldest first; not those that are being made."""
        oldest = self.clock() - KEPT_SECONDS
        for name in list(islice(self._kept, _FORGOTTEN)):
            each = self._kept[name]
            full = len(self._kept) >= MOST_ANSWERS or self._sizes[0] > MOST_BYTES
            if each.response is not None and (full or each.since <= oldest):
                self._sizes[0] -= each.size
                del self._kept[name]
