"""Run one program's work once for each line on its standard input, so that several programs can take turns.

Runs in the baselines' environment, too, which has nothing of this project: the standard library only.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Record = dict[str, Any]


class Published(NamedTuple):
    """A published file and its record."""

    rows: Path
    record: Record


def take_turns(work: Callable[[], Published]) -> None:
    """Answer each line with a JSON object of one round's figures, and the end of input with the publication.

    `process_cpu_s` and `peak_mb` are those of the whole process so far: after the first round, those of a
    process that does the work once, with its imports.
    """
    published = None
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        published = work()
        figures = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        print(json.dumps({**figures, "process_cpu_s": time.process_time(), "peak_mb": peak_mb()}), flush=True)
    if published:
        print(json.dumps({"rows": str(published.rows), "record": published.record}, default=str), flush=True)


def peak_mb() -> int:
    """Return the greatest memory that this program held; `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024)
