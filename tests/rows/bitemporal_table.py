"""A bitemporal table on an engine, into which a test loads snapshots."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.rows.bitemporal import PeriodLoad
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.sql.build import CTE, assemble, column, table
from dataset_assets.sql.internal_names import Names
from tests.engines.engine_fixtures import Bench
from tests.rows.bitemporal_oracle import Raw, Row, Segment

COLUMNS = (
    ColumnDef(name="h", type="integer", nullable=False),
    ColumnDef(name="k", type="string"),
    ColumnDef(name="v", type="string"),
    ColumnDef(name="n", type="integer"),
)
KEY = ("h", "k")
SOURCE = {
    **{each.name: each.type for each in COLUMNS},
    "begun": ColumnType.TIMESTAMP,
    "ended": ColumnType.TIMESTAMP,
}
T0 = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class BitemporalTable:
    """A table and the Periods that it was loaded with.

    `load_of` and `snapshot_of` are the builders of a load and of its snapshot.
    """

    bench: Bench
    bucketed: bool = False
    load_of: Callable[..., PeriodLoad] = PeriodLoad
    snapshot_of: Callable[..., Snapshot] = Snapshot
    columns: tuple[ColumnDef, ...] = COLUMNS
    key: tuple[str, ...] = KEY
    loaded: set[str] = field(default_factory=set)
    instant: datetime = T0

    def load(self, period: str, rows: Iterable[Raw], where: exp.Expr | None = None) -> None:
        """Load the snapshot of a Period: rows of a source, without those for which `where` is not true."""
        values = [(*each.key, *each.value, each.valid_from, each.valid_to) for each in rows]
        source = exp.select("*").from_(self.bench.hold(SOURCE, values))
        self.load_query(period, source.where(where) if where else source)

    def load_query(self, period: str, source: exp.Select) -> None:
        """Load the snapshot that a query selects."""
        self.instant += timedelta(seconds=1)
        ends = (column("begun"), column("ended"))
        snapshot = self.snapshot_of(table("source_rows"), self.columns, self.key, *ends, self.names)
        segments = snapshot.segments()
        stamp = Stamp(uuid.UUID(int=7), "prices", None, f"run {self.instant:%S}", self.instant, period)
        load = self.load_of(
            columns=self.columns,
            key=self.key,
            segments=table(segments[-1].name),
            earlier=self.source() if self.loaded else None,
            period=period,
            loaded=sorted(self.loaded),
            stamp=stamp,
            names=self.names,
        )
        ctes = (CTE("source_rows", source), *segments, *load.rows(bucketed=self.bucketed))
        self.store(assemble(ctes), {*self.loaded, period})
        self.loaded.add(period)

    @property
    def names(self) -> Names:
        """The names that are free beside those of the test."""
        return Names.beside(["prices", "source_rows", *(each.name for each in self.columns)])

    def source(self) -> exp.Expr:
        """Return the table for FROM."""
        return self.bench.table("prices")

    def store(self, query: exp.Query, loaded: Collection[str]) -> None:  # noqa: ARG002 - for a warehouse
        """Replace the table by the rows of a query; `loaded` are all loaded Periods then."""
        self.bench.keep("prices", query)

    def rows(self) -> Mapping[Row, Mapping[str, Any]]:
        """Return the rows of the table, each with all its columns."""
        found = self.bench.rows(exp.select("*").from_(self.source()))
        rows = {_row(each): each for each in found}
        assert len(rows) == len(found), "a row is there twice"
        return rows


def _row(values: Mapping[str, Any]) -> Row:
    key, value = (values["h"], values["k"]), (values["v"], values["n"])
    segment = Segment(key, value, values["_valid_from"], values["_valid_to"])
    return Row(segment, values["_period_from"], values["_period_to"])
