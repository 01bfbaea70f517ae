"""The record of one publication of an output, which has the keys of a dataset's record and `output`."""

from dataclasses import asdict
from typing import Any

from dataset_assets.publishing.output_query import RowCounts
from dataset_assets.publishing.output_sources import OUTPUT, STATE, OutputSources
from dataset_assets.publishing.snapshot import latest_inputs
from dataset_assets.rows.visible_rows import DELETED_ROWS


def output_inputs(sources: OutputSources) -> dict[str, Any]:
    """Return what the rows are made of, with the as-of and the window of the dataset's publication."""
    record = latest_inputs(sources.record)
    return {
        "as_of": record["as_of"],
        "window": record["window"],
        "sources": sources.versions,
        STATE: sources.state,
    }


def output_record(sources: OutputSources, version: int, counts: RowCounts) -> dict[str, Any]:
    """Return the entries that follow from the sources and the counts. `version` is that of the Project."""
    request, columns = sources.request, sources.published.stored
    return {
        "dataset": request.output.stem,
        "version": version,
        "sha256": sources.state["output"],
        "period": request.period_id,
        "period_start": request.period.start.isoformat() if request.period else None,
        **output_inputs(sources),
        "run_id": request.run_id,
        "moved": {},
        "definition": sources.record["definition"],
        "columns": [{"name": c.name, "type": c.type.value, "nullable": c.nullable} for c in columns],
        "counts": asdict(counts.refresh),
        OUTPUT: _output(sources, counts),
        **({DELETED_ROWS: counts.deleted} if counts.deleted else {}),
    }


def _output(sources: OutputSources, counts: RowCounts) -> dict[str, Any]:
    """Return the names and the operations of an output, each with the number of rows that it touched."""
    output = sources.request.output
    sensitive = {each.name for each in sources.columns.stored if each.sensitive}
    operations = [
        {
            "type": each.operation.kind,
            "where": each.where.reported(sensitive),
            **each.operation.settings(),
            "rows": rows,
        }
        for each, rows in zip(sources.operations, counts.touched, strict=True)
    ]
    return {
        "project": output.project,
        "name": output.step.name,
        "dataset": output.dataset,
        "joins": str(output.step.joins),
        "operations": operations,
    }
