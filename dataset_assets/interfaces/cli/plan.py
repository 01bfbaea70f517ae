"""What `plan` prints: which publications would be made, and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import chosen_periods, schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.model import Status
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError, raise_all
from dataset_assets.interfaces.cli.console import Grid, cell, out, say
from dataset_assets.interfaces.cli.cost import cost
from dataset_assets.interfaces.cli.sql import look_at
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.dataset_ids import rename_notice_in
from dataset_assets.staleness.plan import Plan, plans
from dataset_assets.staleness.reasons import StalePublication
from dataset_assets.text.wording import size_text

UNKNOWN = "unknown"


@dataclass(frozen=True)
class PeriodRange:
    """Periods that follow one another and are due for the same reasons."""

    plan: Plan
    due: tuple[StalePublication, ...]

    @property
    def periods(self) -> str:
        """`2017-02 to 2017-06`; empty without Periods."""
        ends = dict.fromkeys(str(each.period or "") for each in (self.due[0], self.due[-1]))
        return " to ".join(ends)

    def cells(self) -> Iterator[str]:
        """As the table has them."""
        yield self.plan.entry.stem
        yield self.periods
        yield f"{len(self.due):,}"
        yield "; ".join(map(str, self.due[0].reasons))
        yield _sum(each.rows for each in self.due)
        yield _sum((each.size_bytes for each in self.due), size=True)


def planned(
    workspace: Workspace, entry: Entry, first: str | None, last: str | None, *, every: bool = False
) -> list[Plan]:
    """For the Periods from `first` to `last`; by default for all that are complete.

    Raises PeriodError for Periods that do not exist or are not complete, and as `plans` does.
    """
    now, schedule = datetime.now(UTC), schedule_of(workspace.catalog, entry)
    begin = schedule.first.id if schedule and first is None else first
    periods = chosen_periods(workspace.catalog, entry, now, first=begin, last=last)
    return plans(workspace.catalog, workspace.target, entry, periods, now, every=every)


def print_plan(workspace: Workspace, name: str | None, first: str | None, last: str | None) -> None:
    """Of one dataset, or of each that is not archived; one that cannot be planned does not hide the others.

    Raises DatasetAssetsError with all that is wrong.
    """
    if name:
        found = planned(workspace, workspace.catalog.entry(name), first, last)
        tell(found)
        say(*reading(workspace, found), *moved(workspace, found))
        return
    if first is not None or last is not None:
        raise PeriodError(Fault("Periods are those of one dataset", hint="name it, or leave them out"))
    own: list[Plan] = []
    early: list[Fault] = []
    faults: list[Fault] = []
    for entry in workspace.catalog.entries.values():
        try:
            if workspace.catalog.checked(entry).status is not Status.ARCHIVED:
                own.append(planned(workspace, entry, None, None)[-1])
        except PeriodError as error:  # not even its first one is complete: that is nobody's mistake
            early += error.faults
        except DatasetAssetsError as error:
            faults += error.faults
    tell(own)
    say(*early, *moved(workspace, own))
    raise_all(DatasetAssetsError, dict.fromkeys(faults))


def tell(found: Sequence[Plan]) -> None:
    """One line for each range of Periods, then what keeps some from being made, then how many there are."""
    table = Grid("dataset", "periods", "number", "why", "rows", "size", right=("number", "rows", "size"))
    for plan in found:
        for period_range in period_ranges(plan):
            table.add_row(*map(cell, period_range.cells()))
    if table.rows:
        out().print(table)
    for plan in found:
        say(*obstacles(plan, plan.due, "cannot be made"))
        say(*obstacles(plan, plan.uncertain, "is left as it is"))
        say(summary(plan))


def period_ranges(plan: Plan) -> Iterator[PeriodRange]:
    """In order of time."""
    found: list[StalePublication] = []
    for due in plan.due:
        if found and not _goes_on(found[-1], due):
            yield PeriodRange(plan, tuple(found))
            found = []
        found.append(due)
    if found:
        yield PeriodRange(plan, tuple(found))


def obstacles(plan: Plan, those: Iterable[StalePublication], what: str) -> Iterator[str]:
    """What stands in the way of `those` publications, each thing once, and what becomes of them."""
    held: dict[Fault, list[StalePublication]] = {}
    for due in those:
        for fault in due.obstacles:
            held.setdefault(fault, []).append(due)
    for fault, dues in held.items():
        of = PeriodRange(plan, tuple(dues)).periods
        yield f"{plan.entry.stem}{f' {of}' if of else ''} {what}: {fault}"


def summary(plan: Plan) -> str:
    """`sales: 12 to make, 3 up to date, 1 perhaps not`; what cannot be made is not among the first."""
    held = sum(bool(due.obstacles) for due in plan.due)
    cannot = f", {held:,} cannot be made" if held else ""
    unsure = f", {len(plan.uncertain):,} perhaps not" if plan.uncertain else ""
    stale = f", {plan.stale} read as they are, though not up to date" if plan.stale else ""
    standing = f"{plan.up_to_date:,} up to date{unsure}{stale}"
    return f"{plan.entry.stem}: {len(plan.due) - held:,} to make{cannot}, {standing}"


def reading(workspace: Workspace, found: Sequence[Plan]) -> Iterator[str]:
    """What making them would be billed for, by a dry run of each dataset's last; nothing where nothing is."""
    for plan in found if workspace.target.engine.bills_bytes else ():
        able = [due for due in plan.due if not due.obstacles]
        if able:
            period, stem = able[-1].period, plan.entry.stem
            try:
                reads = cost(workspace, plan.entry, look_at(period)).reads or 0
            except DatasetAssetsError as error:
                yield f"{stem}: what would be read is {UNKNOWN}: {error}"
            else:
                each = f"{size_text(reads)} for {period}, by a dry run" if period else "by a dry run"
                yield f"{stem}: about {size_text(reads * len(able))} would be read, {each}"


def moved(workspace: Workspace, found: Sequence[Plan]) -> Iterator[str]:
    """What is told of datasets that were published before their files were renamed."""
    for plan in found:
        if plan.due and not plan.up_to_date:
            yield from filter(None, [rename_notice_in(workspace.target, plan.entry)])


def _goes_on(before: StalePublication, due: StalePublication) -> bool:
    follows = before.period and due.period and before.period.end == due.period.start
    return bool(follows) and before.reasons == due.reasons


def _sum(numbers: Iterable[int | None], *, size: bool = False) -> str:
    """About how much it is in all; unknown where one of them is."""
    known = list(numbers)
    total = sum(number or 0 for number in known)
    return UNKNOWN if None in known else f"~{size_text(total) if size else f'{total:,}'}"
