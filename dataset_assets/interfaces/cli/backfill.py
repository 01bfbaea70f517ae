"""Run `dataset-assets backfill`: publish all due Periods of a dataset and of the datasets that it reads.

Published Periods stay published, so a killed backfill that is run again continues where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from dataset_assets.errors import AccessError, DatasetAssetsError, Fault
from dataset_assets.interfaces.answers.publications import PublicationAnswer, PublicationsAnswer
from dataset_assets.interfaces.cli.console import print_json, say
from dataset_assets.interfaces.cli.materialize import CommandRun, change
from dataset_assets.interfaces.cli.plan import billed_bytes, print_plans, renamed_datasets
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.status import refuse_by_slip
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.staleness.plan import Plan, plan_dataset
from dataset_assets.staleness.refresh_requests import publication_label
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
    as_json: bool = False,
    anyway: bool = False,
) -> None:
    """Print the plan, then publish what is due, nested datasets first.

    Nothing is published if a draft or an archived dataset is among them, unless `anyway` is set.
    Raises DatasetAssetsError as `plan_dataset` does, and after the last Period if any of them failed.
    """
    plans = plan_dataset(
        workspace.catalog, workspace.target, workspace.catalog.entry(name), first, last, every=every
    )
    if not as_json:
        print_plans(plans)
    refuse_by_slip((plan.entry for plan in plans if plan.due), anyway=anyway)
    say(*billed_bytes(workspace, plans), *renamed_datasets(workspace, plans))
    run = CommandRun(workspace, str(uuid4()), locked=locked, reread=every)
    work = Backfill(run, plans)
    try:
        with run.checks_reported():
            work.publish()
    finally:
        if as_json:
            print_json(PublicationsAnswer(publications=tuple(work.published)))


@dataclass
class Backfill:
    """One run over all due publications of several plans.

    `failures` maps the faults of failed publications to the publications' names, `remarks` each check that
    does not block to the messages of its failures. `unchanged` counts publications without changed rows,
    `published` are all publications.
    """

    run: CommandRun
    plans: Sequence[Plan]
    failures: dict[tuple[Fault, ...], list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0
    published: list[PublicationAnswer] = field(default_factory=list)

    def publish(self) -> None:
        """Publish all that is due. A failure stops the others only if access is missing, as they need it too.

        Raises DatasetAssetsError with the number of failures, after printing the faults of each.
        """
        due_periods = [(plan.entry, due.period) for plan in self.plans for due in plan.due]
        estimate = ProgressEstimate(len(due_periods))
        for entry, period in due_periods:
            name = publication_label(entry.stem, period)
            try:
                result = self.run.publish_period(entry.stem, period, print_steps=False)
            except DatasetAssetsError as error:
                self.failures.setdefault(error.faults, []).append(name)
                say(f"{name}: failed; {estimate.step()}")
                if isinstance(error, AccessError):
                    break
            else:
                self._add_result(name, result)
                rows = f"{result.counts.rows:,} rows, {change(result.counts)}"
                say(f"{name}: {rows}; {estimate.step()}")
        self._print_summary(estimate)

    def _add_result(self, name: str, result: Materialization) -> None:
        self.unchanged += not result.counts.has_changes
        self.published.append(PublicationAnswer.of_run(result))
        for check in result.checks:
            if not check.passed:
                self.remarks.setdefault(check.name, []).append(f"{name}: {check.message}")

    def _print_summary(self, estimate: ProgressEstimate) -> None:
        failed = sum(map(len, self.failures.values()))
        published = estimate.done - failed
        for check, messages in self.remarks.items():
            say(f"{check}: reported for {len(messages):,} of {published:,}, last: {messages[-1]}")
        if not failed:
            done = (
                f"{published:,} made, {self.unchanged:,} of them unchanged"
                if published
                else "nothing was due"
            )
            say(done)
            return
        for faults, names in self.failures.items():
            say(*(f"{listed(names)}: {fault}" for fault in faults))
        left = estimate.total - estimate.done
        message = f"{failed:,} of {estimate.total:,} failed, {published:,} are published"
        rest = f", {left:,} were not tried" if left else ""
        hint = "fix what is above, then run it again: what is published is not made twice"
        raise DatasetAssetsError(Fault(f"{message}{rest}", hint=hint))
