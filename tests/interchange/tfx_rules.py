"""The type rules of TFX's BigQueryExampleGen, written from its documentation and its behaviour as an oracle.

It asks BigQuery for the schema of `SELECT * FROM (query) LIMIT 0`, by the names of the REST API, and makes of
each value a feature by the type of its column. Anything else than these types stops the pipeline.
"""

import struct
from collections.abc import Mapping
from typing import Any

KINDS = {"INTEGER": "int64", "BOOLEAN": "int64", "FLOAT": "float", "STRING": "bytes"}
"""Type in the REST API → kind of the feature's list."""


def feature(kind: str, value: Any) -> tuple[str, Any]:
    """Return the kind and the value of the feature of a column; an empty feature for NULL.

    Raises ValueError for a type that TFX does not take, and for a value that does not fit into its list.
    """
    if kind not in KINDS:
        raise ValueError(f"BigQuery column type {kind} is not supported")
    if value is None:
        return "none", None
    listed = KINDS[kind]
    if listed == "int64":
        return listed, struct.unpack("<q", struct.pack("<q", value))[0]
    if listed == "float":
        return listed, struct.unpack("<f", struct.pack("<f", value))[0]
    return listed, value.encode()


def example(schema: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return the features of a row."""
    return {name: feature(schema[name], value) for name, value in row.items()}
