"""What metadata tells of the rows of tables and views: whether they changed, and when. Nothing is scanned."""

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

STORED = frozenset({"TABLE", "SNAPSHOT", "CLONE"})
"""Kinds of tables whose own metadata knows when their rows changed."""
_FICKLE = (
    *(exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp),
    *(exp.CurrentUser, exp.SessionUser, exp.Rand, exp.Uuid, exp.TableSample),
    *(exp.Parameter, exp.SessionParameter, exp.Anonymous, exp.AnonymousAggFunc, exp.Command),
    *(exp.Predict, exp.AIAgg, exp.AIClassify, exp.AIEmbed, exp.AIForecast, exp.AIGenerate),
)
"""With these a view's rows change while its tables do not: clocks, chance, who asks, models, and functions
of which nothing is known."""


class TableChanges:
    """Follows tables and views down to the tables that hold their rows.

    A version changes with these tables' modified times and row counts, and with the views' queries. There is
    none where a change could go unnoticed; then `unknown` of the state says why.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._marks: dict[str, str] = {}
        self._times: list[datetime] = []
        self._unknown: list[str] = []

    def state(self, found: "Iterable[Table]") -> TableState:
        """Of several tables that are read as one."""
        given = list(found)
        for each in given:
            self._follow(each)
        counts = [each.num_rows if each.table_type in STORED else None for each in given]
        rows = None if None in counts else sum(int(count) for count in counts if count is not None)
        if self._unknown:
            return TableState("", rows, None, "; ".join(dict.fromkeys(self._unknown)))
        lines = sorted(f"{name}\0{mark}" for name, mark in self._marks.items())
        return TableState(digest(lines), rows, max(self._times, default=None))

    def _follow(self, found: "Table") -> None:
        name = f"{found.project}.{found.dataset_id}.{found.table_id}"
        if name in self._marks:
            return
        self._marks[name] = f"{found.modified}\0{found.num_rows}"
        if found.table_type not in STORED:
            self._follow_view(name, found)
        elif found.streaming_buffer:
            self._unknown.append(f"{name} has rows in its streaming buffer")
        elif found.modified:
            self._times.append(found.modified)

    def _follow_view(self, name: str, view: "Table") -> None:
        text = view.view_query if view.table_type == "VIEW" else view.mview_query
        if not text or view.view_use_legacy_sql or view._properties.get("maxStaleness"):  # noqa: SLF001
            kind = view.table_type.lower().replace("_", " ")
            self._unknown.append(f"{name} is a kind of {kind} that does not tell when its rows change")
            return
        self._marks[name] = text
        for below in self._below(name, text, view.project):
            found = self._found(below)
            if found:
                self._follow(found)
            else:
                self._unknown.append(f"{path(below)}, which {name} reads, cannot be looked at")

    def _below(self, name: str, text: str, project: str) -> Iterator[exp.Table]:
        """The tables of a view's query, where its rows depend on nothing else."""
        try:
            query = parse_one(text, dialect=BIGQUERY.text)
        except SqlglotError:
            self._unknown.append(f"the query of {name} is not understood")
            return
        if any(query.find_all(*_FICKLE)):
            self._unknown.append(f"{name} does not depend on tables alone: its rows change by themselves")
            return
        for each in query.find_all(exp.Table):
            if each.db:  # a table of a view names its dataset; what does not is a part of the query
                yield table(each.catalog or project, each.db, each.name)

    def _found(self, source: exp.Table) -> "Table | None":
        if not all(is_name(part.name) for part in source.parts):
            return None
        try:
            return self._tables.find(source)
        except DatasetAssetsError:
            return None
