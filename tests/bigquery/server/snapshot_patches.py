"""Make the server read a table at an earlier instant as BigQuery does, and refuse what BigQuery refuses."""

import re
from datetime import datetime

import pyarrow as pa
import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.sql import inner_query
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.versioning.snapshot_table import SnapshotTableManager
from sqlglot import exp

_NAME = r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`"
_SNAPSHOT = re.compile(
    rf"\s*CREATE SNAPSHOT TABLE IF NOT EXISTS {_NAME} CLONE {_NAME}"
    r" FOR SYSTEM_TIME AS OF TIMESTAMP '([^']+)'\s*;?\s*"
)


def a_snapshot_can_be_of_an_earlier_instant() -> None:
    """CREATE SNAPSHOT TABLE IF NOT EXISTS a CLONE b FOR SYSTEM_TIME AS OF TIMESTAMP '...'."""
    run = executor._maybe_run_versioning_ddl

    async def run_with_time(project, sql, ctx):
        found = _SNAPSHOT.fullmatch(sql)
        if found is None:
            return await run(project, sql, ctx)
        target, source, at = found.groups()[:3], found.groups()[3:6], datetime.fromisoformat(found[7])
        if ctx.catalog.get_table(*target) is None:
            earlier = ctx.snapshots.resolve_time_travel(*source, at)
            await SnapshotTableManager(ctx).create(*target, *source)
            ctx.catalog.delete_snapshot("user__" + "__".join(target))  # time travel took it for a past state
            if earlier is not None:
                rows = f'"{earlier.duckdb_schema}"."{earlier.duckdb_table}"'
                ctx.engine.execute(
                    f"CREATE OR REPLACE TABLE {quoted_table_ref(*target)} AS SELECT * FROM {rows}"
                )
        return pa.table({})

    executor._maybe_run_versioning_ddl = run_with_time


def a_statement_reads_a_table_at_one_point_in_time() -> None:
    """A table is not read at two instants, or at one beside the present; one that is written is not read."""
    rewrite = inner_query.rewrite_for_system_time

    def checked(sql, project, *others):
        if "SYSTEM_TIME" in sql.upper():
            _refuse_two_points_in_time(sql, project)
        return rewrite(sql, project, *others)

    inner_query.rewrite_for_system_time = checked


def _refuse_two_points_in_time(sql: str, project: str) -> None:
    (statement,) = sqlglot.parse(sql, read="bigquery")
    written = statement.this if isinstance(statement, exp.Insert | exp.Create) else None
    read: dict[tuple[str, ...], str] = {}
    for table in statement.find_all(exp.Table):
        instant = table.args["version"].sql("bigquery") if table.args.get("version") else ""
        name = table.catalog or project, table.db, table.name
        if table is not written and table.db and read.setdefault(name, instant) != instant:
            table_id = f"{name[0]}:{name[1]}.{name[2]}"
            message = f"Table {table_id} cannot be referenced at more than one point in time in one statement"
            raise InvalidQueryError(message)


PATCHES = (a_snapshot_can_be_of_an_earlier_instant, a_statement_reads_a_table_at_one_point_in_time)
