"""The snapshot that stays with the rows (BR-116): what they are, and how to make them again."""

from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import Any

from dataset_assets.periods.instants import Window
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.source_locator import source_key
from dataset_assets.sql.build import assemble

CONFIRMATION = "affirmed"
"""In a record: what is told of the latest run that found the rows to be the same."""


def sources_of(work: PreparedRun, target: Target) -> dict[str, str]:
    """The version of every source that was read, by the source's key."""
    inputs = work.inputs
    sources = inputs.scope.sources
    return {source_key(each, inputs.dataset, target): inputs.relations[each.name].version for each in sources}


def window_ends(window: Window | None) -> list[str] | None:
    """The instants between which rows were selected."""
    return [window.start.instant.isoformat(), window.end.instant.isoformat()] if window else None


def confirmation(work: PreparedRun, target: Target, record: Record) -> dict[str, Any]:
    """The record of a publication that stands, with what its rows were found to be the rows of as well.

    So a source that was written anew with the same rows is not read again for them.
    """
    return {**record, CONFIRMATION: _made_from(work, target)}


def made_from(record: Record) -> Mapping[str, Any]:
    """The newest `as_of`, `window`, `sources` and `selection` of which a publication has the rows."""
    return record.get(CONFIRMATION) or record


def _made_from(work: PreparedRun, target: Target) -> dict[str, Any]:
    return {
        "as_of": work.inputs.as_of.instant.isoformat(),
        "window": window_ends(work.inputs.window),
        "sources": sources_of(work, target),
        "periods": {key: list(ids) for key, ids in work.periods.items()},
        "gone": {key: list(ids) for key, ids in work.gone.items()},
        "selection": selection_digest(work, target),
    }


def selection_digest(work: PreparedRun, target: Target) -> str:
    """Of the text that selects the rows: the same text over the same source versions selects the same."""
    text = target.engine.dialect.render(assemble(work.asked or work.selection), pretty=False)
    return sha256("\n".join([text, *work.apart]).encode()).hexdigest()


def snapshot(work: PreparedRun, target: Target, sql: str) -> dict[str, Any]:
    """Plain JSON values; what the audit finds is added by the one who audits.

    `replaces`: the table version whose rows kept their ids (BR-117).
    """
    inputs, request = work.inputs, work.request
    return {
        "dataset": request.entry.stem,
        "dataset_id": str(work.dataset_id),
        "version": work.version.number,
        "sha256": work.version.sha256,
        "period": work.period,
        "period_start": request.period.start.isoformat() if request.period else None,
        **_made_from(work, target),
        "replaces": work.before.version if work.before else None,
        "published_at": work.stamp.instant.astimezone(UTC).isoformat(),
        "run_id": request.run_id,
        "project_id": str(request.project_id) if request.project_id else None,
        "target": target.name,
        "moved": dict(work.moving),
        "definition": inputs.dataset.model_dump(mode="json", exclude_defaults=True),
        "columns": [{"name": c.name, "type": c.type.value, "nullable": c.nullable} for c in work.columns],
        "sql": sql,
    }
