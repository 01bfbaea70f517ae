"""Derive from metadata whether the rows of tables and views changed, and when, without scanning them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from dataset_assets.adapters.bigquery.names import is_name, table
from dataset_assets.adapters.bigquery.tables import Tables, path
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.resolver import TableState
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.text.digest import digest

if TYPE_CHECKING:
    from datetime import datetime

    from google.cloud.bigquery import Table

STORED_KINDS = frozenset({"TABLE", "SNAPSHOT", "CLONE"})
"""Kinds of tables whose own metadata contains the time of the last change of their rows."""
_NON_DETERMINISTIC = (
    *(exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp),
    *(exp.CurrentUser, exp.SessionUser, exp.Rand, exp.Uuid, exp.TableSample),
    *(exp.Parameter, exp.SessionParameter, exp.Anonymous, exp.AnonymousAggFunc, exp.Command),
    *(exp.Predict, exp.AIAgg, exp.AIClassify, exp.AIEmbed, exp.AIForecast, exp.AIGenerate),
)
"""Expressions by which a view's rows can change while its tables do not: clocks, random numbers, the current
user, models and unknown functions."""


class TableStateReader:
    """Resolves tables and views to the tables that store their rows, and combines the state of these tables.

    The version changes with these tables' modification times and row counts, and with the views' queries.
    The state has no version if a change could go unnoticed; its `unknown` then says why.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._identities: dict[str, str] = {}
        self._modified_at: list[datetime] = []
        self._unknown: list[str] = []

    def read(self, parts: "Iterable[Table]") -> TableState:
        """Return the state of several tables that are read as one."""
        tables = list(parts)
        for each in tables:
            self._add(each)
        counts = [each.num_rows if each.table_type in STORED_KINDS else None for each in tables]
        rows = None if None in counts else sum(int(count) for count in counts if count is not None)
        if self._unknown:
            return TableState("", rows, None, "; ".join(dict.fromkeys(self._unknown)))
        lines = sorted(f"{name}\0{identity}" for name, identity in self._identities.items())
        return TableState(digest(lines), rows, max(self._modified_at, default=None))

    def _add(self, table: "Table") -> None:
        name = f"{table.project}.{table.dataset_id}.{table.table_id}"
        if name in self._identities:
            return
        self._identities[name] = f"{table.modified}\0{table.num_rows}"
        if table.table_type not in STORED_KINDS:
            self._add_view(name, table)
        elif table.streaming_buffer:
            self._unknown.append(f"{name} has rows in its streaming buffer")
        elif table.modified:
            self._modified_at.append(table.modified)

    def _add_view(self, name: str, view: "Table") -> None:
        text = view.view_query if view.table_type == "VIEW" else view.mview_query
        if not text or view.view_use_legacy_sql or view._properties.get("maxStaleness"):  # noqa: SLF001
            kind = view.table_type.lower().replace("_", " ")
            self._unknown.append(f"{name} is a kind of {kind} that does not say when its rows change")
            return
        self._identities[name] = text
        for source in self._view_sources(name, text, view.project):
            metadata = self._find(source)
            if metadata:
                self._add(metadata)
            else:
                self._unknown.append(f"{path(source)}, which {name} reads, cannot be looked at")

    def _view_sources(self, name: str, text: str, project: str) -> Iterator[exp.Table]:
        """Yield the tables of a view's query; none, and a reason in `_unknown`, if it depends on more."""
        try:
            query = parse_one(text, dialect=BIGQUERY.text)
        except SqlglotError:
            self._unknown.append(f"the query of {name} is not understood")
            return
        if any(query.find_all(*_NON_DETERMINISTIC)):
            self._unknown.append(f"{name} does not depend on tables alone: its rows change by themselves")
            return
        for each in query.find_all(exp.Table):
            if each.db:  # a name without a dataset is a common table expression of the query itself
                yield table(each.catalog or project, each.db, each.name)

    def _find(self, source: exp.Table) -> "Table | None":
        if not all(is_name(part.name) for part in source.parts):
            return None
        try:
            return self._tables.find(source)
        except DatasetAssetsError:
            return None
