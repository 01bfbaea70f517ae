"""Convert Python values to values that Dagster accepts as metadata."""

from typing import Any

import dagster as dg


def metadata_value(value: Any) -> Any:
    """Return a metadata value: numbers and texts unchanged, dicts and lists as JSON, other values as text."""
    match value:
        case bool() | int() | float() | str():
            return value
        case dict() | list() | tuple():
            return dg.MetadataValue.json(_json(value))
        case None:
            return dg.MetadataValue.null()
        case _:
            return str(value)


def _json(value: Any) -> Any:
    match value:
        case dict():
            return {str(name): _json(item) for name, item in value.items()}
        case list() | tuple():
            return [_json(item) for item in value]
        case bool() | int() | float() | str() | None:
            return value
        case _:
            return str(value)
