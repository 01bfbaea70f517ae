"""The API that publishes a dataset by a run in Dagster."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from dataset_assets.catalog.catalog import Entry
from dataset_assets.interfaces.web.access.audit_middleware import note
from dataset_assets.interfaces.web.api.documentation import long_work
from dataset_assets.interfaces.web.api.idempotency import IdempotencyKey
from dataset_assets.interfaces.web.api.long_work import Prefer, once, result_or_operation
from dataset_assets.interfaces.web.api.parameters import DatasetId
from dataset_assets.interfaces.web.dagster_runs import BackfillProgress, Launched, RunProgress
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Publisher
from dataset_assets.interfaces.web.materializing import RunRequest, follow_backfill, follow_run, start_run
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.text.digest import digest

router = APIRouter(tags=["publications"])

MOST_PERIODS = 1_000


class MaterializeRequest(BaseModel):
    """The choice of what to publish: the named Periods, and those from `first` to `last`.

    An unpartitioned dataset has none. `anyway` publishes a draft or an archived dataset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    periods: Annotated[tuple[str, ...], Field(max_length=MOST_PERIODS, examples=[["2017-12"]])] = ()
    first: str | None = None
    last: str | None = None
    anyway: StrictBool = False


@router.post(
    "/datasets/{dataset_id}/materialize/",
    response_model=Success[RunProgress | BackfillProgress],
    responses=long_work(404, 409, 413, 415),
)
def materialize(
    dataset_id: DatasetId,
    body: MaterializeRequest,
    request: Request,
    state: State,
    who: Publisher,
    idempotency_key: IdempotencyKey = None,
    _prefer: Prefer = None,
) -> Response:
    """Publish a dataset by a run in Dagster, and follow the run.

    The operation reports each step; its result has the id of the run and its address in Dagster. With an
    `Idempotency-Key` a repeated request starts no second run, even if the server was restarted meanwhile.
    """
    entry = state.fresh_catalog.entry(dataset_id)
    seed = [who.name, entry.stem, idempotency_key or "", body.model_dump_json()]
    chosen = RunRequest(
        named=body.periods,
        first=body.first,
        last=body.last,
        anyway=body.anyway,
        key=digest(seed) if idempotency_key else "",
    )

    def start() -> Response:
        launched = start_run(state, entry, chosen, who.name)
        note(request, run=launched.run_id or launched.backfill_id)
        return _followed(state, request, entry, launched)

    return once(state.answers, idempotency_key, who, request, body, start)


def _followed(state: ServerState, request: Request, entry: Entry, launched: Launched) -> Response:
    """Answer with the run once it ended, or with the operation that follows it."""

    def work(say: Say) -> BaseModel:
        if launched.run_id:
            return follow_run(state, launched.run_id, entry.stem, say)
        return follow_backfill(state, launched.backfill_id or "", say)

    return result_or_operation(state, request, "materialize", entry.stem, work, follows=True)
