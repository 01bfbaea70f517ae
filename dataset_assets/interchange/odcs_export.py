"""Write a dataset as a contract of the Open Data Contract Standard (ODCS) v3.1."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType, Dataset, Status
from dataset_assets.contract.scope import OutputColumn, Scope
from dataset_assets.interchange.odcs_quality import schema_quality
from dataset_assets.ports.target import Target
from dataset_assets.sql.dialect import Dialect
from dataset_assets.text.values import without_none

API_VERSION = "v3.1.0"
LOGICAL_TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "number",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
}
_STATUS: Mapping[Status, str] = {
    Status.DRAFT: "draft",
    Status.ACTIVE: "active",
    Status.DISABLED: "deprecated",
    Status.ARCHIVED: "retired",
}
CONFIDENTIAL = "confidential"
"""The classification of a sensitive column."""
FREQUENCY = "frequency"
"""The property of the service level with the interval between publications."""


@dataclass(frozen=True)
class _Contract:
    """Writes the parts of one dataset's contract for the tables of a target."""

    entry: Entry
    scope: Scope
    catalog: Catalog
    target: Target

    @property
    def dataset(self) -> Dataset:
        return self.scope.dataset

    @property
    def dialect(self) -> Dialect:
        return self.target.engine.dialect

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Yield the contract's keys; a value that is None or empty is left out."""
        dataset = self.dataset
        yield "apiVersion", API_VERSION
        yield "kind", "DataContract"
        yield "id", str(dataset.id or self.entry.stem)
        yield "name", dataset.name
        yield "version", f"{self.entry.lock.version_of(dataset).number}.0.0"
        yield "status", _STATUS[dataset.status]
        yield "description", {"purpose": dataset.description} if dataset.description else None
        yield "servers", [*self._servers()]
        yield "schema", [self._table()]
        yield "team", self._team()
        yield "slaProperties", [*self._service_level()]
        yield "customProperties", _custom({"mlModel": dataset.ml_model, "datasetAssets": self.entry.stem})

    def _servers(self) -> Iterator[dict[str, Any]]:
        """Yield the server of the target if it is BigQuery; a local folder is nobody else's business."""
        warehouse = self.target.warehouse
        if warehouse.kind == "bigquery":
            project, dataset, _ = warehouse.table_name(self.entry.stem).split(".")
            yield {"server": self.target.name, "type": "bigquery", "project": project, "dataset": dataset}

    def _table(self) -> dict[str, Any]:
        dataset, stem = self.dataset, self.entry.stem
        by_period = f"A publication for each {dataset.partitions.period}" if dataset.partitions else None
        table = {
            "name": stem,
            "physicalName": stem,
            "logicalType": "object",
            "physicalType": "table",
            "description": dataset.description or None,
            "dataGranularityDescription": by_period,
            "properties": [self._column(output) for output in self.scope.outputs],
            "quality": [*schema_quality(stem, dataset, self.scope, self.dialect)],
        }
        return {name: value for name, value in table.items() if value}

    def _column(self, output: OutputColumn) -> dict[str, Any]:
        column, reference = output.definition, output.reference
        key = [name.lower() for name in self.dataset.natural_key_columns]
        position = key.index(column.name.lower()) + 1 if column.name.lower() in key else None
        written = {
            "name": column.name,
            "physicalName": column.name,
            "logicalType": LOGICAL_TYPES[column.type],
            "physicalType": self._physical(column.type),
            "description": column.description or None,
            "required": not column.nullable,
            "primaryKey": True if position else None,
            "primaryKeyPosition": position,
            "classification": CONFIDENTIAL if column.sensitive else None,
            "transformSourceObjects": [reference.source.reads] if reference else None,
            "transformLogic": f"{reference.source.name}.{reference.column.name}" if reference else None,
        }
        return without_none(written)

    def _physical(self, kind: ColumnType) -> str:
        """Return the type of a published column as the engine of the target calls it."""
        return self.dialect.render(exp.DataType.build(SQL_TYPES[kind], dialect="duckdb"))

    def _team(self) -> dict[str, Any]:
        owner = self.catalog.users.find(self.dataset.owner)
        if owner and owner.team:
            return {"name": owner.team, "members": [{"username": self.dataset.owner, "role": "owner"}]}
        email = {"description": owner.email} if owner and owner.email else {}
        return {"members": [{"username": self.dataset.owner, "role": "owner", **email}]}

    def _service_level(self) -> Iterator[dict[str, Any]]:
        dataset = self.dataset
        if dataset.freshness:
            within, schedule = dataset.freshness.within, {}
            if dataset.refresh and dataset.refresh.cron:
                schedule = {"scheduler": "cron", "schedule": dataset.refresh.cron}
            unit, value = within[-1], int(within[:-1])
            yield {
                "property": FREQUENCY,
                "value": value,
                "unit": unit,
                "element": self.entry.stem,
                "description": "The latest publication, or the last run that found it unchanged, is no older",
                **schedule,
            }


def odcs_contract(catalog: Catalog, entry: Entry, target: Target) -> dict[str, Any]:
    """Return the contract of a dataset's published table, without system columns.

    Raises ContractError if the dataset's file has faults.
    """
    catalog.checked(entry)
    parts = _Contract(entry, catalog.scope(entry), catalog, target).parts()
    return {name: value for name, value in parts if value}


def contract_text(contract: Mapping[str, Any]) -> str:
    """Return a contract as YAML without anchors."""
    plain = json.loads(json.dumps(contract))  # equal parts become different objects
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def _custom(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in without_none(values).items()]
