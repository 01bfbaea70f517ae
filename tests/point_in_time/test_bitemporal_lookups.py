"""Lookups into bitemporal tables equal a slow oracle in plain Python on every engine (BR-134).

`DATASET_ASSETS_PROVE=1` tries 500 random cases on each engine.
"""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.lookup_matches import match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.contract.system_columns import INTERVAL_COLUMNS
from dataset_assets.periods.instants import AsOf
from dataset_assets.sql.build import assemble
from tests.engines.engine_fixtures import Bench
from tests.point_in_time.bitemporal_cases import (
    BERLIN,
    CALENDARS,
    LABELS,
    BitemporalCase,
    Row,
    bitemporal_case,
)
from tests.point_in_time.test_random_cases import columns, hold, joined_on

NESTED = UUID("01a2001c-5bae-7b91-b4bb-a18b13ce1177")
AS_OF = AsOf(datetime(2030, 1, 1, tzinfo=UTC))
SALES = {"line": "integer", "h": "integer", "k": "string", "sold": None}
PRICES = {"h": "integer", "k": "string", "v": "string", "n": "integer"}
STORED = PRICES | dict(zip(INTERVAL_COLUMNS, (None, None, "string", "string"), strict=True))
NAMES = {"v": "string", "name": "string"}
COUNTED = {"price": True, "latest": False}
"""The lookups into the bitemporal table, and whether they are read as known."""


def scope(case: BitemporalCase) -> Scope:
    """Return the dataset of a case in its scope."""
    prices = {"name": "prices", "columns": columns(PRICES, "timestamp"), "bitemporal": True}
    nested = {
        "name": "Prices",
        "owner": "ada",
        "natural_key_columns": ["h", "k"],
        "main_table": prices,
        "partitions": {"period": case.cadence.name, "start": next(iter(sorted(case.snapshots)))},
    }
    target = {"type": "dataset", "id": str(NESTED)} if case.nested else {"type": "table", **prices}
    grain = {} if case.nested else {"period": case.cadence.name}
    at = {} if case.mapped else {"at": "sold"}
    keys = ["h"] if case.by_h else ["h", "k"]
    on = {"join_conditions": [{"source_column": key, "target_column": key} for key in keys]}
    as_known = {"knowledge": "as_known", **grain, **at}
    price: dict[str, Any] = {"alias": "price", "target": target, **on}
    if not (case.nested and case.mapped):  # there it is the default
        price["as_of"] = as_known
    latest = {"alias": "latest", "target": target, **on, "as_of": {"knowledge": "latest_knowledge", **at}}
    label = {"type": "table", "name": "label", "columns": columns(NAMES, "timestamp")}
    given: dict[str, Any] = {
        "name": "Sales",
        "owner": "ada",
        "natural_key_columns": ["line"],
        "main_table": {"name": "sales", "columns": columns(SALES, case.kinds["sales"])},
        "lookups": [price, latest, {"target": label, **joined_on("price.v", "v")}],
    }
    if case.mapped:
        given["column_mapping"] = {"user_id": "h", "product_id": "k", "timestamp": "sold"}
        given["extra_columns"] = ["price.v", "price.n", "latest.v", "label.name"]
    named = NamedDataset("prices", Dataset.model_validate(nested), lambda _: None)
    return Scope(Dataset.model_validate(given), lambda found: named if found == NESTED else None, CALENDARS)


def stored_rows(case: BitemporalCase) -> list[Row]:
    """Return the rows of the bitemporal table as they are stored."""
    kind = case.kinds["prices"]

    def stored(at: datetime | None) -> datetime | None:
        return at.astimezone(BERLIN).replace(tzinfo=None) if at and kind == "naive" else at

    found = (
        (*row.segment.key, *row.segment.value, *map(stored, row.segment[2:]), *row[1:]) for row in case.rows
    )
    return [dict(zip(STORED, row, strict=True)) for row in found]


def label_rows() -> list[Row]:
    return [dict(zip(NAMES, each, strict=True)) for each in LABELS]


def inputs(case: BitemporalCase, bench: Bench) -> SelectionInput:
    prices = hold(bench, STORED, case.kinds["prices"], stored_rows(case))
    found = {
        "sales": hold(bench, SALES, case.kinds["sales"], case.sales),
        "price": prices,
        "latest": prices,
        "label": hold(bench, NAMES, "timestamp", label_rows()),
    }
    return SelectionInput(scope(case), found, AS_OF)


def rows_of(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return (line, v of price, n of price, v of latest, name of label) of selected rows, ordered by line."""
    wanted = ("line", "price__v", "price__n", "latest__v", "label__name")
    found = (tuple(row[name] for name in wanted) for row in rows)
    return sorted(found, key=lambda row: row[0])


def check(seed: int, bench: Bench) -> str:
    """Compare a case with the oracle; return what it was about."""
    case = bitemporal_case(seed)
    given = inputs(case, bench)
    unique = lookups_unique(given, bench.session)
    assert {name: found["count"] for name, found in unique.metadata.items()} == case.ambiguous(), (seed, case)
    if case.by_h:
        return "compared" if unique.passed else "blocked"
    rows = rows_of(bench.rows(assemble(compile_rows(given))))
    assert rows == case.expected(), (seed, case)
    matches = match_lookups(given, assemble(compile_rows(given)).subquery("staged_rows"), bench.session)
    for name, as_known in COUNTED.items():
        assert vars(matches.as_of[name]) == case.counts(as_known=as_known), (seed, name, case)
        missing = sum(case.known(sale, as_known=as_known) is None for sale in case.sales)
        assert (matches.unmatched[name], matches.rows[name]) == (missing, len(case.sales)), (seed, name)
    differs = any(row[1] != row[3] for row in rows)
    return "late knowledge" if differs else "compared"


def test_random_cases_equal_the_oracle(bench: Bench) -> None:
    cases = 500 if os.environ.get("DATASET_ASSETS_PROVE") else max(4, bench.examples(30))
    kinds = Counter(check(seed, bench) for seed in range(cases))
    if cases > 20:
        assert min(kinds["blocked"], kinds["compared"], kinds["late knowledge"]) > cases / 20, kinds
