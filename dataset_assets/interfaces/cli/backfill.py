"""Making all that is due of a dataset, from the command line: hundreds of Periods, one after another.

What is published stays published: killed and run again, it goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from dataset_assets.errors import AccessError, DatasetAssetsError, Fault
from dataset_assets.interfaces.cli.console import say
from dataset_assets.interfaces.cli.materialize import Run, change, label
from dataset_assets.interfaces.cli.plan import moved, planned, reading, tell
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.staleness.plan import Plan
from dataset_assets.text.progress import ProgressEstimate
from dataset_assets.text.wording import listed


def backfill(
    workspace: Workspace,
    name: str,
    first: str | None = None,
    last: str | None = None,
    *,
    every: bool = False,
    locked: bool = False,
) -> None:
    """Shows the plan, then makes what is due, nested datasets first.

    Raises DatasetAssetsError as `planned` does; and after the last Period, when some could not be made.
    """
    found = planned(workspace, workspace.catalog.entry(name), first, last, every=every)
    tell(found)
    say(*reading(workspace, found), *moved(workspace, found))
    run = Run(workspace, str(uuid4()), locked=locked, reread=every)
    with run.reporting():
        Backfill(run, found).make()


@dataclass
class Backfill:
    """One run over all that is due. `failed`: what is wrong, with which of them.

    `remarks`: what checks that do not block have found, by check.
    """

    run: Run
    found: Sequence[Plan]
    failed: dict[tuple[Fault, ...], list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0

    def make(self) -> None:
        """A Period that fails does not keep the others from being made, unless they can only fail as well.

        Raises DatasetAssetsError: how many failed, after what is wrong with each.
        """
        todo = [(plan.entry, due.period) for plan in self.found for due in plan.due]
        estimate = ProgressEstimate(len(todo))
        for entry, period in todo:
            name = label(entry, period)
            try:
                result = self.run.one(entry, period, aloud=False)
            except DatasetAssetsError as error:
                self.failed.setdefault(error.faults, []).append(name)
                say(f"{name}: failed; {estimate.step()}")
                if isinstance(error, AccessError):
                    break
            else:
                self._made(name, result)
                rows = f"{result.counts.rows:,} rows, {change(result.counts)}"
                say(f"{name}: {rows}; {estimate.step()}")
        self._end(estimate)

    def _made(self, name: str, result: Materialization) -> None:
        self.unchanged += not result.counts.has_changes
        for check in result.checks:
            if not check.passed:
                self.remarks.setdefault(check.name, []).append(f"{name}: {check.message}")

    def _end(self, estimate: ProgressEstimate) -> None:
        failed = sum(map(len, self.failed.values()))
        made = estimate.done - failed
        for check, told in self.remarks.items():
            say(f"{check}: told of {len(told):,} of {made:,}, last of {told[-1]}")
        if not failed:
            done = f"{made:,} made, {self.unchanged:,} of them unchanged" if made else "nothing was due"
            say(done)
            return
        for faults, names in self.failed.items():
            say(*(f"{listed(names)}: {fault}" for fault in faults))
        left = estimate.total - estimate.done
        message = f"{failed:,} of {estimate.total:,} failed, {made:,} are published"
        rest = f", {left:,} were not tried" if left else ""
        hint = "fix what is above, then run it again: what is published is not made twice"
        raise DatasetAssetsError(Fault(f"{message}{rest}", hint=hint))
