"""Every bound in one table: which figure of which benchmark it limits, the aim, and what it may not exceed.

A figure is a column of a row of a benchmark's table in results.json, or the ratio of that column in two rows.
A figure that no run has written is "not measured", which is no error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import Report

HOLDS, HOLDS_AIM, MISSED, NOT_MEASURED = "holds", "holds, aim reached", "MISSED", "not measured"


@dataclass(frozen=True)
class Bound:
    """A bound. With `base`, the figure is the ratio of `row` to the row `base`.

    `limit` is None if the work only has to finish.
    """

    name: str
    benchmark: str
    row: str
    column: str
    aim: float
    limit: float | None
    base: str = ""

    def measured(self, results: Mapping[str, Report]) -> float | None:
        """Return the figure in the results; None if it is not there."""
        table = results.get(self.benchmark, {}).get("table", {})
        value = table.get(self.row, {}).get(self.column)
        if value is None or not self.base:
            return value
        base = table.get(self.base, {}).get(self.column)
        return round(value / base, 2) if base else None

    def verdict(self, value: float | None) -> str:
        """Return whether a figure holds the bound."""
        if value is None:
            return NOT_MEASURED
        if self.limit is not None and value > self.limit:
            return MISSED
        return HOLDS_AIM if value <= self.aim else HOLDS

    @property
    def source(self) -> str:
        """The benchmark, row and column that the figure is read from."""
        base = f" / {self.base}" if self.base else ""
        return f"`{self.benchmark}`: {self.row}{base}, {self.column}"


_FIRST, _POLARS = "materialize, first publication", "materialize to polars by hand"
_SENSOR = "the sensor `refresh`"

BOUNDS: Sequence[Bound] = (
    Bound(
        "generated SQL, no row metadata, to hand-written SQL",
        "job_j", "bare CREATE TABLE AS of the compiled selection", "cpu_s", 1.0, 1.1, "hand-written SQL",
    ),
    Bound(
        "with ids, lineage and labels, to the bare query",
        "job_j", "compiled selection with row metadata", "cpu_ratio", 1.6, 1.9,
    ),
    Bound("a publication to the same work by hand in polars", "same_work", _POLARS, "cpu_s", 0.7, 0.9),
    Bound("peak memory to the same work by hand in polars", "same_work", _POLARS, "peak_mb", 0.6, 0.9),
    Bound("a publication to the bare query", "job_j", _FIRST, "cpu_ratio", 2.0, 2.5),
    Bound(
        "a refresh of an unchanged source, metadata alone, to the bare query",
        "job_j", "materialize, refresh of an unchanged source", "cpu_ratio", 0.2, 0.3,
    ),
    Bound(
        "a refresh in which 1 % of the rows changed, to a first publication",
        "job_j", "materialize, refresh in which 1 % of the rows changed", "cpu_s", 1.1, 1.4, _FIRST,
    ),
    Bound("50 times the data with 2 GB", "scale", "50 times the data", "cpu_ratio", 55, None),
    Bound(
        "1,000 dataset files to loaded definitions, cold",
        "load", "start of the process to loaded definitions", "wall_s", 2, 3,
    ),
    Bound(
        "a tick of `refresh`, nothing changed",
        "automation", f"{_SENSOR}: nothing changed", "cpu_s", 0.5, 2,
    ),
    Bound(
        "a tick of `refresh`, one month changed",
        "automation", f"{_SENSOR}: one month changed", "cpu_s", 0.7, 2,
    ),
    Bound(
        "the first tick of `refresh` after a restart",
        "automation", f"{_SENSOR}: the first", "cpu_s", 5, 10,
    ),
    Bound("its memory", "automation", f"{_SENSOR}: the first", "peak_mb", 200, 400),
    Bound(
        "the 10,000th publication of one dataset to the 10th",
        "growth", "10,000 publications: publication 10,000", "cpu_ratio", 1.1, 1.5,
    ),
    Bound("Dagster's part of a warm run", "dagster", "Dagster's part", "cpu_s", 0.25, 0.5),
    Bound("a comparison of 1.5 million rows to a bare full join", "compare", "compare", "cpu_ratio", 2, 3.5),
    Bound(
        "a load of a bitemporal table of which 1 % changed, to a first load",
        "bitemporal", "load of which 1 % changed", "cpu_ratio", 1.0, 1.4,
    ),
    Bound(
        "the same from the files to the publication",
        "bitemporal_runs", "load of which 1 % changed", "cpu_ratio", 1.0, 1.4,
    ),
    Bound(
        "a dataset with a lookup as of the time of its rows, to a plain join",
        "point_in_time_runs", "point in time", "cpu_ratio", 1.2, 1.5,
    ),
    Bound(
        "the same with a bitemporal lookup, as known",
        "point_in_time_runs", "bitemporal, as known", "cpu_ratio", 1.2, 1.5,
    ),
    Bound(
        "a Period of a backfill to a materialization by itself",
        "backfill", "a Period of 500, killed and resumed", "cpu_ratio", 1.5, 1.5,
    ),
    Bound("200 list requests a second, 95 of 100", "serve", "list, 50 of 1,000 datasets", "p95_ms", 50, 50),
)  # fmt: skip
"""All there are. To add one: its line here, and a row of that name in the benchmark's table."""


def markdown(results: Mapping[str, Report]) -> str:
    """Return the bounds as a table with what was measured, and how many hold."""
    measured = [(each, each.measured(results)) for each in BOUNDS]
    verdicts = [each.verdict(value) for each, value in measured]
    lines = ["| bound | figure | measured | aim | not above | |", "|---" * 6 + "|"]
    lines += [
        f"| {each.name} | {each.source} | {_shown(value)} | {each.aim:g} | {_shown(each.limit)} | {verdict} |"
        for (each, value), verdict in zip(measured, verdicts, strict=True)
    ]
    missed, unknown = verdicts.count(MISSED), verdicts.count(NOT_MEASURED)
    held = len(verdicts) - missed - unknown
    return "\n".join([*lines, "", f"{held} hold, {missed} missed, {unknown} not measured.", ""])


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
