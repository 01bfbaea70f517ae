"""Start the runs that publish a dataset, in Dagster; the page and the API share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import chosen_periods
from dataset_assets.catalog.catalog import Entry
from dataset_assets.errors import Fault, PublishError, UnavailableError
from dataset_assets.interfaces.web.dagster_client import REQUEST_TAG, DagsterClient
from dataset_assets.interfaces.web.dagster_runs import BackfillProgress, Launched, RunProgress, RunStatus
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.lifecycle.status import refuse_by_slip

STARTED_BY_TAG = "dataset_assets/started_by"
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class RunRequest:
    """Which publications to make: the `named` Periods and those from `first` to `last`.

    `anyway` publishes a draft or an archived dataset. `key` identifies the request, so that it starts one
    run even if it is sent twice.
    """

    named: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None
    anyway: bool = False
    key: str = ""


def dagster_client(state: ServerState) -> DagsterClient:
    """Return the client of the server's Dagster. Raises UnavailableError if the server knows none."""
    address = state.settings.dagster
    if not address:
        message = "this server knows no Dagster, which publishes datasets"
        hint = "start it with --dagster http://127.0.0.1:3000, or run `dataset-assets materialize`"
        raise UnavailableError(Fault(message, hint=hint))
    return DagsterClient(address, state.settings.dagster_internal)


def start_run(state: ServerState, entry: Entry, request: RunRequest, started_by: str) -> Launched:
    """Start a run, or a backfill for Periods that do not follow one another.

    Raises PeriodError for Periods that do not exist or are not complete, PublishError for a draft or an
    archived dataset and if Dagster refuses, and UnavailableError if Dagster does not answer.
    """
    catalog = state.catalog
    catalog.checked(entry)
    refuse_by_slip([entry], anyway=request.anyway)
    periods = chosen_periods(catalog, entry, datetime.now(UTC), request.named, request.first, request.last)
    client = dagster_client(state)
    if request.key and (run_id := client.run_of_request(request.key)):
        return Launched(run_id=run_id, url=client.run_url(run_id))
    tags = {STARTED_BY_TAG: started_by} | ({REQUEST_TAG: request.key} if request.key else {})
    return client.launch(entry.stem, [each.key for each in periods if each], tags)


def follow_run(state: ServerState, run_id: str, stem: str, say: Say) -> RunProgress:
    """Report each step of a run until it ends, and return it. Raises PublishError if it fails."""
    client = dagster_client(state)
    say(f"run {run_id}, which Dagster shows at {client.run_url(run_id)}")
    said, told_status = 0, RunStatus.QUEUED
    while not state.operations.closed.wait(POLL_SECONDS):
        run = client.run(run_id, stem)
        if run.status is not told_status:
            told_status = run.status
            say(f"the run has {run.status}" if run.status.ended else f"the run is {run.status}")
        for step in run.steps[said:]:
            say(step.text)
        said = len(run.steps)
        if run.status.ended:
            return _succeeded(run)
    raise _stopped(client.run_url(run_id))


def follow_backfill(state: ServerState, backfill_id: str, say: Say) -> BackfillProgress:
    """Report how many runs of a backfill have ended until all have. Raises PublishError if one fails."""
    client, told = dagster_client(state), ""
    while not state.operations.closed.wait(POLL_SECONDS):
        found = client.backfill(backfill_id)
        ended = sum(status.ended for _, status in found.runs)
        if (text := f"{ended} of {len(found.runs)} runs have ended") != told:
            say(told := text)
        if found.status.ended:
            if found.status is not RunStatus.SUCCEEDED:
                message = found.failure or f"the backfill has {found.status}"
                raise PublishError(Fault(message, hint=f"its runs are listed at {found.url}"))
            return found
    raise _stopped(client.backfill_url(backfill_id))


def _stopped(url: str) -> UnavailableError:
    return UnavailableError(Fault("this server stopped; the run goes on", hint=f"follow it at {url}"))


def _succeeded(run: RunProgress) -> RunProgress:
    if run.status is RunStatus.SUCCEEDED:
        return run
    hint = f"its log is at {run.url}"
    raise PublishError(*_faults(run.failures or (f"the run was {run.status}",), hint))


def _faults(sentences: Sequence[str], hint: str) -> list[Fault]:
    return [Fault(each, hint=hint if place == 0 else "") for place, each in enumerate(sentences)]
