"""Values as Dagster's metadata takes them."""

from typing import Any

import dagster as dg


def plain(value: Any) -> Any:
    """A value as Dagster's metadata takes it: numbers and texts as they are, the rest as JSON."""
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
