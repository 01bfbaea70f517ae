"""Describe the change of rows by hand that made a publication."""

from dataset_assets.ports.warehouse import Record


def row_change_in_words(record: Record) -> str:
    """Return what changed by hand, by whom and where, as one line; empty for a publication of a run."""
    operation = record.get("operation")
    if not operation:
        return ""
    if "erasure" in operation:
        by = operation["by"] or "somebody"
        return f"erase {operation['rows']:,} rows by {by}: erasure {operation['erasure']}"
    where = operation.get("where") or f"to version {operation['to']}"
    return f"{operation['kind']} {operation['rows']:,} rows by {operation['by'] or 'somebody'}: {where}"
