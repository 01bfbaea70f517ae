"""Compute the structure of a Dataset, and the hashes of it and of the whole file (BR-006, BR-115)."""

import hashlib
import json
from typing import Any

from dataset_assets.contract.model import Dataset

_STRUCTURAL = {
    "main_table",
    "lookups",
    "natural_key_columns",
    "column_mapping",
    "extra_columns",
    "filters",
    "split_config",
    "partitions",
    "resolver_id",
}
_SYSTEM = {"id", "version", "created_at", "updated_at"}
_NOT_STRUCTURAL_IN_COLUMNS = ("description", "sensitive")


def structure(dataset: Dataset) -> dict[str, Any]:
    """Return the canonical structural form (BR-114): the structural fields without defaults, keys sorted."""
    return json.loads(_structure_text(dataset))


def _structure_text(dataset: Dataset) -> str:
    fields = dataset.model_dump(mode="json", include=_STRUCTURAL, exclude_defaults=True)
    lookups = fields.get("lookups", [])
    for lookup in lookups:
        name = lookup["target"].get("name") or lookup["target"]["id"]
        lookup["alias"] = lookup.get("alias") or name
    for table in (fields["main_table"], *(lookup["target"] for lookup in lookups)):
        for column in table.get("columns", ()):
            for key in _NOT_STRUCTURAL_IN_COLUMNS:
                column.pop(key, None)
    return _canonical(fields)


def structural_hash(dataset: Dataset) -> str:
    """Return the SHA-256 of the canonical structural form, in hexadecimal."""
    return hashlib.sha256(_structure_text(dataset).encode()).hexdigest()


def content_hash(dataset: Dataset) -> str:
    """Return the SHA-256 of all fields that people write, without comments and layout."""
    return canonical_sha256(dataset.model_dump(mode="json", exclude=_SYSTEM, exclude_defaults=True))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_sha256(value: Any) -> str:
    """Return the SHA-256 of plain data, in hexadecimal; the order of keys does not count."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()
