"""Write the files of `dg scaffold defs`: a component that works at once, over a table with a few rows."""

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from dagster import Scaffolder, ScaffoldRequest
from dagster.components.component_scaffolding import scaffold_component
from typing_extensions import override

EXAMPLE = """\
name: Basket lines
owner: user-ana                   # one of users.yaml
natural_key_columns: [order_id, product_id]
main_table:
  name: orders
  columns:
    - {name: order_id, type: integer, nullable: false}
    - {name: product_id, type: integer, nullable: false}
    - {name: customer_id, type: integer, nullable: false}
    - {name: ordered_at, type: timestamp, nullable: false}
    - {name: price, type: decimal}
column_mapping: {user_id: customer_id, product_id: product_id, timestamp: ordered_at, revenue: price}
split_config: {strategy: random, unit: row, train_percent: 75}
"""
"""Example dataset over the table that is written beside it."""

_ABOUT = "# What a dataset may say: README of dataset-assets. Its JSON Schema: `dataset-assets schema`.\n"
_TARGET = """\
# Where tables are, and where datasets go. Relative paths begin at this folder.
target:
  engine: {{type: duckdb, memory_limit: 4GB}}
  warehouse: {{type: delta, root: {warehouse}}}
  default_resolver: shop
  resolvers:
    shop: {{type: csv, root: ./tables}}     # or parquet, delta, duckdb, bigquery
"""
_USERS = """\
users:
  user-ana: {email: ana@example.com}
"""
_ORDERS = """\
order_id,product_id,customer_id,ordered_at,price
1,10,100,2026-01-05T09:30:00Z,2.50
1,11,100,2026-01-05T09:30:00Z,4.00
2,10,101,2026-01-09T18:05:00Z,2.50
3,12,102,2026-01-17T12:00:00Z,19.90
4,11,101,2026-02-02T08:45:00Z,4.20
4,13,101,2026-02-02T08:45:00Z,7.15
5,10,103,2026-02-11T16:20:00Z,2.60
6,12,100,2026-02-20T10:10:00Z,18.50
"""


class _ExampleScaffolder(Scaffolder):
    """Writes a component's own files, and beside them users, a target and the table that it reads."""

    @override
    def scaffold(self, request: ScaffoldRequest) -> None:
        """Write the files. A component in Python or in an existing file gets no example."""
        if request.scaffold_format != "yaml" or request.append:
            scaffold_component(request, {})
            return
        folder = request.target_path
        root = os.path.relpath((request.project_root or folder) / "warehouse", folder)
        files = {
            "target.yaml": _TARGET.format(warehouse=root),
            "users.yaml": _USERS,
            "tables/orders.csv": _ORDERS,
            **self.files(request.type_name, folder.name),
        }
        for name, text in files.items():
            _write(folder / name, text)

    @abstractmethod
    def files(self, type_name: str, name: str) -> Mapping[str, str]:
        """Return the text of each file by its path; `name` is the name of the component's folder."""


class DatasetsScaffolder(_ExampleScaffolder):
    """Scaffolds a DatasetsComponent with one dataset in its folder."""

    @override
    def files(self, type_name: str, name: str) -> Mapping[str, str]:
        """Return the component and its first dataset, named after the folder to be unique in the project."""
        return {
            "defs.yaml": f"type: {type_name}\nattributes:\n  target: target.yaml\n",
            f"datasets/{name}_example.yaml": f"{_ABOUT}dataset:\n{indent(EXAMPLE, '  ')}",
        }


class DatasetScaffolder(_ExampleScaffolder):
    """Scaffolds a DatasetComponent with the dataset in its own file."""

    @override
    def files(self, type_name: str, name: str) -> Mapping[str, str]:
        """Return the component, whose folder names the dataset."""
        attributes = f"  target: target.yaml\n  dataset:\n{indent(EXAMPLE, '    ')}"
        return {"defs.yaml": f"{_ABOUT}type: {type_name}\nattributes:\n{attributes}"}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
