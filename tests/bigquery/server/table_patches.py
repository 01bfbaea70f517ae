"""What BigQuery tells about a table and the emulator forgets; part of the server's process."""

from datetime import datetime

import sqlglot
from bqemulator.api.dependencies import AppContext
from bqemulator.api.routes import tables
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.models import Clustering, TableMeta, TableSchema
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.versioning.snapshots import SnapshotManager
from sqlglot import exp


def tables_tell_what_they_were_made_with() -> None:
    """Clustering, labels, expiry and column descriptions of CREATE and ALTER TABLE, and added columns."""
    create = ddl_sync.sync_created_table

    def sync(sql, project, ctx):
        create(sql, project, ctx)
        statement = sqlglot.parse_one(sql, read="bigquery")
        if isinstance(statement, exp.Create | exp.Alter) and statement.kind == "TABLE":
            _remember(statement, project, ctx)

    executor.sync_created_table = interpreter.sync_created_table = sync


def _remember(statement: exp.Create | exp.Alter, project: str, ctx: AppContext) -> None:
    reference = ddl_sync._split_target(statement.find(exp.Table), project)
    known = ctx.catalog.get_table(*reference)
    if known is None:
        return
    physical = ddl_sync._introspect_schema(*reference, ctx).fields
    described = {field.name: field.description for field in known.schema_.fields} | _descriptions(statement)
    fields = tuple(f.model_copy(update={"description": described.get(f.name)}) for f in physical)
    own = {"schema_": TableSchema(fields=fields), **_options(statement, ctx)}
    ctx.catalog.update_table(known.model_copy(update=own))
    ctx.snapshots.record_change(*reference)


def _descriptions(statement: exp.Expression) -> dict[str, str]:
    return {
        column.name: option.args["value"].name
        for column in statement.find_all(exp.ColumnDef)
        for option in column.find_all(exp.Property)
        if option.name == "description"
    }


def _options(statement: exp.Expression, ctx: AppContext) -> dict:
    found = {}
    for properties in statement.find_all(exp.Properties):
        if properties.find_ancestor(exp.ColumnDef):
            continue
        for one in properties.expressions:
            if isinstance(one, exp.ClusterProperty):
                found["clustering"] = Clustering(fields=tuple(column.name for column in one.expressions))
            elif isinstance(one, exp.Property) and one.name in OPTIONS:
                field, value = OPTIONS[one.name]
                found[field] = value(one.args["value"], ctx)
    return found


def _instant(value: exp.Expression, ctx: AppContext) -> datetime | None:
    return ctx.engine.execute(f"SELECT {value.sql('duckdb')}").fetchone()[0]


OPTIONS = {
    "expiration_timestamp": ("expiration_time", _instant),
    "labels": ("labels", lambda value, _: {k.name: v.name for k, v in (t.expressions for t in value)}),
    "description": ("description", lambda value, _: value.name or None),
}


def tables_tell_when_they_expire() -> None:
    """`expirationTime` of tables.get, insert, patch and update."""
    answer, read = tables._table_to_rest, tables._rest_to_table_meta

    def answer_with_expiry(table):
        expiry = table.expiration_time
        return answer(table) | ({"expirationTime": str(int(expiry.timestamp() * 1000))} if expiry else {})

    def read_with_expiry(project, dataset, body, clock, existing=None) -> TableMeta:
        expiry = existing.expiration_time if existing else None
        if "expirationTime" in body:
            milliseconds = body["expirationTime"]
            expiry = (
                datetime.fromtimestamp(int(milliseconds) / 1000, clock.now().tzinfo) if milliseconds else None
            )
        found = read(project, dataset, body, clock, existing)
        return found.model_copy(update={"expiration_time": expiry})

    tables._table_to_rest, tables._rest_to_table_meta = answer_with_expiry, read_with_expiry


def tables_tell_their_rows() -> None:
    """`numRows` and `lastModifiedTime` after every change, not after the table's creation alone."""
    record = SnapshotManager.record_change

    def record_and_count(manager, *reference):
        known = manager._catalog.get_table(*reference)
        if known is not None:
            counted = manager._engine.execute(f"SELECT COUNT(*) FROM {quoted_table_ref(*reference)}")
            now = {"num_rows": counted.fetchone()[0], "last_modified_time": manager._clock.now()}
            manager._catalog.update_table(known.model_copy(update=now))
        return record(manager, *reference)

    SnapshotManager.record_change = record_and_count


def scripts_change_tables() -> None:
    """A script's changes are history too: time travel and tables.get stayed at what was before it."""
    run, statement = interpreter.ScriptInterpreter.run, interpreter.ScriptInterpreter._exec_sql

    async def run_and_record(self, source):
        self.changed = set()
        result = await run(self, source)
        for reference in self.changed:
            self._ctx.snapshots.record_change(*reference)
        return result

    async def noted(self, sql):
        await statement(self, sql)
        parsed = executor._parse_for_classification(sql)
        if parsed is not None and executor._is_dml(parsed):
            self.changed.update(executor._dml_target_tables(parsed, self._project_id))

    interpreter.ScriptInterpreter.run, interpreter.ScriptInterpreter._exec_sql = run_and_record, noted


PATCHES = (
    tables_tell_what_they_were_made_with,
    tables_tell_when_they_expire,
    tables_tell_their_rows,
    scripts_change_tables,
)
