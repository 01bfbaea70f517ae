"""Repeats one baseline's selection in a process of its own and prints what it took as one line of JSON.

Runs in the baselines' environment, which has nothing of this project: the standard library only.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

Counts = dict[str, int]


def report(select: Callable[[Path], Counts]) -> None:
    """`select` does the whole selection from the Parquet files; its answer says what it selected."""
    data, repeats = Path(sys.argv[1]), int(sys.argv[2])
    wall, cpu, counts = [], [], {}
    for _ in range(repeats + 1):
        begun, worked = time.perf_counter(), time.process_time()
        counts = select(data)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - worked)
    print(json.dumps({"wall": wall[1:], "cpu": cpu[1:], "peak_mb": peak_mb(), "counts": counts}))


def peak_mb() -> int:
    """The most memory that this program held; `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024)
