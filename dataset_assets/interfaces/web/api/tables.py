"""The API of tables: what the target can read, their statistics, and suggestions over them (Domain)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from dataset_assets.discovery.describe import describe_table
from dataset_assets.discovery.sensitive import sensitive_columns
from dataset_assets.discovery.suggestions.over_tables import suggest_over
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.discovery.tables import TableDescription, TableSummary, list_tables
from dataset_assets.interfaces.web.api.documentation import long_work, problems
from dataset_assets.interfaces.web.api.idempotency import IdempotencyKey
from dataset_assets.interfaces.web.api.long_work import Prefer, once, result_or_operation
from dataset_assets.interfaces.web.api.numbers import with_numbers
from dataset_assets.interfaces.web.api.pagination import RequestedPage
from dataset_assets.interfaces.web.api.parameters import ModelId, TableName
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.model import Instant, Model
from dataset_assets.text.wording import size_text

router = APIRouter(tags=["tables"])


class TablePage(Model):
    """Tables by resolver and name. `next` is the cursor of the next page.

    `problems` has a sentence for each resolver whose store cannot be listed.
    """

    tables: tuple[TableSummary, ...]
    problems: tuple[str, ...] = ()
    next: str | None = None


class SchemaColumn(Model):
    """A stored column: the store's type, the type to declare, and whether a dataset says it is sensitive."""

    name: str
    type: str
    declare_as: str | None
    sensitive: bool


class TableSchema(Model):
    """The stored columns of a table, in their order."""

    table: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: tuple[SchemaColumn, ...]


class TableStatistics(Model):
    """The statistics of a table's columns, as `describe` has them; numbers are numbers of JSON."""

    table: str
    resolver: str
    row_count: int | None
    last_modified: Instant | None
    columns: Mapping[str, Mapping[str, Any]]


class ChosenTables(Model):
    """The tables that a dataset is to be suggested over: `table` or `resolver/table`."""

    tables: tuple[str, ...] = Field(min_length=1, max_length=50, examples=[["transactions", "products"]])
    main: str | None = Field(None, description="The main table; by default it is suggested.")


@router.get("/models/{model_id}/tables/", responses=problems())
def list_tables_of_model(
    model_id: ModelId,  # noqa: ARG001 - all models read the same tables
    state: State,
    _who: Reader,
    page: RequestedPage,
) -> Success[TablePage]:
    """List the tables that datasets can read. They are the same for all models."""
    found = list_tables(state.target)
    part = page.of(found.tables, lambda each: (each.resolver, each.name))
    return Success(data=TablePage(tables=part.items, problems=found.problems, next=part.next))


@router.get("/tables/{table_name:path}/schema/", responses=problems(404))
def get_table_schema(table_name: TableName, state: State, _who: Reader) -> Success[TableSchema]:
    """Return the stored columns of a table."""
    found = _described(state, table_name, statistics=False, say=lambda _: None)
    shown = {name: getattr(found, name) for name in ("table", "resolver", "row_count", "last_modified")}
    columns = tuple(
        SchemaColumn(name=name, type=each.type, declare_as=each.declare_as, sensitive=each.sensitive)
        for name, each in found.columns.items()
    )
    return Success(data=TableSchema(**shown, columns=columns))


@router.get(
    "/tables/{table_name:path}/stats/", response_model=Success[TableStatistics], responses=long_work(404)
)
def get_table_statistics(
    table_name: TableName, state: State, _who: Reader, request: Request, _prefer: Prefer = None
) -> Response:
    """Return statistics of a table's columns. Columns that a dataset calls sensitive have counts only."""

    def work(say: Say) -> TableStatistics:
        found = _described(state, table_name, statistics=True, say=say)
        columns = {
            name: with_numbers(each.model_dump(mode="json"), each.declare_as)
            for name, each in found.columns.items()
        }
        return TableStatistics.model_validate({**vars(found), "columns": columns})

    return result_or_operation(state, request, "table statistics", table_name, work)


@router.post("/tables/suggestions/", response_model=Success[Suggestions], responses=long_work(404, 413, 415))
def suggest_dataset(
    body: ChosenTables,
    state: State,
    who: Reader,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    _prefer: Prefer = None,
) -> Response:
    """Suggest a dataset over tables: mapping, lookups, key, filters and split, each with its reason."""

    def work(say: Say) -> Suggestions:
        found = suggest_over(
            state.catalog,
            state.target,
            body.tables,
            datetime.now(UTC),
            main=body.main,
            report_cost=lambda size: say(f"reads {size_text(size)}, which are billed"),
        )
        return found.suggestions

    def produce() -> Response:
        return result_or_operation(state, request, "suggestions", ", ".join(body.tables), work)

    return once(state.answers, idempotency_key, who, request, body, produce)


def _described(state: ServerState, name: str, *, statistics: bool, say: Say) -> TableDescription:
    target = state.target
    return describe_table(
        target,
        name,
        statistics=statistics,
        sensitive=sensitive_columns(state.catalog, target, name),
        report_cost=lambda size: say(f"reads {size_text(size)}, which are billed"),
    )
