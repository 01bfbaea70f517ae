"""Report the progress of long work: the step that begins, and the time that the remaining parts will take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

Progress = Callable[[str], None]
"""Callback that receives a short sentence at the begin of each step that can last long."""


@dataclass
class ProgressEstimate:
    """The number of parts that are done, and an estimate of the time left, assuming a constant pace.

    `clock` returns seconds.
    """

    total: int
    clock: Callable[[], float] = monotonic
    done: int = 0
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.started_at = self.clock()

    def step(self) -> str:
        """Count one more part as done; return a text such as `3 of 12, 1m 05s, about 3m 15s left`."""
        self.done += 1
        spent = self.clock() - self.started_at
        left = spent / self.done * (self.total - self.done)
        rest = f", about {duration_text(left)} left" if self.done < self.total else ""
        return f"{self.done:,} of {self.total:,}, {duration_text(spent)}{rest}"


def duration_text(seconds: float) -> str:
    """Return seconds as `4s`, `1m 05s` or `2h 03m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, hours = whole // 60, whole // 3600
    return f"{hours}h {minutes % 60:02}m" if hours else f"{minutes}m {whole % 60:02}s"
