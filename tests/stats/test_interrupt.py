"""An interrupt stops the statistics of a wide table without a long wait."""

import gc
import os
import signal
import threading
import time

import pytest
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.stats.profile import profile
from tests.engines.engine_fixtures import on_duckdb
from tests.stats.profiling import published

KINDS = list(ColumnType)
WIDTH = 900
SOON = 2.0
"""Seconds of this process' own work: a busy machine makes it wait, and that says nothing."""


class StopError(BaseException):
    """The error that the signal's handler raises."""


@pytest.mark.parametrize("after", [0.2, 0.7, 1.5])
def test_an_interrupt_ends_the_statistics_of_a_wide_table(after):
    columns = {f"c{place}": KINDS[place % 2] for place in range(WIDTH)}
    rows = [
        tuple(f"t{line}" if kind is ColumnType.STRING else line for kind in columns.values())
        for line in range(2000)
    ]
    stopped: list[float] = []

    def stop(*_):
        # What is raised while a callback of the garbage collector runs is lost: the next signal comes soon.
        stopped.append(time.process_time())
        raise StopError

    with on_duckdb() as bench:
        source = bench.hold(columns, rows)
        gc.disable()
        before = signal.signal(signal.SIGINT, stop)
        done = threading.Event()
        threading.Thread(target=interrupt, args=(after, done)).start()
        try:
            with pytest.raises(StopError):
                profile(bench.session, source, published(columns), None)
            took = time.process_time() - stopped[0]
        finally:
            done.set()
            signal.signal(signal.SIGINT, before)
            gc.enable()
        assert took < SOON
        assert bench.rows(source_count(source)) == [{"n": 2000}]


def interrupt(after: float, done: threading.Event) -> None:
    """Interrupt this process after some seconds, and then twice a second until `done` is set."""
    while not done.wait(after):
        os.kill(os.getpid(), signal.SIGINT)
        after = 0.5


def source_count(source):
    return exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(source)
