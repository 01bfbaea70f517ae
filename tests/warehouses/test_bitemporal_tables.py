"""A bitemporal table in a warehouse is one publication: each load replaces all of it in one commit."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
from sqlglot import exp
from typing_extensions import override

from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS
from dataset_assets.errors import PublishError, SupersededError
from dataset_assets.ports.warehouse import Publication, PublishedColumn
from tests.engines.engine_fixtures import Bench
from tests.rows.bitemporal_table import COLUMNS, BitemporalTable
from tests.rows.test_bitemporal_cases import P1, P2, P3, known, raw
from tests.rows.test_bitemporal_histories import play
from tests.warehouses.warehouse_fixtures import ONE, OpenWarehouse


def as_published(definition: ColumnDef) -> PublishedColumn:
    return PublishedColumn(definition.name, definition.type, definition.nullable)


PUBLISHED = tuple(map(as_published, COLUMNS))


@dataclass
class WarehouseTable(BitemporalTable):
    """A bitemporal table that is published in a warehouse; its record lists the loaded Periods."""

    opened: OpenWarehouse | None = None

    @property
    def publication(self) -> Publication:
        assert self.opened
        found = self.opened.warehouse.current("sales", None, self.opened.session)
        assert found
        return found

    @override
    def source(self) -> exp.Expr:
        found = exp.select("*").from_(self.publication.relation.source.copy())
        return found.subquery("published_table")

    @override
    def store(self, query: exp.Query, loaded: Collection[str]) -> None:
        assert self.opened
        claim = self.opened.claim(None)
        staged = self.opened.warehouse.stage(claim, query, self.opened.session)
        before = self.publication if self.loaded else None
        replaces = before.version if before else None
        record = {"replaces": replaces, "loaded_periods": sorted(loaded)}
        self.opened.finish(claim, staged, PUBLISHED, record)


@pytest.fixture
def data(opened: OpenWarehouse) -> WarehouseTable:
    def refuse(_: Any) -> Any:
        raise AssertionError("the warehouse writes")

    return WarehouseTable(Bench(opened.session, refuse, exp.to_table, share=1), opened=opened)


def test_each_load_is_one_version_of_one_table_that_can_be_read_back(data: WarehouseTable) -> None:
    snapshots = {P1: [raw("a")], P3: [raw("b")], P2: [raw("a")]}
    expected: list[Any] = []
    for period, rows in snapshots.items():
        data.load(period, rows)
        expected.append(known(data))
    assert expected == [
        [(1, "a", P1, None)],
        [(1, "a", P1, P3), (1, "b", P3, None)],
        [(1, "a", P1, P3), (1, "b", P3, None)],
    ]
    assert data.opened
    warehouse, session = data.opened.warehouse, data.opened.session
    assert warehouse.periods("sales", session) == [None]
    assert data.publication.version == 2
    assert data.publication.record["loaded_periods"] == [P1, P2, P3]
    for version, rows in enumerate(expected):
        found = warehouse.current("sales", None, session, version)
        assert found
        values = data.opened.rows(found.relation)
        assert sorted((row["v"], row["_period_from"], row["_period_to"]) for row in values) == [
            row[1:] for row in rows
        ]
    names = [each.name for each in data.publication.relation.columns]
    assert names == [*(each.name for each in (*COLUMNS, *BITEMPORAL_COLUMNS))]


def test_histories_in_a_warehouse_are_those_of_a_table(data: WarehouseTable) -> None:
    assert play(data, seed=3, histories=5) == 5


def test_a_load_that_was_taken_over_changes_nothing(data: WarehouseTable) -> None:
    assert data.opened
    data.load(P1, [raw("a")])
    before = data.rows()
    opened = data.opened
    older = opened.claim(None)
    staged = opened.warehouse.stage(older, exp.select("*").from_(data.source()), opened.session)
    opened.claim(None)
    with pytest.raises(SupersededError):
        opened.finish(older, staged, PUBLISHED, {"replaces": 0})
    assert data.rows() == before


def test_a_table_of_periods_does_not_become_bitemporal(opened: OpenWarehouse, data: WarehouseTable) -> None:
    opened.publish(ONE, "2026-01")
    with pytest.raises(PublishError, match="by Period before"):
        data.load(P1, [raw("a")])
    assert opened.values("2026-01") == [1]
