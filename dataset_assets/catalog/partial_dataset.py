"""Build a Dataset from a file that is broken in places, so that rules can check the rest (BR-203).

A value that cannot be understood is removed if it is optional, else replaced by a placeholder; list items
keep their index. The places of such values are returned, and no rule reports what depends on them.
"""

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from dataset_assets.catalog.rule_input import PLACEHOLDER, Loc
from dataset_assets.contract.model import Dataset

_ROUNDS = 12
"""How often to replace and validate again: a replacement can uncover faults of another part."""
_MANY = 100
_COLUMN = {"name": PLACEHOLDER, "type": "string"}
_TABLE = {"name": PLACEHOLDER, "columns": [_COLUMN]}
_TARGET = {"type": "dataset", "id": str(UUID(int=0))}
_JOIN = {"source_column": PLACEHOLDER, "target_column": PLACEHOLDER}
_PLACEHOLDERS: dict[str, Any] = {
    "name": PLACEHOLDER,
    "owner": PLACEHOLDER,
    "main_table": _TABLE,
    "columns": [_COLUMN],
    "columns[]": _COLUMN,
    "type": "string",
    "lookups[]": {"target": _TARGET, "join_conditions": [_JOIN]},
    "target": _TARGET,
    "target.id": _TARGET["id"],
    "join_conditions": [_JOIN],
    "join_conditions[]": _JOIN,
    "source_column": PLACEHOLDER,
    "target_column": PLACEHOLDER,
    "user_id": PLACEHOLDER,
    "product_id": PLACEHOLDER,
    "timestamp": PLACEHOLDER,
    "natural_key_columns[]": PLACEHOLDER,
    "extra_columns[]": PLACEHOLDER,
}
"""The placeholder of a required value, by `key`, by `parent.key`, or by `list[]` for an item of a list."""


def partial_dataset(data: Any) -> tuple[Dataset | None, frozenset[Loc]]:
    """Return the Dataset with placeholders for what cannot be understood, and their places.

    `data` is the value of the key `dataset:`. The Dataset is None if nothing of it can be understood.
    """
    data = copy.deepcopy(data)
    replaced: set[Loc] = set()
    if not isinstance(data, dict):
        return None, frozenset(replaced)
    for _ in range(_ROUNDS):
        try:
            return Dataset.model_validate(data), frozenset(replaced)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            kinds = [detail["type"] for detail in details]
            paths = [_path(data, detail["loc"], detail["type"] == "missing") for detail in details]
            unknown = [path for kind, path in zip(kinds, paths, strict=True) if kind == "extra_forbidden"]
            replaced |= _remove_keys(data, unknown)
            for kind, path in zip(kinds, paths, strict=True):
                if kind != "extra_forbidden":
                    replaced.add(_replace(data, path))
    return None, frozenset(replaced)


def _path(data: Any, loc: Sequence[str | int], missing: bool) -> Loc:
    """Return the path in the data, without the union members that pydantic adds to its own path."""
    path: list[str | int] = []
    for step in loc:
        if _has(data, step):
            data = data[step]
            path.append(step)
    return (*path, loc[-1]) if missing else tuple(path)


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, dict) and step in data


def _remove_keys(data: Any, paths: Sequence[Loc]) -> set[Loc]:
    """Remove unknown keys; return the places of the known keys that may have been meant.

    More than `_MANY` unknown keys are not compared with the known ones: then any key of the same mapping may
    have been meant.
    """
    for path in paths:
        holder = _at(data, path[:-1])
        if _has(holder, path[-1]):
            del holder[path[-1]]
    if len(paths) > _MANY:
        return {path[:-1] for path in paths}
    return {
        (*path[:-1], key) for path in paths for key in get_close_matches(str(path[-1]), _known_keys(), n=3)
    }


def _replace(data: Any, path: Loc) -> Loc:
    """Put a placeholder at `path`, or remove the smallest optional value around it; return the place."""
    while path:
        holder = _at(data, path[:-1])
        placeholder = _placeholder(path)
        if holder is None:
            return path
        if placeholder is not None:
            holder[path[-1]] = copy.deepcopy(placeholder)
            return path
        if isinstance(holder, dict) and path[-1] in holder:
            del holder[path[-1]]
            return path
        path = path[:-1]
    return path


def _placeholder(path: Loc) -> Any:
    last, parent = path[-1], path[-2] if len(path) > 1 else ""
    key = f"{parent}[]" if isinstance(last, int) else last
    return _PLACEHOLDERS.get(f"{parent}.{last}", _PLACEHOLDERS.get(key))


def _at(data: Any, path: Loc) -> Any:
    """Return the value at a path; None if an earlier replacement removed it."""
    for step in path:
        if not _has(data, step):
            return None
        data = data[step]
    return data


@cache
def _known_keys() -> tuple[str, ...]:
    schema = Dataset.model_json_schema()
    models = (schema, *schema["$defs"].values())
    return tuple(sorted({key for model in models for key in model.get("properties", {})}))
