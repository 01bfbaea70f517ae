"""GoogleSQL's reference evaluator and DuckDB give the rows of the oracle, and agree on every count (BR-132).

`DATASET_ASSETS_CASES=300 pytest tests/googlesql` tries more random cases.
"""

import os

from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.lookup_matches import match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.sql.build import assemble
from tests.googlesql.session import Both, relation
from tests.point_in_time.cases import random_case
from tests.point_in_time.test_random_cases import AS_OF, PRICES, RATES, SALES, rows_of, scope

CASES = int(os.environ.get("DATASET_ASSETS_CASES", "25")) // 3
NATIVE = {"integer": "BIGINT", "string": "VARCHAR"}
TIMES = {"timestamp": "TIMESTAMPTZ", "naive": "TIMESTAMP", "date": "DATE"}


def test_random_cases() -> None:
    compared = 0
    for seed in range(CASES):
        case = random_case(seed)
        tables = {
            "sales": (SALES, case.kinds["sales"], case.sales),
            "price": (PRICES, case.kinds["prices"], case.prices),
            "rate": (RATES, case.kinds["rates"], case.rates),
        }
        shapes = {
            name: {each: NATIVE.get(str(given), TIMES[kind]) for each, given in columns.items()}
            for name, (columns, kind, _) in tables.items()
        }
        contents = {
            name: [tuple(row[each] for each in columns) for row in rows]
            for name, (columns, _, rows) in tables.items()
        }
        zones = {name: "Europe/Berlin" if kind == "naive" else "UTC" for name, (_, kind, _) in tables.items()}
        found = {name: relation(shapes, name, zones[name]) for name in tables}
        inputs, session = SelectionInput(scope(case), found, AS_OF), Both(shapes, contents)
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
