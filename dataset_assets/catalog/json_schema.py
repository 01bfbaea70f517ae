"""The JSON Schema of a dataset's file, by which an editor completes and checks the file."""

from collections.abc import Iterator
from typing import Any

from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""The JSON Schema keywords for bounds that pydantic leaves unconverted on types with own validators."""


def json_schema() -> dict[str, Any]:
    """Return the schema of `{dataset: Dataset}`, without the rules on several fields."""
    schema = Dataset.model_json_schema()
    definitions = schema.pop("$defs")
    for node in _nodes([schema, definitions]):
        for bound in _BOUNDS.keys() & node.keys():
            node[_BOUNDS[bound]] = node.pop(bound)
        choice = node.get("discriminator", {"mapping": {}})
        for reference in choice["mapping"].values():
            _require(definitions[reference.rpartition("/")[2]], choice["propertyName"])
    # An editor reads `start: 2017` as a number, the library as text.
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
    """Yield every mapping at any depth."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _nodes(child)


def _require(model: dict[str, Any], key: str) -> None:
    """Require the discriminator key, even if the model has a default for it."""
    model["required"] = sorted({*model.get("required", ()), key})
