"""Commit one Period's staged file to a Delta table; readers see the old rows or the new ones (BR-201)."""

import json
from itertools import count
from pathlib import Path
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.folder import DatasetFolder, fsync, move, write_json
from dataset_assets.adapters.delta.log_commits import commit_path, read_commit
from dataset_assets.adapters.duckdb.engine import WrittenFile
from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.warehouse import Claim, Record
from dataset_assets.system_errors import system_error

FOREVER = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    "delta.enableExpiredLogCleanup": "false",
}
"""Table properties that keep every publication readable by its version for ten years."""


def put_in_place(folder: DatasetFolder, claim: Claim, written: WrittenFile, record: Record) -> AddAction:
    """Write the record, move the staged file to its final path, and return the action that adds the file.

    Readers do not see the file until it is committed. Raises PublishError if the staged file is gone.
    """
    data, staging = folder.data_path(claim), folder.staging_path(claim)
    write_json(folder.record_path(data), record)
    if not data.exists():
        if not staging.exists():
            raise PublishError(Fault(f"the staged rows {staging} are gone", hint="run again"))
        move(staging, data)
    stats = {"numRecords": written.rows, "nullCount": written.nulls}
    stat = data.stat()
    path = data.relative_to(folder.path).as_posix()
    return AddAction(
        path,
        stat.st_size,
        dict(delta_periods.constants(claim.period)),
        int(stat.st_mtime * 1000),
        True,
        json.dumps(stats),
    )


def commit(
    folder: DatasetFolder,
    table: DeltaTable | None,
    claim: Claim,
    action: AddAction,
    schema: Any,
    record: Record,
) -> int:
    """Replace the Period's rows with the added file in one commit, and return the table's new version.

    Creates the table if `table` is None. Raises PublishError if Delta refuses the commit, OSError if the
    disk does.
    """
    try:
        _write_commit(folder, table, claim, action, schema, record)
    except (DeltaError, OSError) as error:
        refused = system_error(error, folder.path / "_delta_log")
        if refused:
            raise refused from error
        raise PublishError(Fault(f"the Delta table refused the commit: {error}", hint="run again")) from error
    log = folder.path / "_delta_log"
    version = _committed_version(log, claim, 0 if table is None else table.version() + 1)
    fsync(commit_path(log, version))
    fsync(log)
    return version


def _committed_version(log: Path, claim: Claim, first: int) -> int:
    """Return the version of a claim's commit, which is `first` unless another tool committed meanwhile."""
    for version in count(first):
        commit = read_commit(log, version)
        if commit is None:
            raise LookupError(f"the commit of {claim} is not in {log}")
        if (commit.token, commit.period) == (str(claim.token), claim.period):
            return version
    raise AssertionError


def _write_commit(
    folder: DatasetFolder,
    table: DeltaTable | None,
    claim: Claim,
    action: AddAction,
    schema: Any,
    record: Record,
) -> None:
    identity = {"run_id": claim.run_id, "period": claim.period or "", "token": str(claim.token)}
    properties = CommitProperties({**identity, "dataset_version": str(record.get("version", ""))})
    partition_by = list(delta_periods.constants(claim.period))
    if table is None:
        create_table_with_add_actions(
            folder.path.absolute().as_uri(), schema, [action], "error", partition_by,
            configuration=FOREVER, commit_properties=properties,
        )  # fmt: skip
    else:
        filters = delta_periods.filters(table, claim.period) or None
        table.create_write_transaction(
            [action], "overwrite", schema, partition_by, filters, commit_properties=properties
        )
