"""The context of one publication: the target, request, session, claim and timer that its steps share."""

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.versions import Version
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Claim, Warehouse
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.transfer import SourceTransfer
from dataset_assets.text.progress import Progress


@dataclass(frozen=True)
class StepTimer:
    """Report the begin of each step and record how many seconds it took, by the step's name."""

    report: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, sentence: str) -> Generator[None]:
        """Report `sentence` and time the body of the `with` statement under `name`."""
        self.report(sentence)
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 4)


@dataclass(frozen=True)
class RunContext:
    """The target, request, session and claim of one publication, passed to each of its steps.

    `version` is the version of the dataset's structure when the run began; its number may still be pending.
    """

    catalog: Catalog
    target: Target
    request: Request
    scope: Scope
    version: Version
    session: Session
    claim: Claim
    timer: StepTimer
    transfer: SourceTransfer

    @property
    def dataset(self) -> Dataset:
        """The dataset that is published."""
        return self.scope.dataset

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that the target publishes to."""
        return self.target.warehouse

    @property
    def job(self) -> JobContext:
        """The labels of every job that an engine runs for this publication."""
        return job_context(self.request, self.version)

    @property
    def usage(self) -> dict[str, int]:
        """The usage counters so far, summed over the session and the engines of transferred sources."""
        total = Counter(self.session.usage)
        total.update(self.transfer.usage)
        return dict(total)

    def query(self, run: PreparedRun) -> exp.Query:
        """Return the query of the rows with their system columns, as the target's engine sorts best."""
        return run.query(bucketed=self.target.engine.dialect.sorts_in_one_place)


def job_context(request: Request, version: Version) -> JobContext:
    """Return the labels of a publication's jobs: dataset, Period, version number, run and attempt."""
    period = request.period.id if request.period else None
    return JobContext(request.entry.stem, period, version.number, request.run_id, request.attempt)
