"""Find the columns whose values a random split of rows hashes, in the canonical form of a structure."""

from collections.abc import Mapping
from typing import Any

from dataset_assets.selection.column_mapping import ColumnMapping


def hashed_columns(structure: Mapping[str, Any]) -> list[str]:
    """Return the columns that a random split of rows hashes; none if no row is split by these.

    With `null_unit: row`, rows without a unit are split by them. They are `SelectionInput.row_key` of a
    dataset without a natural key.
    """
    config = structure.get("split_config") or {}
    by_row = config.get("strategy") == "random" and "row" in (
        config.get("unit", "row"),
        config.get("null_unit"),
    )
    if not by_row or structure.get("natural_key_columns"):
        return []
    declared = [each["name"] for each in structure["main_table"]["columns"]]
    mapping = structure.get("column_mapping")
    if mapping is None:
        return [name.lower() for name in declared]
    concepts = [(name, mapping[name]) for name in ColumnMapping.model_fields if name in mapping]
    extra = [(ref.replace(".", "__"), ref) for ref in structure.get("extra_columns", [])]
    published: dict[str, str] = {}
    for name, ref in (*concepts, *extra):
        published.setdefault(name.lower(), ref.lower())
    return [ref for ref in published.values() if "." not in ref] or [name.lower() for name in declared]
