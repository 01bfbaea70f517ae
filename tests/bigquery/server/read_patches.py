"""What BigQuery tells of tables and views, and what its Storage API reads; part of the server's process."""

import threading
from functools import wraps

import grpc
from bqemulator.api.routes import tabledata, tables
from bqemulator.domain.errors import ResourceRef, resource_not_found
from bqemulator.grpc_api import read_servicer
from bqemulator.grpc_api.read_servicer import BigQueryReadHandler
from bqemulator.jobs.executor import _ANONYMOUS_RESULTS_DATASET, JOB_RESULTS
from google.cloud.bigquery_storage_v1 import types


def views_tell_their_query() -> None:
    """tables.get of a view, and of a materialized one."""
    answer = tables._table_to_rest
    named = {"VIEW": "view", "MATERIALIZED_VIEW": "materializedView"}

    def answer_with_query(table):
        told = {"query": table.view_query, "useLegacySql": False}
        return answer(table) | ({named[table.table_type]: told} if table.table_type in named else {})

    tables._table_to_rest = answer_with_query


def tables_can_be_external() -> None:
    """A table that is made with `externalDataConfiguration` is of the type EXTERNAL."""
    read = tables._rest_to_table_meta

    def read_with_type(project, dataset, body, clock, existing=None):
        found = read(project, dataset, body, clock, existing)
        external = {"table_type": "EXTERNAL"} if "externalDataConfiguration" in body else {}
        return found.model_copy(update=external)

    tables._rest_to_table_meta = read_with_type


def tables_tell_of_their_stream() -> None:
    """`streamingBuffer` from tabledata.insertAll on; in BigQuery it is gone after some minutes."""
    streamed = {}
    answer = tables._table_to_rest
    (route,) = (each for each in tabledata.router.routes if each.name == "insert_all")
    insert = route.endpoint

    @wraps(insert)
    async def insert_and_remember(**asked):
        body = await asked["request"].json()
        streamed[asked["project_id"], asked["dataset_id"], asked["table_id"]] = len(body.get("rows", ()))
        return await insert(**asked)

    def answer_with_stream(table):
        rows = streamed.get((table.project_id, table.dataset_id, table.table_id))
        buffer = {"estimatedRows": str(rows), "estimatedBytes": "1", "oldestEntryTime": "1700000000000"}
        return answer(table) | ({"streamingBuffer": buffer} if rows else {})

    route.endpoint, tables._table_to_rest = insert_and_remember, answer_with_stream


def a_dataset_has_to_be_there() -> None:
    """tables.list of one that is not there was empty."""
    (route,) = (each for each in tables.router.routes if each.name == "list_tables")
    listed = route.endpoint

    @wraps(listed)
    def list_or_refuse(**asked):
        project, dataset = asked["project_id"], asked["dataset_id"]
        if asked["ctx"].catalog.get_dataset(project, dataset) is None:
            raise resource_not_found(ResourceRef("dataset", project, dataset))
        return listed(**asked)

    route.endpoint = list_or_refuse


def answers_are_tables() -> None:
    """The Storage API reads the anonymous table that a query's answer is; views it refuses."""
    create = BigQueryReadHandler._handle_create_read_session

    def create_or_answer(handler, request_bytes, context):
        wanted = types.CreateReadSessionRequest.deserialize(request_bytes).read_session
        project, dataset, name = read_servicer._parse_table_path(wanted.table)
        known = handler._ctx.catalog.get_table(project, dataset, name)
        if known is not None and known.table_type in {"VIEW", "MATERIALIZED_VIEW", "EXTERNAL"}:
            refusal = "request failed: only tables can be read using the storage API"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal)
        if dataset != _ANONYMOUS_RESULTS_DATASET:
            return create(handler, request_bytes, context)
        answers = {f"anon{job.replace('-', '')}": rows for job, rows in JOB_RESULTS.items()}
        return _session(project, wanted, answers[name])

    BigQueryReadHandler._handle_create_read_session = create_or_answer


def _session(project, wanted, rows) -> bytes:
    state = read_servicer.create_read_session(project, wanted.table, rows)
    session = read_servicer._build_read_session_response(
        state=state,
        read_session=wanted,
        session_format=read_servicer.FORMAT_ARROW,
        wire_format=types.DataFormat.ARROW,
        arrow_table=rows,
    )
    return types.ReadSession.serialize(session)


def streams_begin_at_an_offset() -> None:
    """ReadRows from the row on that the client asks for: so it takes up a stream that broke off."""
    asked = threading.local()
    read, rows_of = BigQueryReadHandler._handle_read_rows, read_servicer.get_stream_data

    def read_from(handler, request_bytes, context):
        asked.offset = types.ReadRowsRequest.deserialize(request_bytes).offset
        yield from read(handler, request_bytes, context)

    def rows_from(*names):
        rows = rows_of(*names)
        return rows if rows is None else rows.slice(asked.offset)

    BigQueryReadHandler._handle_read_rows, read_servicer.get_stream_data = read_from, rows_from


PATCHES = (
    views_tell_their_query,
    tables_can_be_external,
    tables_tell_of_their_stream,
    a_dataset_has_to_be_there,
    answers_are_tables,
    streams_begin_at_an_offset,
)
