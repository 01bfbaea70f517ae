"""Snapshots of tables at an earlier instant, which the emulator lacks; part of the server's process."""

import re
from datetime import datetime

import pyarrow as pa
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.versioning.snapshot_table import SnapshotTableManager

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


PATCHES = (a_snapshot_can_be_of_an_earlier_instant,)
