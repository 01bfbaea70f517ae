"""The snapshot that is stored with the rows of a publication (BR-116), from which they can be made again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from dataset_assets.contract.model import Dataset
from dataset_assets.periods.instants import Window
from dataset_assets.ports.record_marks import CONFIRMATION, LOADED_PERIODS
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import INPUTS, with_inputs_of_loads
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.source_locator import source_key
from dataset_assets.sql.build import assemble

READ_FROM = "read_from"
"""The record's key for the targets that nested datasets were read from, if they are others (BR-139)."""
QUALITY = "quality"
"""The key of the quality rules in a definition, and in the list of loads of a bitemporal table."""


def sources_of(run: PreparedRun, target: Target) -> dict[str, str]:
    """Return the version of every source that the run reads, by the source's key; empty text if unknown."""
    inputs = run.inputs
    sources = inputs.scope.sources
    return {source_key(each, inputs.dataset, target): inputs.relations[each.name].version for each in sources}


def window_ends(window: Window | None) -> list[str] | None:
    """Return the first and the end instant of a window as ISO 8601 text; None for all rows."""
    return [window.start.instant.isoformat(), window.end.instant.isoformat()] if window else None


def confirmation(run: PreparedRun, target: Target, record: Record) -> dict[str, Any]:
    """Return the record of an unchanged publication with the inputs of the run that confirmed it.

    Later runs compare their inputs with these, so that a source that was rewritten with the same rows is read
    once only.
    """
    confirmed_at = run.row_stamp.instant.astimezone(UTC).isoformat()
    return {**record, CONFIRMATION: {**_inputs_of(run, target), "confirmed_at": confirmed_at}}


def latest_inputs(record: Record) -> Mapping[str, Any]:
    """Return the newest `as_of`, `window`, `sources` and `selection` that are known to give these rows."""
    return record.get(CONFIRMATION) or record


def inputs_of_rows(record: Record) -> tuple[Mapping[str, Any], ...]:
    """Return the inputs that are known to give the rows of a publication, the newest first.

    A rollback takes over when its rows are due from the publication that it replaces, which is no input of
    theirs.
    """
    is_rollback = record.get("operation", {}).get("kind") == "rollback"
    return (record,) if is_rollback else (latest_inputs(record), record)


def read_at(record: Record) -> datetime:
    """Return the instant of the latest run that read the sources of a publication."""
    return datetime.fromisoformat(latest_inputs(record).get("confirmed_at") or record["published_at"])


def with_inputs_of(record: Record, present: Record) -> dict[str, Any]:
    """Return a record that is as up to date as `present`: it is due when that would have been due.

    Rows that were changed by hand, or that replace the present ones by hand, stay until a source changes.
    """
    if LOADED_PERIODS in record:
        return with_inputs_of_loads(record, present)
    inputs = latest_inputs(present)
    kept = {name: inputs[name] for name in INPUTS if name in inputs}
    return {**record, CONFIRMATION: {**kept, "confirmed_at": read_at(present).isoformat()}}


def _inputs_of(run: PreparedRun, target: Target) -> dict[str, Any]:
    return {
        "as_of": run.inputs.as_of.instant.isoformat(),
        "window": window_ends(run.inputs.window),
        "sources": sources_of(run, target),
        "periods": {key: list(ids) for key, ids in run.periods.items()},
        "gone": {key: list(ids) for key, ids in run.missing_periods.items()},
        "selection": selection_digest(run, target),
        **_read_from(run, target),
    }


def _read_from(run: PreparedRun, target: Target) -> dict[str, Any]:
    """Return the other targets that nested datasets were read from, by key; empty if there are none."""
    inputs = run.inputs
    found = {
        source_key(each, inputs.dataset, target): name
        for each in inputs.scope.sources
        if (name := inputs.relations[each.name].read_from)
    }
    return {READ_FROM: found} if found else {}


def _period_of(run: PreparedRun) -> dict[str, Any]:
    """Return the Period of a publication; a bitemporal table is the publication of all its Periods."""
    period = None if run.is_bitemporal else run.request.period
    return {
        "period": period.id if period else None,
        "period_start": period.start.isoformat() if period else None,
    }


def load_facts(run: PreparedRun, target: Target) -> dict[str, Any]:
    """Return what the record of a bitemporal table says of the load of one Period, without its figures."""
    period = run.request.period
    return {
        "period_start": period.start.isoformat() if period else None,
        "version": run.version.number,
        "sha256": run.version.sha256,
        **_inputs_of(run, target),
        QUALITY: quality_of(run.inputs.dataset),
        "run_id": run.request.run_id,
        "loaded_at": run.row_stamp.instant.astimezone(UTC).isoformat(),
    }


def selection_digest(run: PreparedRun, target: Target) -> str:
    """Return the SHA-256 of the rendered selection query.

    Equal hashes over equal source versions mean equal rows.
    """
    text = target.engine.dialect.render(assemble(run.original_selection or run.selection), pretty=False)
    return sha256("\n".join([text, *run.external_queries]).encode()).hexdigest()


def definition_of(dataset: Dataset) -> dict[str, Any]:
    """Return a definition as a record holds it: its fields without defaults, as plain JSON values."""
    return dataset.model_dump(mode="json", exclude_defaults=True)


def quality_of(dataset: Dataset) -> list[Any]:
    """Return the quality rules of a definition as a record holds them."""
    return dataset.model_dump(mode="json", exclude_defaults=True, include={QUALITY}).get(QUALITY, [])


def snapshot(run: PreparedRun, target: Target, sql: str) -> dict[str, Any]:
    """Return the record of a run as plain JSON values, without the figures that the audit adds.

    `replaces` is the table version whose rows kept their ids (BR-117).
    """
    inputs, request = run.inputs, run.request
    return {
        "dataset": request.entry.stem,
        "dataset_id": str(run.dataset_id),
        "version": run.version.number,
        "sha256": run.version.sha256,
        **_period_of(run),
        **_inputs_of(run, target),
        "replaces": run.previous.version if run.previous else None,
        "published_at": run.row_stamp.instant.astimezone(UTC).isoformat(),
        "run_id": request.run_id,
        "project_id": str(request.project_id) if request.project_id else None,
        "target": target.name,
        "moved": dict(run.transfer_usage),
        "definition": definition_of(inputs.dataset),
        "columns": [{"name": c.name, "type": c.type.value, "nullable": c.nullable} for c in run.columns],
        "sql": sql,
    }
