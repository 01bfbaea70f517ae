"""Warn if a main table stored by Period lacks files, or has rows in the wrong Period's file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.checks.results import CheckResult
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import stored
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.periods.instants import Moment
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest, TimeRange
from dataset_assets.publishing.stored_periods import StoredPeriods, overlaps
from dataset_assets.sql.build import alias_table, boundary

WINDOW_COMPLETE = "window_complete"
ROWS_IN_PERIOD = "rows_in_period"

DESCRIPTIONS = {
    WINDOW_COMPLETE: "The main table has files from the window's first day on",
    ROWS_IN_PERIOD: "The rows of a Period's file lie in that Period",
}


def applicable(dataset: Dataset, *, by_period: bool) -> tuple[str, ...]:
    """Return the names of the checks for a dataset; `by_period`: its main table is stored by Period."""
    mapping = dataset.column_mapping
    if not by_period or dataset.main_table.bitemporal:
        return ()
    has_window = bool(dataset.filters.date_range or (dataset.partitions and mapping))
    has_time = mapping is not None and "timestamp" in dict(mapping.concepts())
    return (WINDOW_COMPLETE,) * has_window + (ROWS_IN_PERIOD,) * has_time


@dataclass(frozen=True)
class PeriodChecks:
    """The checks of one publication. `inputs` holds the relations of the sources in their own stores.

    `reads_freely` says whether the main table can be read again without a transfer and without a bill.
    """

    inputs: SelectionInput
    periods: StoredPeriods
    reads_freely: bool

    def run(self, session: Session) -> tuple[CheckResult, ...]:
        """Run the checks that apply. They read the times in the files of the publication's own Period."""
        return tuple(self._results(session))

    def complete(self, found: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
        """Return the stored results of an unchanged publication, with those that need no rows renewed.

        Results that an earlier release did not record are added.
        """
        recorded = {each.name for each in found}
        return merged(
            found, (each for each in self._results(None) if each.metadata or each.name not in recorded)
        )

    def _results(self, session: Session | None) -> Iterator[CheckResult]:
        names = applicable(self.inputs.dataset, by_period=self._is_by_period)
        if WINDOW_COMPLETE in names:
            yield self._window_complete()
        if ROWS_IN_PERIOD in names:
            yield self._rows_in_period(session)

    @property
    def _main(self) -> Source:
        return self.inputs.scope.main

    @property
    def _is_by_period(self) -> bool:
        return self.periods.locator.resolvers[self._main.name].cadence(self._main.table) is not None

    def _window_complete(self) -> CheckResult:
        window, available = self.inputs.window, self.periods.available(self._main).values()
        first = min(available, key=lambda period: period.start)
        passed = window is None or first.start <= window.start.instant
        table, begin = self._main.table, window.start.date.isoformat() if window else ""
        words = f"the window begins {begin}, the first file of {table} is {first.id}"
        return _warning(WINDOW_COMPLETE, words, {"window_start": begin, "first": first.id}, passed=passed)

    def _rows_in_period(self, session: Session | None) -> CheckResult:
        stamp = self.inputs.concepts["timestamp"]
        if session is None or not self.reads_freely or stamp.source is not self._main:
            return _warning(ROWS_IN_PERIOD, "rows outside of their file's Period were not counted", {})
        own = self._own_periods()
        rows = self._rows_outside(own, stamp, session)
        files = " to ".join(dict.fromkeys((own[0].id, own[-1].id)))
        if not rows:
            return _warning(ROWS_IN_PERIOD, f"every row of {files} lies in its Period", {"rows": 0})
        words = f"rows in the files of {self._main.table} for {files} with times outside of them: {rows:,}"
        hint = "load them into the files of their Periods, or give the table the `zone` of its times"
        return _warning(ROWS_IN_PERIOD, f"{words}; {hint}", {"rows": rows}, passed=False)

    def _own_periods(self) -> list[Period]:
        """Return the stored Periods within the publication's Period; without one, all that are read.

        Rows of other files are counted when the Period of those files is published.
        """
        own = self.inputs.period
        within = TimeRange(own.start, own.end) if own else self.periods.locator.time_range(self._main)
        found = (each for each in self.periods.available(self._main).values() if overlaps(each, within))
        return sorted(found, key=lambda period: period.start)

    def _rows_outside(self, own: Sequence[Period], stamp: Reference, session: Session) -> int:
        """Count the rows of the files of these Periods whose time is before the first or after the last.

        A row in the file of another Period of the list is selected with that file, so it is not lost.
        """
        main = self._main
        relation = self._relation(own, session)
        time, sql_type = stored(relation, stamp.column, main)
        start, end = Moment(own[0].start, own[0].start_date), Moment(own[-1].end, own[-1].end_date)
        before = exp.LT(this=time, expression=boundary(start, sql_type))
        after = exp.GTE(this=time.copy(), expression=boundary(end, sql_type))
        count = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n"))
        query = count.from_(alias_table(relation.source, main.name)).where(exp.or_(before, after))
        return int(session.rows(query)[0]["n"])

    def _relation(self, own: Sequence[Period], session: Session) -> Relation:
        """Return the relation of the files of these Periods: the run's own if it reads the same files."""
        main, locator = self._main, self.periods.locator
        if [period.id for period in own] == list(self.periods.selected(main)):
            return self.inputs.relations[main.name]
        request = TableRequest(main.table, main.columns, TimeRange(own[0].start, own[-1].end))
        return locator.resolvers[main.name].resolve(request, session)


def merged(*results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Return one result for each check's name: the last one given."""
    return tuple({each.name: each for found in results for each in found}.values())


def _warning(name: str, message: str, metadata: dict[str, object], *, passed: bool = True) -> CheckResult:
    return CheckResult(name, passed, False, message, metadata)
