"""Point-in-time lookups equal a slow oracle in plain Python on every engine (BR-132).

`DATASET_ASSETS_PROVE=1` tries 500 random cases on each engine.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlglot import exp

from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.lookup_matches import match_lookups
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.sql.build import assemble, column
from tests.engines.engine_fixtures import Bench
from tests.point_in_time.cases import Case, Row, instant, random_case

NESTED = UUID("01a2001c-5bae-7b91-b4bb-a18b13ce1177")
TYPES = {"timestamp": "timestamp", "naive": "timestamp", "date": "date"}
PHYSICAL = {"timestamp": PhysicalType.TIMESTAMP, "naive": PhysicalType.DATETIME, "date": PhysicalType.DATE}
AS_OF = AsOf(datetime(2026, 11, 1, tzinfo=UTC))


def columns(names: Mapping[str, str | None], kind: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": given or TYPES[kind]} for name, given in names.items()]


SALES = {"line": "integer", "item": "integer", "sold": None}
PRICES = {"item": "integer", "changed": None, "ended": None, "seq": "integer", "grade": "string"}
RATES = {"grade": "string", "changed": None, "ended": None, "seq": "integer", "factor": "integer"}


def scope(case: Case) -> Scope:
    """Return the dataset of a case in its scope."""
    prices = {"name": "prices", "columns": columns(PRICES, case.kinds["prices"])}
    nested = Dataset.model_validate({"name": "Prices", "owner": "ada", "main_table": prices})
    target = {"type": "dataset", "id": str(NESTED)} if case.nested else {"type": "table", **prices}
    rates = {"type": "table", "name": "rates", "columns": columns(RATES, case.kinds["rates"])}
    given: dict[str, Any] = {
        "name": "Sales",
        "owner": "ada",
        "natural_key_columns": ["line"],
        "main_table": {"name": "sales", "columns": columns(SALES, case.kinds["sales"])},
        "lookups": [
            {"alias": "price", "target": target, "as_of": case.price_as_of, **joined_on("item", "item")},
            {"alias": "rate", "target": rates, "as_of": case.rate_as_of, **joined_on("price.grade", "grade")},
        ],
    }
    if case.mapped:
        given["column_mapping"] = {"user_id": "line", "product_id": "item", "timestamp": "sold"}
        given["extra_columns"] = ["price.changed", "price.grade", "rate.factor"]
        if case.grades:
            given["column_mapping"]["category"] = "price.grade"
            given["filters"] = {"product_filter": {"type": "categories", "value": [*case.grades]}}
    named = NamedDataset("prices", nested, lambda _: None)
    return Scope(Dataset.model_validate(given), lambda found: named if found == NESTED else None)


def joined_on(source: str, target: str) -> dict[str, Any]:
    return {"join_conditions": [{"source_column": source, "target_column": target}]}


def hold(bench: Bench, names: Mapping[str, str | None], kind: str, rows: Sequence[Row]) -> Relation:
    """Return the relation of a table with these rows; naive times are loaded as text and cast."""
    loaded = {"timestamp": ColumnType.TIMESTAMP, "naive": ColumnType.STRING, "date": ColumnType.DATE}
    types = {name: ColumnType(given) if given else loaded[kind] for name, given in names.items()}
    source = bench.hold(types, [[_loaded(row[name]) for name in names] for row in rows])
    if kind == "naive":
        shown = (
            exp.alias_(exp.cast(column(name), "TIMESTAMP"), name) if given is None else column(name)
            for name, given in names.items()
        )
        source = exp.select(*shown).from_(source).subquery()
    physical = tuple(
        PhysicalColumn(name, PhysicalType(given) if given else PHYSICAL[kind], "of the test")
        for name, given in names.items()
    )
    return Relation(source, physical, version="1", zone="Europe/Berlin" if kind == "naive" else "UTC")


def _loaded(value: Any) -> Any:
    is_naive = isinstance(value, datetime) and value.tzinfo is None
    return value.isoformat(sep=" ") if is_naive else value


def inputs(case: Case, bench: Bench) -> SelectionInput:
    tables = {
        "sales": (SALES, case.kinds["sales"], case.sales),
        "price": (PRICES, case.kinds["prices"], case.prices),
        "rate": (RATES, case.kinds["rates"], case.rates),
    }
    found = {name: hold(bench, *table) for name, table in tables.items()}
    return SelectionInput(scope(case), found, AS_OF)


def rows_of(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return (line, changed, grade, factor) of selected rows, ordered by line."""
    wanted = ("line", "price__changed", "price__grade", "rate__factor")
    found = [tuple(row[name] for name in wanted) for row in rows]
    return sorted(((n, _instant(at), *others) for n, at, *others in found), key=lambda row: row[0])


def _instant(value: date | datetime | None) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else instant(value)


def check(seed: int, bench: Bench) -> str:
    """Compare a case with the oracle; return what it was about."""
    case = random_case(seed)
    given = inputs(case, bench)
    unique = lookups_unique(given, bench.session)
    assert {name: found["count"] for name, found in unique.metadata.items()} == case.ambiguous(), (seed, case)
    if not unique.passed:
        return "blocked"
    assert rows_of(bench.rows(assemble(compile_rows(given)))) == case.expected(), (seed, case)
    staged = assemble(compile_rows(given)).subquery("staged_rows")
    matches = match_lookups(given, staged, bench.session)
    found = vars(matches.as_of["price"])
    assert found == case.counts(), (seed, case)
    missing = sum(row[1] is None and row[2] is None for row in case.expected())
    assert matches.unmatched["price"] == missing, (seed, case)
    assert matches.rows["price"] == len(case.expected()), (seed, case)
    return "empty" if not case.expected() else "compared"


def test_random_cases_equal_the_oracle(bench: Bench) -> None:
    cases = 500 if os.environ.get("DATASET_ASSETS_PROVE") else max(5, bench.examples(20))
    kinds = Counter(check(seed, bench) for seed in range(cases))
    if cases > 30:
        assert min(kinds["blocked"], kinds["compared"]) > cases / 10, kinds
