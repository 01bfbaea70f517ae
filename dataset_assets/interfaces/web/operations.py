"""Long work in the background, with an operation that reports its progress (HTTP 202)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from threading import Event, Lock
from typing import Any

from pydantic import BaseModel
from uuid6 import uuid7

from dataset_assets.errors import DatasetAssetsError, Fault, NotFoundError
from dataset_assets.interfaces.web.problems import Problem, problem_of, simple_problem
from dataset_assets.model import Instant, Model

WORKERS, FOLLOWERS = 2, 32
"""How many operations work at once, and how many wait for another program; others wait for their turn."""
KEPT = 1_000
"""How many operations are remembered; the oldest that have ended are forgotten first."""

Mark = Callable[[], str | None]
"""Returns a text that differs after each erasure; None if it cannot be read now."""
Say = Callable[[str], None]
"""Receives a sentence about the progress."""
Work = Callable[[Say], BaseModel]
"""Does the work; returns the result."""


class OperationStatus(StrEnum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Operation(Model):
    """An operation. `result` is there once it succeeded, `problem` once it failed."""

    id: str
    kind: str
    subject: str
    status: OperationStatus
    created_at: Instant
    ended_at: Instant | None = None
    progress: tuple[str, ...] = ()
    result: Any = None
    problem: Problem | None = None

    @property
    def ended(self) -> bool:
        """Whether the work is over, with a result or a problem."""
        return self.status in (OperationStatus.SUCCEEDED, OperationStatus.FAILED)


def is_before_erasure(before: str | None, now: str | None) -> bool:
    """Return whether rows were erased, or began to be, since a mark was read."""
    return now is not None and now != before


@dataclass
class _Running:
    """An operation, and the mark of the erasures before its work began."""

    operation: Operation
    future: Future[None] | None = None
    mark: str | None = None


@dataclass(frozen=True)
class Operations:
    """All operations of one server. Any number of threads can use it.

    The messages of an operation are removed once rows were erased: they can have their values.
    """

    mark: Mark = lambda: None
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(WORKERS, thread_name_prefix="operation")
    )
    _followers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(FOLLOWERS, thread_name_prefix="follower")
    )
    _all: OrderedDict[str, _Running] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    closed: Event = field(default_factory=Event)
    """Set once the server stops, so that work that follows another program ends."""

    def start(self, kind: str, subject: str, work: Work, *, follows: bool = False) -> Operation:
        """Begin the work as soon as a thread is free, and return the operation.

        Work that only `follows` what another program does takes no thread from other work.
        """
        operation = Operation(
            id=str(uuid7()),
            kind=kind,
            subject=subject,
            status=OperationStatus.QUEUED,
            created_at=datetime.now(UTC),
        )
        running = _Running(operation)
        with self._lock:
            self._all[operation.id] = running
            self._forget()
            pool = self._followers if follows else self._pool
            running.future = pool.submit(self._run, running, work)
        return operation

    def get(self, id_: str) -> Operation:
        """Return an operation as it is now. Raises NotFoundError if there is none, or none any more."""
        with self._lock:
            running = self._all.get(id_)
        if running is None or (running.operation.ended and self._forget_erased([running])):
            hint = "a server forgets them when it restarts, and once rows were erased"
            raise NotFoundError(Fault("there is no such operation", hint=hint))
        return running.operation

    def all(self) -> list[Operation]:
        """Return all operations that are remembered, in the order in which they were started."""
        with self._lock:
            ended = [each for each in self._all.values() if each.operation.ended]
        self._forget_erased(ended)
        with self._lock:
            return [each.operation for each in self._all.values()]

    def wait(self, id_: str, seconds: float) -> Operation:
        """Return an operation once it ended, or after so many seconds."""
        with self._lock:
            running = self._all.get(id_)
        if running and running.future:
            wait([running.future], seconds)
        return self.get(id_)

    def _forget_erased(self, ended: Sequence[_Running]) -> bool:
        """Forget those of the ended operations that began before an erasure; return whether any did."""
        mark = self.mark() if ended else None
        stale = [each for each in ended if is_before_erasure(each.mark, mark)]
        with self._lock:
            for each in stale:
                self._all.pop(each.operation.id, None)
        return bool(stale)

    def close(self) -> None:
        """Begin no further operation."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._followers.shutdown(wait=False, cancel_futures=True)
        self.closed.set()

    def _run(self, running: _Running, work: Work) -> None:
        def say(sentence: str) -> None:
            self._update(running, progress=(*running.operation.progress, sentence))

        running.mark = self.mark()
        self._update(running, status=OperationStatus.RUNNING)
        try:
            result = work(say)
        except DatasetAssetsError as error:
            self._end(running, OperationStatus.FAILED, problem=problem_of(error))
        except Exception:
            self._end(
                running,
                OperationStatus.FAILED,
                problem=simple_problem(500, "the server has a fault; its log says which"),
            )
            raise
        else:
            self._end(running, OperationStatus.SUCCEEDED, result=result)

    def _end(self, running: _Running, status: OperationStatus, **update: Any) -> None:
        self._update(running, status=status, ended_at=datetime.now(UTC), **update)

    def _update(self, running: _Running, **update: Any) -> None:
        with self._lock:
            running.operation = running.operation.model_copy(update=update)

    def _forget(self) -> None:
        ended = [id_ for id_, each in self._all.items() if each.operation.ended]
        for id_ in ended[: max(len(self._all) - KEPT, 0)]:
            del self._all[id_]
