"""The API of what a dataset would publish: analyze, preview, SQL and plan (Domain). Nothing is published."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.preview import DEFAULT_ROWS, MOST_ROWS, Preview, preview
from dataset_assets.discovery.runs import Reports
from dataset_assets.discovery.selection_sql import selection_sql
from dataset_assets.interfaces.answers.datasets import SqlAnswer
from dataset_assets.interfaces.answers.plans import PlanAnswer
from dataset_assets.interfaces.web.api.documentation import long_work, problems
from dataset_assets.interfaces.web.api.idempotency import IdempotencyKey
from dataset_assets.interfaces.web.api.long_work import Prefer, once, result_or_operation
from dataset_assets.interfaces.web.api.numbers import with_numbers
from dataset_assets.interfaces.web.api.parameters import AsOf, DatasetId, Partition, SplitName
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.state import State
from dataset_assets.model import Model
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.staleness.plan import plan_dataset
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import size_text

router = APIRouter(prefix="/datasets/{dataset_id}", tags=["analysis"])


class AnalysisAnswer(Analysis):
    """An analysis whose numbers are numbers of JSON."""

    column_stats: Mapping[str, Any] = Field(description="The statistics of each column.")


class AnalysisRequest(Model):
    """The choice of the analyzed rows: a Period, or the rows as of an instant.

    The default is the last complete Period, or now.
    """

    partition: str | None = Field(None, description="A Period.", examples=["2017-12"])
    as_of: str | None = Field(None, description="The instant that the query looks back from.")


@router.post("/analyze/", response_model=Success[AnalysisAnswer], responses=long_work(404, 409, 413, 415))
def analyze_dataset(
    dataset_id: DatasetId,
    state: State,
    who: Reader,
    request: Request,
    body: AnalysisRequest | None = None,
    idempotency_key: IdempotencyKey = None,
    _prefer: Prefer = None,
) -> Response:
    """Compute what a run would publish: rows after each step, sizes, statistics, checks and leaks."""
    chosen = body or AnalysisRequest()
    catalog = state.catalog
    entry = catalog.entry(dataset_id)
    at = choose_as_of(catalog, entry, chosen.as_of, chosen.partition, datetime.now(UTC))

    def work(say: Say) -> AnalysisAnswer:
        found = analyze(catalog, state.target, entry, at, _reports(say))
        columns = {
            name: with_numbers(each.model_dump(mode="json"), each.type)
            for name, each in found.column_stats.items()
        }
        return AnalysisAnswer.model_validate({**vars(found), "column_stats": columns})

    def produce() -> Response:
        return result_or_operation(state, request, "analyze", entry.stem, work)

    return once(state.answers, idempotency_key, who, request, chosen, produce)


@router.get("/preview/", response_model=Success[Preview], responses=long_work(404, 409))
def preview_dataset(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    request: Request,
    rows: Annotated[int, Query(ge=1, le=MOST_ROWS, description="At most so many rows.")] = DEFAULT_ROWS,
    partition: Partition = None,
    as_of: AsOf = None,
    split: SplitName = None,
    _prefer: Prefer = None,
) -> Response:
    """Return the first rows that a run would publish. Values of sensitive columns are masked."""
    catalog = state.catalog
    entry = catalog.entry(dataset_id)
    at = choose_as_of(catalog, entry, as_of, partition, datetime.now(UTC))

    def work(say: Say) -> Preview:
        return preview(catalog, state.target, entry, at, rows, split, _reports(say))

    return result_or_operation(state, request, "preview", entry.stem, work)


@router.get("/sql/", responses=problems(404, 409))
def get_sql(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    dialect: Annotated[
        str | None,
        Query(description="duckdb or bigquery; by default the target's own.", examples=["bigquery"]),
    ] = None,
    partition: Partition = None,
    as_of: AsOf = None,
    split: SplitName = None,
) -> Success[SqlAnswer]:
    """Return the query that selects the rows."""
    catalog, target = state.catalog, state.target
    entry = catalog.entry(dataset_id)
    at = choose_as_of(catalog, entry, as_of, partition, datetime.now(UTC))
    with system_errors_as_faults():
        text = selection_sql(catalog, target, entry, at, dialect, split)
    answer = SqlAnswer(
        dataset=entry.stem,
        dialect=dialect or target.engine.dialect.name,
        as_of=at.as_of,
        period=at.period.id if at.period else None,
        sql=text,
    )
    return Success(data=answer)


@router.get("/plan/", responses=problems(404, 409))
def get_plan(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    first: Annotated[str | None, Query(alias="from", description="The first Period.")] = None,
    last: Annotated[str | None, Query(alias="to", description="The last Period, included.")] = None,
) -> Success[PlanAnswer]:
    """List the publications that are due, with reasons; those of nested datasets come first."""
    catalog = state.catalog
    entry = catalog.entry(dataset_id)
    with system_errors_as_faults():
        return Success(data=PlanAnswer.of(plan_dataset(catalog, state.target, entry, first, last)))


def _reports(say: Say) -> Reports:
    return Reports(say, lambda size: say(f"reads {size_text(size)}, which are billed"))
