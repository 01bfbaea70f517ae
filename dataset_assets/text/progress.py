"""How far work has come: its steps, and of many like parts how long the rest will take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

Progress = Callable[[str], None]
"""Told one short sentence when a step begins that a person may wait for."""


@dataclass
class ProgressEstimate:
    """`clock` answers seconds. What is left is reckoned by what was done so far, at the same pace."""

    total: int
    clock: Callable[[], float] = monotonic
    done: int = 0
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        """Time runs from now on."""
        self.begun = self.clock()

    def step(self) -> str:
        """One more is done: `3 of 12, 1m 05s, about 3m 15s left`."""
        self.done += 1
        spent = self.clock() - self.begun
        left = spent / self.done * (self.total - self.done)
        rest = f", about {duration_text(left)} left" if self.done < self.total else ""
        return f"{self.done:,} of {self.total:,}, {duration_text(spent)}{rest}"


def duration_text(seconds: float) -> str:
    """`4s`, `1m 05s`, `2h 03m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, hours = whole // 60, whole // 3600
    return f"{hours}h {minutes % 60:02}m" if hours else f"{minutes}m {whole % 60:02}s"
