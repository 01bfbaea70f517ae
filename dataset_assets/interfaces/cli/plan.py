"""Print the due publications of one dataset or of all, with the reasons and the estimated size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.project import Output
from dataset_assets.discovery.cost import estimate_cost
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError, raise_all
from dataset_assets.interfaces.answers.plans import PlanAnswer
from dataset_assets.interfaces.cli.console import Grid, cell, out, print_json, say
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.periods.ranges import follows, ranges
from dataset_assets.publishing.as_of_choice import default_as_of
from dataset_assets.publishing.dataset_ids import rename_notices
from dataset_assets.staleness.due_outputs import DueOutput, all_due_outputs
from dataset_assets.staleness.plan import Plan, plan_all, plan_dataset
from dataset_assets.staleness.reasons import StalePublication
from dataset_assets.text.wording import listed, size_text

UNKNOWN = "unknown"


@dataclass(frozen=True)
class PeriodRange:
    """Consecutive Periods of a dataset that are due for the same reasons."""

    plan: Plan
    due: tuple[StalePublication, ...]

    @property
    def periods(self) -> str:
        """The first and the last Period: `2017-02 to 2017-06`; empty for an unpartitioned dataset."""
        ends = dict.fromkeys(str(each.period or "") for each in (self.due[0], self.due[-1]))
        return " to ".join(ends)

    def cells(self) -> Iterator[str]:
        """Yield the cells of a line of the printed table."""
        yield self.plan.entry.stem
        yield self.periods
        yield f"{len(self.due):,}"
        yield "; ".join(map(str, self.due[0].reasons))
        yield _sum(each.rows for each in self.due)
        yield _sum((each.size_bytes for each in self.due), size=True)


def print_plan(
    workspace: Workspace, name: str | None, first: str | None, last: str | None, *, as_json: bool = False
) -> None:
    """Print the plan of one dataset, or of all that are not archived, and the outputs of these that are due.

    Raises DatasetAssetsError with all faults, after the datasets that can be planned were printed.
    """
    catalog, target = workspace.catalog, workspace.target
    if name:
        published = catalog.published(name)
        dataset_plans = plan_dataset(catalog, target, published.entry, first, last)
        of_dataset = (each for each in catalog.outputs.values() if each.dataset == published.entry.stem)
        print_plans(dataset_plans, all_due_outputs(catalog, target, of_dataset), as_json=as_json)
        say(*billed_bytes(workspace, dataset_plans), *renamed_datasets(workspace, dataset_plans))
        return
    if first is not None or last is not None:
        raise PeriodError(Fault("Periods are those of one dataset", hint="name it, or leave them out"))
    found = plan_all(catalog, target)
    outputs = all_due_outputs(catalog, target, _of_valid_datasets(catalog))
    print_plans(found.plans, outputs, as_json=as_json)
    say(*found.incomplete, *renamed_datasets(workspace, found.plans))
    raise_all(DatasetAssetsError, found.faults)


def _of_valid_datasets(catalog: Catalog) -> Iterator[Output]:
    return (each for each in catalog.outputs.values() if catalog.entries[each.dataset].ok)


def print_plans(
    dataset_plans: Sequence[Plan], outputs: Sequence[DueOutput] = (), *, as_json: bool = False
) -> None:
    """Print a table with one line for each range of Periods, then obstacles and a summary of each plan."""
    if as_json:
        print_json(PlanAnswer.of(dataset_plans, outputs))
        return
    table = Grid("dataset", "periods", "number", "why", "rows", "size", right=("number", "rows", "size"))
    for plan in dataset_plans:
        for period_range in period_ranges(plan):
            table.add_row(*map(cell, period_range.cells()))
    if table.rows:
        out().print(table)
    for plan in dataset_plans:
        say(*obstacles(plan, plan.due, "cannot be made"))
        say(*obstacles(plan, plan.uncertain, "is left as it is"))
        say(summary(plan))
    say(*output_lines(outputs))


def output_lines(outputs: Sequence[DueOutput]) -> Iterator[str]:
    """Yield a line for each output that is due, with its Periods that are due for the same reason."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for due in outputs:
        grouped.setdefault((due.stem, due.reason), []).append(due.period_id or "")
    for (stem, reason), periods in grouped.items():
        of = f" of {listed(periods, 4)}" if any(periods) else ""
        yield f"{stem}: output{of} to make: {reason}"


def period_ranges(plan: Plan) -> Iterator[PeriodRange]:
    """Return the due publications of a plan as ranges of consecutive Periods, in order of time."""
    return (PeriodRange(plan, dues) for dues in ranges(plan.due, _continues))


def obstacles(plan: Plan, publications: Iterable[StalePublication], effect: str) -> Iterator[str]:
    """Yield one sentence for each obstacle: the Periods that have it, the `effect`, and the fault."""
    held: dict[Fault, list[StalePublication]] = {}
    for due in publications:
        for fault in due.obstacles:
            held.setdefault(fault, []).append(due)
    for fault, dues in held.items():
        of = PeriodRange(plan, tuple(dues)).periods
        yield f"{plan.entry.stem}{f' {of}' if of else ''} {effect}: {fault}"


def summary(plan: Plan) -> str:
    """Return the counts of a plan: `sales: 12 to make, 3 up to date, 1 perhaps not`.

    Publications with an obstacle are counted separately from those to publish.
    """
    held = sum(bool(due.obstacles) for due in plan.due)
    cannot = f", {held:,} cannot be made" if held else ""
    unsure = f", {len(plan.uncertain):,} perhaps not" if plan.uncertain else ""
    stale = f", {plan.stale} read as they are, though not up to date" if plan.stale else ""
    standing = f"{plan.up_to_date:,} up to date{unsure}{stale}"
    return f"{plan.entry.stem}: {len(plan.due) - held:,} to make{cannot}, {standing}"


def billed_bytes(workspace: Workspace, dataset_plans: Sequence[Plan]) -> Iterator[str]:
    """Yield one estimate of the billed bytes for each plan, from a dry run of its last publication.

    Yields nothing on an engine that does not bill bytes.
    """
    for plan in dataset_plans if workspace.target.engine.bills_bytes else ():
        possible = [due for due in plan.due if not due.obstacles]
        if possible:
            period, stem = possible[-1].period, plan.entry.stem
            try:
                at = default_as_of(period, datetime.now(UTC))
                reads = estimate_cost(workspace.catalog, workspace.target, plan.entry, at).reads or 0
            except DatasetAssetsError as error:
                yield f"{stem}: what would be read is {UNKNOWN}: {error}"
            else:
                each = f"{size_text(reads)} for {period}, by a dry run" if period else "by a dry run"
                yield f"{stem}: about {size_text(reads * len(possible))} would be read, {each}"


def renamed_datasets(workspace: Workspace, dataset_plans: Sequence[Plan]) -> list[str]:
    """Return a remark for each due dataset whose file was renamed after it was published."""
    new = [plan.entry for plan in dataset_plans if plan.due and not plan.up_to_date]
    return rename_notices(workspace.target, new)


def _continues(before: StalePublication, due: StalePublication) -> bool:
    return follows(before.period, due.period) and before.reasons == due.reasons


def _sum(numbers: Iterable[int | None], *, size: bool = False) -> str:
    """Return the total as text: `~12,000`, or `unknown` if one of the numbers is None."""
    addends = list(numbers)
    total = sum(number or 0 for number in addends)
    return UNKNOWN if None in addends else f"~{size_text(total) if size else f'{total:,}'}"
