"""How things are measured: wall and CPU seconds in this process, or all of a process of its own."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
Report = dict[str, Any]


@dataclass
class Series:
    """Repeated measurements of one thing, in seconds. CPU is that of all threads of the process."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], Any]) -> Any:
        """Runs the work once and keeps what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        answer = work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)
        return answer

    def against(self, base: "Series") -> Report:
        """Medians, and their ratios to another series' medians."""
        return {
            "wall_s": round(statistics.median(self.wall), 3),
            "cpu_s": round(statistics.median(self.cpu), 3),
            "wall_ratio": _ratio(self.wall, base.wall),
            "cpu_ratio": _ratio(self.cpu, base.cpu),
        }


def rounds(works: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Series]:
    """Every work once a round, in turn, so that a busy machine slows all of them down alike.

    One round more is run first and forgotten: it warms caches.
    """
    series = {name: Series() for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            (Series() if turn == 0 else series[name]).time(work)
    return series


def in_process(python: Path | str, *arguments: str, cwd: Path = PROJECT) -> Report:
    """Runs a script that ends by printing one JSON object, with its cold wall time added."""
    begun = time.perf_counter()
    done = subprocess.run([str(python), *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    report = json.loads(done.stdout.strip().splitlines()[-1])
    return {**report, "process_wall_s": round(time.perf_counter() - begun, 2)}


def of_this_project(module: str, *arguments: str) -> Report:
    """`in_process` of one of these modules, in the project's own environment."""
    return in_process(sys.executable, "-m", module, *arguments)


def _ratio(ours: Sequence[float], base: Sequence[float]) -> float:
    return round(statistics.median(ours) / statistics.median(base), 2)
