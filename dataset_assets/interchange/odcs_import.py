"""Turn a contract of the Open Data Contract Standard (ODCS) v3 into the definition of a new dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dataset_assets.catalog.users import Users
from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import ContractError, Fault
from dataset_assets.interchange.odcs_export import FREQUENCY, LOGICAL_TYPES
from dataset_assets.interchange.odcs_rules import Rules
from dataset_assets.model import is_identifier
from dataset_assets.text.wording import dotted, listed, nearest_first, shown
from dataset_assets.yaml.reader import Document

_TYPES: Mapping[str, ColumnType] = {logical: kind for kind, logical in LOGICAL_TYPES.items()}
_NOT_SENSITIVE = frozenset({"public", "internal", "none"})
"""Classifications of columns that are not sensitive. All others are, unless somebody decides otherwise."""
_UNITS = {"m": "m", "min": "m", "minutes": "m", "h": "h", "hour": "h", "hours": "h"}
_UNITS |= {"d": "d", "day": "d", "days": "d"}
_CARRIED = frozenset({"apiVersion", "kind", "name", "description", "schema", "team", "slaProperties"})
_OF_THE_CONTRACT = frozenset({"id", "version", "status", "contractCreatedTs", "customProperties"})
"""Keys that a new file has no use for: it is a draft, and gets an id and a version of its own."""
_HINTS = {"servers": "a target says where the table is", "roles": "roles are those of users.yaml"}
_OF_A_COLUMN = frozenset(
    {"name", "physicalName", "logicalType", "physicalType", "description", "required", "primaryKey"}
    | {
        "primaryKeyPosition",
        "classification",
        "unique",
        "quality",
        "logicalTypeOptions",
        "id",
        "businessName",
    }
    | {
        "transformSourceObjects",
        "transformLogic",
        "transformDescription",
        "tags",
        "examples",
        "customProperties",
    }
)

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class ImportedContract:
    """The definition of a new dataset, as in a file, and the parts of the contract that it lacks."""

    definition: Mapping[str, Any]
    remarks: tuple[Fault, ...]


@dataclass
class ContractReader:
    """Reads one table of a contract. `remarks` collects the parts that are not imported (BR-144)."""

    document: Document
    users: Users
    remarks: list[Fault] = field(default_factory=list)

    def read(self, table: str | None, owner: str | None) -> ImportedContract:
        """Return the definition with the table as its main table; `owner` replaces the contract's.

        Raises ContractError if it is no contract of ODCS v3, or if the table cannot be chosen.
        """
        data = self._contract()
        place = self._choose(data, table)
        chosen = data["schema"][place]
        columns, key, rules = self._columns(chosen, ("schema", place, "properties"))
        rules.read_all(chosen.get("quality"), ("schema", place, "quality"), None)
        name = str(chosen.get("physicalName") or chosen.get("name"))
        description = data.get("description")
        purpose = description.get("purpose") if isinstance(description, dict) else None
        definition = {
            "name": data.get("name") or chosen.get("businessName") or chosen.get("name"),
            "description": purpose or chosen.get("description"),
            "owner": owner or self._owner(data.get("team")),
            "natural_key_columns": key,
            "main_table": {"name": self._table_name(name, place), "columns": columns},
            "freshness": self._freshness(data.get("slaProperties")),
            "quality": rules.written,
        }
        self._others(data)
        given = {name: value for name, value in definition.items() if value}
        return ImportedContract(given, tuple(self.remarks))

    def remark(self, message: str, path: Path, hint: str) -> None:
        """Record a part of the contract that is not imported, with its place."""
        position = self.document.position(path)
        self.remarks.append(Fault(message, dotted(path), hint, position=position))

    def _contract(self) -> Mapping[str, Any]:
        data = self.document.data
        if not isinstance(data, dict) or data.get("kind") != "DataContract":
            raise self._refusal(
                "is no contract of the Open Data Contract Standard", (), "`kind` is DataContract"
            )
        version = data.get("apiVersion")
        if not str(version).startswith("v3."):
            raise self._refusal(f"is {shown(version)}", ("apiVersion",), "v3 is read: v3.0.0 and later")
        tables = data.get("schema")
        if not isinstance(tables, list) or not all(
            isinstance(each, dict) and each.get("name") for each in tables
        ):
            raise self._refusal(
                "is no list of tables with names", ("schema",), "name each table and its columns"
            )
        return data

    def _choose(self, data: Mapping[str, Any], table: str | None) -> int:
        names = [each["name"] for each in data["schema"]]
        if table is None and len(names) == 1:
            return 0
        if table in names:
            return names.index(table)
        hint = f"it has: {listed(names, 12)}"
        if table is None:
            raise self._refusal(
                "has several tables" if names else "has no table", ("schema",), f"give --main; {hint}"
            )
        raise self._refusal(f"has no table {shown(table)}", ("schema",), nearest_first(table, names, hint))

    def _refusal(self, message: str, path: Path, hint: str) -> ContractError:
        return ContractError(Fault(message, dotted(path), hint, position=self.document.position(path)))

    def _table_name(self, name: str, place: int) -> str:
        if is_identifier(name):
            return name
        hint = "use letters, digits and `_`, beginning with a letter; a target maps it to the stored name"
        raise self._refusal(
            f"is {shown(name)}, which is no name of a table here", ("schema", place, "name"), hint
        )

    def _columns(self, table: Mapping[str, Any], path: Path) -> tuple[list[dict[str, Any]], list[str], Rules]:
        """Return the columns, the names of the natural key in its order, and the rules of the columns."""
        columns: list[dict[str, Any]] = []
        key: list[tuple[int, str]] = []
        rules = Rules(self.remark)
        for number, each in enumerate(table.get("properties") or []):
            here = (*path, number)
            column = self._column(each, here)
            if column is None:
                continue
            columns.append(column)
            if each.get("primaryKey") == "true":
                position = str(each.get("primaryKeyPosition") or number)
                key.append((int(position) if position.isdigit() else number, column["name"]))
            rules.read_column(each, column["name"], column["type"], here)
        if not columns:
            raise self._refusal("has no column that can be carried", path[:-1], "declare its `properties`")
        return columns, [name for _, name in sorted(key)], rules

    def _column(self, given: Any, path: Path) -> dict[str, Any] | None:
        if not isinstance(given, dict) or not given.get("name"):
            self.remark("a column without a name is left out", path, "give it a `name`")
            return None
        name = str(given["name"])
        if not is_identifier(name):
            hint = "system columns are added by each publication; other names begin with a letter"
            self.remark(f"the column {shown(name)} is left out", (*path, "name"), hint)
            return None
        kind = self._type(given, path)
        if kind is None:
            return None
        self._unused(given, path)
        column: dict[str, Any] = {"name": name, "type": kind.value}
        if given.get("required") == "true" or given.get("primaryKey") == "true":
            column["nullable"] = "false"
        if given.get("description"):
            column["description"] = given["description"]
        classification = given.get("classification")
        if classification and str(classification).lower() not in _NOT_SENSITIVE:
            column["sensitive"] = "true"
        return column

    def _type(self, given: Mapping[str, Any], path: Path) -> ColumnType | None:
        logical, physical = given.get("logicalType"), _stored_type(given.get("physicalType"))
        if logical == "date" and physical is ColumnType.TIMESTAMP:  # before v3.1 there is no timestamp
            return physical
        kind = _TYPES.get(str(logical)) if logical else physical
        if kind is None:
            known = logical or given.get("physicalType")
            hint = f"types are {', '.join(ColumnType)}; name the parts of a nested column that you need"
            self.remark(f"the column {given['name']!r} of type {shown(known)} is left out", path, hint)
        return kind

    def _unused(self, given: Mapping[str, Any], path: Path) -> None:
        for name in given:
            if name not in _OF_A_COLUMN:
                self.remark(
                    "is not carried", (*path, name), "a column has name, type, nullable and description"
                )

    def _owner(self, team: Any) -> str | None:
        """Return the first owner, or member, whom users.yaml has."""
        members = team.get("members") if isinstance(team, dict) else team
        people = [
            each
            for each in members or []
            if isinstance(each, dict) and isinstance(each.get("username"), str) and each["username"]
        ]
        people.sort(key=lambda each: str(each.get("role")).lower() != "owner")
        for each in people:
            known = self.users.people(each["username"]) or tuple(filter(self.users.find, (each["username"],)))
            if known:
                return known[0]
        if people:
            self.remark(
                "nobody of the team is in users.yaml", ("team",), "add the owner there, or give --owner"
            )
        return None

    def _freshness(self, levels: Any) -> dict[str, str] | None:
        found = None
        for number, each in enumerate(levels if isinstance(levels, list) else []):
            level = each if isinstance(each, dict) else {}
            unit = _UNITS.get(str(level.get("unit")).lower())
            value = str(level.get("value"))
            if level.get("property") == FREQUENCY and unit and value.isdigit() and found is None:
                found = {"within": f"{value}{unit}"}
            else:
                hint = "`freshness: {within: 7d}` says how old the latest publication may be"
                self.remark("this service level is not carried", ("slaProperties", number), hint)
        return found

    def _others(self, data: Mapping[str, Any]) -> None:
        for name in data:
            if name not in _CARRIED | _OF_THE_CONTRACT:
                self.remark("is not carried", (name,), _HINTS.get(name, "a dataset's file has no such key"))


def _stored_type(text: Any) -> ColumnType | None:
    """Return the type of a column by the name of its physical type; None if the name is unknown."""
    if not text:
        return None
    try:
        kind = exp.DataType.build(str(text), dialect="bigquery")
    except (SqlglotError, ValueError):
        return None
    kinds: Sequence[tuple[Any, ColumnType]] = (
        (exp.DataType.TEXT_TYPES, ColumnType.STRING),
        (exp.DataType.INTEGER_TYPES, ColumnType.INTEGER),
        (exp.DataType.NUMERIC_TYPES, ColumnType.DECIMAL),
        ({exp.DataType.Type.BOOLEAN}, ColumnType.BOOLEAN),
        ({exp.DataType.Type.DATE, exp.DataType.Type.DATE32}, ColumnType.DATE),
        (exp.DataType.TEMPORAL_TYPES, ColumnType.TIMESTAMP),
    )
    return next((found for members, found in kinds if kind.this in members), None)


def import_contract(
    document: Document, users: Users, table: str | None = None, owner: str | None = None
) -> ImportedContract:
    """Return the definition of a new dataset over a table of a contract, and the parts that it lacks.

    Raises ContractError as `ContractReader.read` does.
    """
    return ContractReader(document, users).read(table, owner)
