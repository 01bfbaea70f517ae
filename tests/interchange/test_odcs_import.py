"""A contract with a strange value at any place is imported, or refused with faults."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import yaml

from dataset_assets.catalog.users import Users
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interchange.odcs_import import import_contract
from dataset_assets.yaml.reader import read

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
name: Payments
description: {purpose: What was paid}
servers: [{server: a, type: bigquery}]
team: {name: t, members: [{username: user-ann, role: owner}]}
slaProperties: [{property: frequency, value: 7, unit: d}]
schema:
  - name: payments
    physicalName: payments
    quality:
      - {name: a, metric: rowCount, mustBeBetween: [1, 2], severity: error}
      - {name: b, metric: duplicateValues, arguments: {properties: [id]}, mustBe: 0}
      - name: c
        type: sql
        customProperties: [{property: datasetAssetsRule, value: {type: where, where: "id > 1"}}]
    properties:
      - name: id
        logicalType: integer
        physicalType: INT64
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        unique: true
        classification: restricted
        logicalTypeOptions: {minimum: 0, maximum: 10, format: x}
        quality:
          - {metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent}
          - {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}
      - {name: at, physicalType: TIMESTAMP}
"""
STRANGE = (None, "x", "'\n", "9" * 30, ["x"], [None], {}, {"a": None})


def places(node: Any, here: tuple = ()) -> Iterator[tuple]:
    """Yield the path of each value within a mapping or a list."""
    keys = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in keys:
        yield (*here, key)
        yield from places(value, (*here, key))


def with_value(data: Any, place: tuple, value: Any) -> Any:
    """Return the data with another value at a place."""
    changed = node = copy.deepcopy(data)
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return changed


def test_a_strange_value_anywhere_is_a_remark_or_a_fault():
    users = Users.model_validate({"user-ann": {"email": "ann@example.com"}})
    contract = yaml.safe_load(CONTRACT)
    assert import_contract(read(CONTRACT, "x.yaml"), users).definition["owner"] == "user-ann"
    read_through = 0
    for place in places(contract):
        for value in STRANGE:
            text = json.dumps(with_value(contract, place, value))
            try:
                import_contract(read(text, "x.yaml"), users)
            except DatasetAssetsError:
                continue
            read_through += 1
    assert read_through > 300
