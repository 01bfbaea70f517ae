"""GoogleSQL's reference evaluator and DuckDB give the rows of the oracle, and agree on every count.

The lookups are lists of changes or intervals (BR-132), or bitemporal (BR-134).

`DATASET_ASSETS_CASES=300 pytest tests/googlesql` tries more random cases.
"""

import os
from collections.abc import Mapping, Sequence

from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.lookup_matches import match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import assemble
from tests.googlesql.session import Both, relation
from tests.point_in_time import test_bitemporal_lookups as bitemporal
from tests.point_in_time.bitemporal_cases import bitemporal_case
from tests.point_in_time.cases import Row, random_case
from tests.point_in_time.test_random_cases import AS_OF, PRICES, RATES, SALES, rows_of, scope

CASES = int(os.environ.get("DATASET_ASSETS_CASES", "25")) // 3
NATIVE = {"integer": "BIGINT", "string": "VARCHAR"}
TIMES = {"timestamp": "TIMESTAMPTZ", "naive": "TIMESTAMP", "date": "DATE"}


Held = Mapping[str, tuple[Mapping[str, str | None], str, Sequence[Row]]]
"""Table → its columns with their types, None for times; the kind of its times; and its rows."""


def held(tables: Held) -> tuple[dict[str, Relation], Both]:
    """Return relations of tables, and a session of both engines that reads them."""
    shapes = {
        name: {each: NATIVE.get(str(given), TIMES[kind]) for each, given in columns.items()}
        for name, (columns, kind, _) in tables.items()
    }
    contents = {
        name: [tuple(row[each] for each in columns) for row in rows]
        for name, (columns, _, rows) in tables.items()
    }
    zones = {name: "Europe/Berlin" if kind == "naive" else "UTC" for name, (_, kind, _) in tables.items()}
    return {name: relation(shapes, name, zones[name]) for name in tables}, Both(shapes, contents)


def test_random_cases() -> None:
    compared = 0
    for seed in range(CASES):
        case = random_case(seed)
        tables = {
            "sales": (SALES, case.kinds["sales"], case.sales),
            "price": (PRICES, case.kinds["prices"], case.prices),
            "rate": (RATES, case.kinds["rates"], case.rates),
        }
        found, session = held(tables)
        inputs = SelectionInput(scope(case), found, AS_OF)
        if not lookups_unique(inputs, session).passed:
            continue
        rows = session.rows(assemble(compile_rows(inputs)))
        assert rows_of(rows) == case.expected(), (seed, case)
        staged = assemble(compile_rows(inputs)).subquery("staged_rows")
        ours, theirs = (match_lookups(inputs, staged, each) for each in session.sessions)
        assert ours == theirs, (seed, case)
        assert vars(ours.as_of["price"]) == case.counts(), (seed, case)
        compared += 1
    assert compared > CASES / 4


def test_random_bitemporal_cases() -> None:
    compared = 0
    for seed in range(CASES):
        case = bitemporal_case(seed)
        tables = {
            "sales": (bitemporal.SALES, case.kinds["sales"], case.sales),
            "price": (bitemporal.STORED, case.kinds["prices"], bitemporal.stored_rows(case)),
            "label": (bitemporal.NAMES, "timestamp", bitemporal.label_rows()),
        }
        found, session = held(tables)
        found["latest"] = found["price"]
        inputs = SelectionInput(bitemporal.scope(case), found, bitemporal.AS_OF)
        assert lookups_unique(inputs, session).passed is not bool(case.ambiguous()), (seed, case)
        if case.by_h:
            continue
        rows = session.rows(assemble(compile_rows(inputs)))
        assert bitemporal.rows_of(rows) == case.expected(), (seed, case)
        staged = assemble(compile_rows(inputs)).subquery("staged_rows")
        ours, theirs = (match_lookups(inputs, staged, each) for each in session.sessions)
        assert ours == theirs, (seed, case)
        for name, as_known in bitemporal.COUNTED.items():
            assert vars(ours.as_of[name]) == case.counts(as_known=as_known), (seed, name, case)
        compared += 1
    assert compared > CASES / 4
