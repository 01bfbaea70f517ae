"""The statements of bitemporal tables resolve in GoogleSQL, whatever the columns of the user are called."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, LABELS_TYPE, Stamp
from dataset_assets.rows.bitemporal import PeriodLoad
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.sql.build import assemble, column, table
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.sql.internal_names import Names
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.session import GOOGLESQL, LABELS

INTERNAL = (
    "added",
    "bucket_sizes",
    "bucketed",
    "covering",
    "joined_rows",
    "loaded_segments",
    "marked_parts",
    "marked_rows",
    "neighbours",
    "numbered",
    "numbered_parts",
    "numbered_rows",
    "pairs",
    "parts",
    "published_rows",
    "ranked_parts",
    "segments",
    "snapshot",
    "sorted_rows",
    "stretches",
)
SYSTEM = {
    each.name: GOOGLESQL[LABELS if each.sql_type == LABELS_TYPE else each.sql_type]
    for each in BITEMPORAL_COLUMNS
}
LOADS = {
    "first": ("2026-01", None),
    "next": ("2026-03", ("2026-01",)),
    "again": ("2026-01", ("2026-01",)),
    "late": ("2026-02", ("2026-01", "2026-03")),
    "late and again": ("2026-02", ("2026-01", "2026-02", "2026-03")),
}
DECLARED = {"key": "INT64", "part": "STRING", "amount": "NUMERIC", "day": "DATE", "is_sold": "BOOL"}
KINDS = {"INT64": "integer", "STRING": "string", "NUMERIC": "decimal", "DATE": "date", "BOOL": "boolean"}


def definitions(declared: dict[str, str]) -> tuple[ColumnDef, ...]:
    return tuple(ColumnDef(name=name, type=KINDS[kind]) for name, kind in declared.items())


def snapshot_of(declared: dict[str, str]) -> Snapshot:
    names = Names.beside([*declared, "prices", "source"])
    key = tuple(declared)[:2]
    return Snapshot(table("source"), definitions(declared), key, column("begun"), column("ended"), names)


def statement(
    period: str, loaded: tuple[str, ...] | None, declared: dict[str, str], *, bucketed: bool
) -> str:
    snapshot = snapshot_of(declared)
    segments = snapshot.segments()
    load = PeriodLoad(
        snapshot.columns,
        snapshot.key,
        table(segments[-1].name),
        None if loaded is None else table("prices"),
        period,
        loaded or (),
        Stamp(UUID(int=7), "source", None, "run", datetime(2026, 6, 1, tzinfo=UTC), period),
        snapshot.names,
    )
    return BIGQUERY.render(assemble((*segments, *load.rows(bucketed=bucketed))))


def analyzed(sql: str, declared: dict[str, str]) -> list[tuple[str, str]]:
    times = {"begun": "TIMESTAMP", "ended": "TIMESTAMP"}
    return Analyzer({"source": declared | times, "prices": declared | SYSTEM}).analyze(sql)


@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize("load", LOADS)
def test_a_load_resolves_with_the_declared_types(load: str, bucketed: bool) -> None:
    sql = statement(*LOADS[load], DECLARED, bucketed=bucketed)
    assert analyzed(sql, DECLARED) == list((DECLARED | SYSTEM).items())


@pytest.mark.parametrize("load", LOADS)
def test_columns_with_the_names_of_our_own_parts_resolve(load: str) -> None:
    declared = dict.fromkeys(INTERNAL, "STRING")
    for bucketed in (False, True):
        sql = statement(*LOADS[load], declared, bucketed=bucketed)
        assert analyzed(sql, declared) == list((declared | SYSTEM).items())


@pytest.mark.parametrize("declared", [DECLARED, dict.fromkeys(INTERNAL, "STRING")])
def test_the_queries_of_faults_resolve(declared: dict[str, str]) -> None:
    snapshot = snapshot_of(declared)
    segments = snapshot.segments()
    shown = [*list(declared.items())[:2], ("_valid_from", "TIMESTAMP"), ("_valid_to", "TIMESTAMP")]
    others = [("_other_from", "TIMESTAMP"), ("_other_to", "TIMESTAMP")]
    count = [("_fault_count", "INT64")]
    unusable = analyzed(BIGQUERY.render(snapshot.unusable()), declared)
    assert unusable == [*shown, ("_reason", "STRING"), *count]
    overlaps = assemble(segments, snapshot.overlaps(table(segments[-1].name)))
    assert analyzed(BIGQUERY.render(overlaps), declared) == shown + others + count


def test_all_internal_names_are_tried() -> None:
    loads = [statement(*load, DECLARED, bucketed=each) for load in LOADS.values() for each in (False, True)]
    assert [name for name in INTERNAL if not any(name in load for load in loads)] == ["pairs", "stretches"]
