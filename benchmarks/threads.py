"""The same digest whatever the number of threads: nothing depends on who finishes first."""

from benchmarks.measure import Report, Series
from benchmarks.workspace import workspace

THREADS = (1, 2, 4)


def main(repeats: int) -> Report:  # noqa: ARG001 - one run each tells all
    """Job J with 1, 2 and 4 threads."""
    digests, series = {}, {}
    with workspace() as space:
        for threads in THREADS:
            series[threads] = Series()
            digests[threads] = series[threads].time(lambda n=threads: space.job_j(space.target(n))).digest
    assert len(set(digests.values())) == 1, digests
    table = {f"{threads} threads": taken.against(series[1]) for threads, taken in series.items()}
    return {"table": table, "digest": digests[1]}
