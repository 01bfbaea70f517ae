"""What jobs do in BigQuery and not in the emulator; part of the server's process."""

import re
import threading
from contextvars import ContextVar
from functools import cache, partialmethod
from importlib.resources import files
from pathlib import Path

import uvicorn
from bqemulator.api.routes import jobs, upload
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.scripting.exceptions import ScriptRaise
from bqemulator.scripting.interpreter import ScriptInterpreter
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.types import geography
from duckdb import DuckDBPyConnection, connect
from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator


def spatial() -> str:
    """The LOAD of the extension from its wheel."""
    (found,) = Path(str(files("duckdb_extension_spatial"))).rglob("*.duckdb_extension")
    return f"LOAD '{found}'"


@cache
def with_spatial() -> DuckDBPyConnection:
    connection = connect()
    connection.execute(spatial())
    return connection


def load_spatial_from_its_wheel() -> None:
    """The emulator downloads it into the home folder."""
    DuckDBEngine._load_spatial = lambda engine: engine.connection.execute(spatial())
    geography._ensure_conv_conn = with_spatial


def accept_any_media_type() -> None:
    """Google's client sends the data of a load job as `*/*`."""
    upload._PERMITTED_MEDIA_CONTENT_TYPES = ("",)


def keep_the_id_of_a_load_job() -> None:
    """The emulator gives an uploaded load job an id of its own, so that nobody could look it up."""
    asked: ContextVar[str] = ContextVar("asked")
    configuration_of, run, own_id = (
        upload._load_configuration_from_envelope,
        upload._run_load,
        upload._new_job_id,
    )

    def with_id(envelope):
        return {**configuration_of(envelope), "jobReference": envelope.get("jobReference", {})}

    async def run_with_id(*, configuration, **others):
        reference = configuration.pop("jobReference")
        asked.set(reference.get("jobId") or own_id())
        return await run(configuration=configuration, **others)

    upload._load_configuration_from_envelope, upload._run_load = with_id, run_with_id
    upload._new_job_id = asked.get


def keep_the_configuration_of_a_job() -> None:
    """jobs.get answers the labels and the limit that a job was sent with, not its query alone."""
    merge = jobs._merge_executor_config

    def merge_both_ways(sent, kept):
        merge(sent, kept)
        if kept is not None:
            kept.update(sent)

    jobs._merge_executor_config = merge_both_ways


def numeric_has_38_digits() -> None:
    """Bare NUMERIC is DECIMAL(38, 9); DuckDB's bare DECIMAL is (18, 3)."""
    plain = DuckDBGenerator.TRANSFORMS[exp.DataType]

    def datatype_sql(generator, expression):
        bare = expression.this is exp.DataType.Type.DECIMAL and not expression.expressions
        return "DECIMAL(38, 9)" if bare else plain(generator, expression)

    DuckDBGenerator.TRANSFORMS[exp.DataType] = datatype_sql


def no_read_within_a_job() -> None:
    """Storage reads run in threads of their own on the one connection: they saw half a transaction."""
    busy = threading.RLock()
    fetch = DuckDBEngine.fetch_arrow

    def fetch_alone(*arguments):
        with busy:
            return fetch(*arguments)

    def alone(run):
        async def run_alone(*arguments, **named):
            with busy:
                return await run(*arguments, **named)

        return run_alone

    DuckDBEngine.fetch_arrow = fetch_alone
    for module, name in (
        (jobs, "execute_query_job"),
        (jobs, "execute_load_job"),
        (jobs, "execute_copy_job"),
        (upload, "execute_load_job"),
    ):
        setattr(module, name, alone(getattr(module, name)))


def scripts_can_raise() -> None:
    """RAISE fails the job; in the emulator it was an error of the server."""
    run = ScriptInterpreter.run

    async def run_and_fail(interpreter, source):
        try:
            return await run(interpreter, source)
        except ScriptRaise as raised:
            raise raised.error from raised

    ScriptInterpreter.run = run_and_fail


def scripts_can_assert() -> None:
    """ASSERT expression [AS 'description']: false or NULL fails the job, and rolls its transaction back."""
    statement = ScriptInterpreter._exec_sql
    asserted = re.compile(
        r"""\s*ASSERT\b(?P<that>.*?)(\sAS\s+(?P<text>'[^']*'|"[^"]*"))?\s*""", re.DOTALL | re.IGNORECASE
    )

    async def checked(interpreter, sql):
        found = asserted.fullmatch(sql)
        if found is None:
            return await statement(interpreter, sql)
        if not await interpreter._eval_expr_scalar(found["that"]):
            raise InvalidQueryError((found["text"] or "Assertion failed").strip("'\""))
        interpreter._final_table = None
        return None

    ScriptInterpreter._exec_sql = checked


def a_dry_run_runs_no_script() -> None:
    """The emulator takes a script for a query and runs it to learn its columns."""
    classify = jobs.classify_statement_type

    def with_scripts(sql):
        statements = executor._parse_script_or_raise(sql).statements
        one = len(statements) == 1 and isinstance(statements[0], executor.SqlStmt)
        return classify(sql) if one else "SCRIPT"

    jobs.classify_statement_type = with_scripts
    jobs._DESTRUCTIVE_STATEMENT_TYPES |= {"SCRIPT"}


def idle_connections_stay() -> None:
    """As Google's do, for minutes: uvicorn's five seconds were over just when a test asked once more."""
    uvicorn.Config.__init__ = partialmethod(uvicorn.Config.__init__, timeout_keep_alive=600)


PATCHES = (
    idle_connections_stay,
    load_spatial_from_its_wheel,
    accept_any_media_type,
    keep_the_id_of_a_load_job,
    keep_the_configuration_of_a_job,
    numeric_has_38_digits,
    no_read_within_a_job,
    scripts_can_raise,
    scripts_can_assert,
    a_dry_run_runs_no_script,
)
