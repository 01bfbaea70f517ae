"""The JSON Schema of a Dataset's file, with which an editor completes and checks it as it is typed."""

from collections.abc import Iterator
from typing import Any

from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Pydantic leaves bounds on a type with a validator of its own in its own words."""


def json_schema() -> dict[str, Any]:
    """The schema of `{dataset: Dataset}`. What only rules can tell (`contract/rules.py`) is not in it."""
    schema = Dataset.model_json_schema()
    definitions = schema.pop("$defs")
    for node in _nodes([schema, definitions]):
        for bound in _BOUNDS.keys() & node.keys():
            node[_BOUNDS[bound]] = node.pop(bound)
        choice = node.get("discriminator", {"mapping": {}})
        for reference in choice["mapping"].values():
            _require(definitions[reference.rpartition("/")[2]], choice["propertyName"])
    # `start: 2017` is a number to an editor, and a year to us.
    definitions["Partitions"]["properties"]["start"]["type"] = ["string", "integer"]
    definitions[Dataset.__name__] = schema
    return {
        "$schema": _DIALECT,
        "title": "dataset-assets: a Dataset",
        "type": "object",
        "properties": {ROOT: {"$ref": f"#/$defs/{Dataset.__name__}"}},
        "required": [ROOT],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping, at any depth."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _nodes(child)


def _require(model: dict[str, Any], key: str) -> None:
    """The key that decides must be there, also where the model has a default for it."""
    model["required"] = sorted({*model.get("required", ()), key})
