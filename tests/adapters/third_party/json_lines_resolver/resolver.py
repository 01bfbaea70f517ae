"""A resolver that reads files with one JSON object a line, such as `{"item": 1, "kind": "tea"}`."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.resolvers.base import LocalResolver, files_state, path_inside_root
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TableRequest, TableState
from json_lines_resolver.settings import JsonLinesSettings


@dataclass(eq=False)
class JsonLinesResolver(LocalResolver[JsonLinesSettings]):
    """Puts the rows of small files into the query as literals, cast to the declared types."""

    name: str
    settings: JsonLinesSettings
    root: Path

    @override
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        state = self.state(request.table)
        lines = self._path(request.table).read_text().splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        columns = request.columns or _as_texts(rows)
        names = [column.name for column in columns]
        values = [tuple(_text(row.get(name)) for name in names) for row in rows]
        literals = exp.values(values, alias="json_lines", columns=names)
        typed = [
            exp.alias_(exp.cast(exp.column(column.name, quoted=True), SQL_TYPES[column.type]), column.name)
            for column in columns
        ]
        source = exp.select(*typed).from_(literals).subquery()
        return Relation(source, session.describe(source), state.version, len(rows), self.zone(request.table))

    @override
    def state(self, table: str) -> TableState:
        path = self._path(table)
        if not path.is_file():
            raise self.unknown_table_error(table, (each.stem for each in self.root.glob("*.jsonl")))
        found = files_state(self.root, [path], None)
        return replace(found, version=self.version(table, found.version))

    def _path(self, table: str) -> Path:
        return path_inside_root(self.root, f"{table}.jsonl", self, table)


def _as_texts(rows: list[dict[str, Any]]) -> tuple[ColumnDef, ...]:
    """Return the columns of all rows as texts, for a table that no contract describes."""
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(ColumnDef(name=name, type=ColumnType.STRING) for name in names)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
