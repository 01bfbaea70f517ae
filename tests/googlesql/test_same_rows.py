"""GoogleSQL's reference evaluator and DuckDB return the same rows for every query of the project.

`DATASET_ASSETS_CASES=300 pytest tests/googlesql` tries more random datasets.
"""

import os
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.periods.instants import AsOf
from dataset_assets.rows.encoding import content_digest, digest_parts
from dataset_assets.rows.identity import EarlierRows
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import assemble, column, table
from dataset_assets.sql.nodes import ClockTime, FloatAsDecimal
from dataset_assets.stats.profile import profile
from tests.engines.test_float_as_decimal import named
from tests.googlesql.session import SYSTEM, Both, relation
from tests.oracle.oracle import Oracle
from tests.oracle.test_selection import AS_OFS, LOOKUPS, SALES, TIMES, Draw, definitions
from tests.rows.test_identity import COLUMNS, KEYED, KEYLESS, T0, TIMELESS
from tests.rows.test_identity import row as identity_row
from tests.stats.profiling import ROWS, published
from tests.stats.test_statistics import ALL_TYPES
from tests.stats.test_statistics import row as statistics_row

CASES = int(os.environ.get("DATASET_ASSETS_CASES", "25"))
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))
ZONES = ("UTC", "America/Havana", "Asia/Kolkata")
"""Havana's clocks are set back at one in the night: a midnight comes twice."""


@settings(SLOW, max_examples=CASES)
@given(
    st.data(),
    AS_OFS,
    st.sampled_from(sorted(TIMES)),
    st.sampled_from(["DECIMAL(38, 9)", "DOUBLE"]),
    st.sampled_from(ZONES),
    st.tuples(st.integers(0, 2**32), st.sampled_from([0, 1, 5, 40, 60])),
)
def test_a_selection(data, as_of, time_type, money_type, zone, seed):
    definition = data.draw(definitions(as_of, time_type))
    contents = Draw(Oracle(definition, {}, as_of), time_type, *seed).tables()
    shapes = {"sales": SALES | {"sold_at": time_type, "amount": money_type}, **LOOKUPS}
    scope = Scope(Dataset.model_validate(definition), lambda _: None)
    relations = {name: relation(shapes, name, zone) for name in shapes}
    inputs = SelectionInput(scope, relations, AsOf(as_of, ZoneInfo(zone)))
    session = Both(shapes, contents)
    session.rows(assemble(compile_rows(inputs)))


@settings(SLOW, max_examples=CASES // 5)
@given(
    st.lists(statistics_row, max_size=25),
    st.sampled_from([None, "split"]),
    st.sets(st.sampled_from(sorted(ALL_TYPES))),
)
def test_a_profile_and_a_digest(rows, split, sensitive):
    shape = {name: SQL_TYPES[kind] for name, kind in ALL_TYPES.items()}
    columns = published(ALL_TYPES, sensitive)
    ours, theirs = (
        (
            profile(session, ROWS, columns, split, digest_parts(columns)),
            content_digest(session, ROWS, columns),
        )
        for session in Both({"staged_rows": shape}, {"staged_rows": rows}).sessions
    )
    assert ours == theirs
    assert ours[0].row_count == len(rows)


@settings(SLOW, max_examples=CASES // 2)
@given(
    st.sampled_from([KEYED, KEYLESS, TIMELESS]),
    st.lists(st.lists(identity_row, max_size=10), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_row_metadata_over_publications(identity, publications, has_key, bucketed):
    shape = {definition.name: SQL_TYPES[definition.type] for definition in COLUMNS}
    before, standing = None, []
    for number, rows in enumerate(publications):
        unique = list({each[1]: each for each in rows}.values()) if identity.key else rows
        stamp = Stamp(uuid.UUID(int=7), "source", None, "ein Lauf's", T0 + timedelta(seconds=number), None)
        ctes = row_metadata("source", identity, stamp, before, bucketed=bucketed)
        shapes = {"source": shape, "published": shape | SYSTEM}
        session = Both(shapes, {"source": unique, "published": standing})
        standing = [tuple(row.values()) for row in session.rows(assemble(ctes))]
        before = EarlierRows(table("published"), COLUMNS, has_key)
        assert len(standing) == len(unique)


def in_columns(kind: str, values: list) -> Both:
    rows = list(enumerate(values))
    return Both({"given": {"number": "BIGINT", "value": kind}}, {"given": rows})


CENTS = st.integers(-(10**14), 10**14).map(lambda cents: cents / 100)
FITTING = st.floats(-1e28, 1e28) | CENTS | st.integers(0, 2**40).map(lambda n: n / 1024)


@settings(SLOW, max_examples=CASES)
@given(st.lists(FITTING, max_size=250))
@example([333736947.77, -9999999.99, 546603.4041069965, 4194304.0009765625, 0.1 + 0.2, 1e26])
def test_a_float_is_the_same_decimal(values):
    """It is the one that its shortest text names, to nine places, and not that of all its digits."""
    decimal = FloatAsDecimal(this=column("value"), to=exp.DataType.build(SQL_TYPES[ColumnType.DECIMAL]))
    query = exp.select("number", exp.alias_(decimal, "decimal")).from_("given")
    found = {row["number"]: row["decimal"] for row in in_columns("DOUBLE", values).rows(query)}
    assert found == {number: named(value) for number, value in enumerate(values)}


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca"],
)
def test_a_time_without_a_zone_is_the_same_instant(zone):
    """Also in the hour that a clock leaves out, and in the one that comes twice, which is then the first."""
    clocks, shift = [], timedelta(minutes=15)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    while at.year < 2022:
        here, soon = (each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for each in (at, at + shift))
        if soon - here != shift:
            clocks += [here + shift * number for number in range(-20, 20)]
        at += shift
    assert len(clocks) >= 80
    instant = ClockTime(this=column("value"), zone=exp.Literal.string(zone))
    query = exp.select("number", exp.alias_(instant, "instant")).from_("given")
    for row in in_columns("TIMESTAMP", clocks).rows(query):
        local = clocks[row["number"]].replace(tzinfo=ZoneInfo(zone), fold=0)
        assert row["instant"] == local.astimezone(UTC)
