"""Edge cases of a selection are the same on DuckDB and in GoogleSQL (BR-124, BR-125)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlglot import exp

from dataset_assets.checks.audit import lookups_matched, not_null
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.rows.identity import Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import assemble
from dataset_assets.stats.profile import profile
from tests.googlesql.session import Both, InDuckDB, relation
from tests.oracle.test_selection import columns

SALES = {
    "id": "BIGINT",
    "buyer": "BIGINT",
    "item": "BIGINT",
    "amount": "DECIMAL(38, 9)",
    "sold_at": "TIMESTAMPTZ",
    "place": "BIGINT",
}
FACTS = {"fact": "BIGINT", "who": "BIGINT", "what": "BIGINT", "at": "TIMESTAMPTZ", "cents": "DECIMAL(38, 9)"}
SHAPES = {"sales": SALES, "facts": FACTS}
NOON = datetime(2020, 4, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2020, 4, 1, tzinfo=UTC)
Row = tuple[Any, ...]


def sale(
    number: int, *, item: int | None = 1, buyer: int | None = 1, amount: Any = 1, at: Any = MIDNIGHT
) -> Row:
    return (number, buyer, item, None if amount is None else Decimal(amount), at, number)


def inputs(as_of: datetime = MIDNIGHT, never_null: Sequence[str] = (), **changes: Any) -> SelectionInput:
    mapping = {"user_id": "buyer", "product_id": "item", "timestamp": "sold_at", "revenue": "amount"}
    facts = {"type": "table", "name": "facts", "columns": _columns(FACTS, never_null)}
    dataset = Dataset.model_validate(
        {
            "name": "Sales",
            "owner": "someone",
            "main_table": {"name": "sales", "columns": _columns(SALES, never_null)},
            "lookups": [
                {
                    "alias": "facts",
                    "target": facts,
                    "join_conditions": [{"source_column": "place", "target_column": "fact"}],
                }
            ],
            "column_mapping": mapping,
            "extra_columns": ["id"],
            "allow_empty": True,
            **changes,
        }
    )
    scope = Scope(dataset, lambda _: None)
    return SelectionInput(scope, {name: relation(SHAPES, name) for name in SHAPES}, AsOf(as_of))


def _columns(shape: Mapping[str, str], never_null: Sequence[str]) -> list[dict[str, Any]]:
    return [each | {"nullable": each["name"] not in never_null} for each in columns(dict(shape))]


def session(sales: Sequence[Row], facts: Sequence[Row] = ()) -> Both:
    return Both(SHAPES, {"sales": sales, "facts": facts})


def rows(asked: SelectionInput, *tables: Sequence[Row]) -> list[dict[str, Any]]:
    found = session(*tables).rows(assemble(compile_rows(asked)))
    return sorted(found, key=lambda row: (row["id"] is None, row["id"]))


def cumulative(value: int) -> dict[str, Any]:
    return {"filters": {"product_filter": {"type": "cumulative_revenue_percent", "value": value}}}


TOTALS: Mapping[str, tuple[Mapping[int, Any], Mapping[int, set[int]]]] = {
    "all positive": ({1: 60, 2: 30, 3: 10}, {60: {1}, 61: {1, 2}, 90: {1, 2}, 91: {1, 2, 3}, 100: {1, 2, 3}}),
    "a loss": ({1: 60, 2: 40, 3: -20}, {75: {1}, 76: {1, 2}, 99: {1, 2}, 100: {1, 2, 3}}),
    "zeros behind": ({1: 60, 2: 0, 3: 0}, {80: {1}, 99: {1}, 100: {1, 2, 3}}),
    "all zero": ({1: 0, 2: 0}, {80: set(), 99: set(), 100: {1, 2}}),
    "all negative": ({1: -5, 2: -7}, {1: set(), 80: set(), 100: {1, 2}}),
    "a net of zero": ({1: 50, 2: -50}, {80: set(), 100: {1, 2}}),
    "a net below zero": ({1: 50, 2: -80}, {80: set(), 100: {1, 2}}),
    "unknown": ({1: 50, 2: None}, {80: {1}, 99: {1}, 100: {1, 2}}),
    "all unknown": ({1: None, 2: None}, {80: set(), 100: {1, 2}}),
}


@pytest.mark.parametrize("case", TOTALS)
def test_cumulative_revenue_with_totals_that_are_not_positive(case):
    totals, kept = TOTALS[case]
    sales = [sale(number, item=number, amount=total) for number, total in totals.items()]
    sales.append(sale(9, item=None, amount=0))
    for value, items in kept.items():
        assert {row["product_id"] for row in rows(inputs(**cumulative(value)), sales)} == items, value


ALWAYS = {"strategy": "time_based", "eval_days": 2, "gap_days": 1, "test_days": 1}
LOT = {"strategy": "random", "train_percent": 50, "test_percent": 20}
FIXED = {"type": "fixed", "start_date": date(2020, 1, 1), "end_date": date(2020, 3, 31)}
ROLLING: Mapping[str, Any] = {"date_range": {"type": "rolling", "months": 1}}


@pytest.mark.parametrize("split", [ALWAYS, LOT, {**LOT, "unit": "user"}])
@pytest.mark.parametrize("date_range", [ROLLING["date_range"], FIXED])
def test_a_row_without_a_timestamp_is_in_no_window(split, date_range):
    sales = [sale(1, at=None), sale(2, at=MIDNIGHT - timedelta(days=9))]
    found = rows(inputs(filters={"date_range": date_range}, split_config=split), sales)
    assert [row["id"] for row in found] == [2]


def test_without_a_window_a_row_without_a_timestamp_trains():
    sales = [sale(1, at=None), *(sale(days + 1, at=MIDNIGHT - timedelta(days=days)) for days in range(1, 7))]
    found = {row["id"]: row["split"] for row in rows(inputs(split_config=ALWAYS), sales)}
    assert found == {1: 0, 2: 2, 3: 1, 4: 1, 6: 0, 7: 0}


def test_without_a_window_a_row_without_a_timestamp_is_drawn_like_any_other():
    sales = [sale(number, at=None) for number in range(60)]
    found = [row["split"] for row in rows(inputs(split_config=LOT), sales)]
    assert set(found) == {0, 1, 2}


DAYS = [MIDNIGHT + timedelta(hours=6 * number) for number in range(-28, 5)]
AS_OFS = [MIDNIGHT, NOON, MIDNIGHT + timedelta(hours=23, minutes=59), MIDNIGHT + timedelta(microseconds=1)]


@pytest.mark.parametrize("as_of", AS_OFS, ids=str)
@pytest.mark.parametrize("kind", ["TIMESTAMPTZ", "TIMESTAMP", "DATE"])
def test_days_are_whole_days_before_the_day_of_as_of(as_of, kind, monkeypatch):
    monkeypatch.setitem(SALES, "sold_at", kind)
    moments = [_as(kind, each) for each in DAYS]
    sales = [sale(number, at=moment) for number, moment in enumerate(moments)]
    split = {"strategy": "time_based", "eval_days": 2, "test_days": 1}
    found = rows(inputs(as_of, filters=ROLLING, split_config=split), sales)
    parts: dict[int, set[date]] = {}
    for row in found:
        moment = row["timestamp"]
        parts.setdefault(row["split"], set()).add(moment.date() if isinstance(moment, datetime) else moment)
    assert parts[2] == {date(2020, 3, 31)}
    assert parts[1] == {date(2020, 3, 29), date(2020, 3, 30)}
    assert max(parts[0]) == date(2020, 3, 28)


def _as(kind: str, moment: datetime) -> Any:
    return {"DATE": moment.date(), "TIMESTAMP": moment.replace(tzinfo=None)}.get(kind, moment)


@pytest.mark.parametrize("split", [None, LOT])
def test_without_a_split_by_time_a_window_goes_on_to_as_of(split):
    sales = [sale(number, at=moment) for number, moment in enumerate(DAYS)]
    found = rows(inputs(NOON, filters=ROLLING, split_config=split), sales)
    assert max(row["timestamp"] for row in found) == MIDNIGHT + timedelta(hours=6)


def test_a_fixed_range_does_not_depend_on_as_of():
    fixed = {"date_range": {"type": "fixed", "start_date": date(2020, 3, 1), "end_date": date(2020, 3, 31)}}
    sales = [sale(number, at=moment) for number, moment in enumerate(DAYS)]
    split = {"strategy": "time_based", "eval_days": 2}
    noon = rows(inputs(NOON, filters=fixed, split_config=split), sales)
    assert noon == rows(inputs(MIDNIGHT, filters=fixed, split_config=split), sales)
    assert max(row["timestamp"] for row in noon) == MIDNIGHT - timedelta(hours=6)


FROM_FACTS: dict[str, Any] = {
    "column_mapping": {
        "user_id": "facts.who",
        "product_id": "facts.what",
        "timestamp": "facts.at",
        "revenue": "facts.cents",
    },
    "extra_columns": [],
}


@pytest.mark.parametrize("split", [None, ALWAYS, LOT, {**LOT, "unit": "user"}])
@pytest.mark.parametrize(
    "filters", [{}, ROLLING, {**ROLLING, "fit_on": "train", **cumulative(60)["filters"]}]
)
def test_everything_may_be_mapped_from_a_lookup(split, filters):
    facts = [(n, n % 3, n % 4, MIDNIGHT - timedelta(days=n), Decimal(n)) for n in range(1, 20)]
    filters = {**filters, "fit_on": "train" if split and "fit_on" in filters else "all"}
    asked = inputs(filters=filters, split_config=split, **FROM_FACTS)
    found = session([sale(n) for n in range(25)], facts).rows(assemble(compile_rows(asked)))
    assert found
    assert [reference.column.name for reference in asked.row_key] == list(SALES)
    if not filters.get("date_range"):
        assert len(found) == 24 if split is ALWAYS else 25


def test_rows_without_a_user_are_one_user_for_a_split():
    sales = [sale(number, buyer=None if number % 2 else number) for number in range(40)]
    for seed in range(6):
        split = {**LOT, "unit": "user", "seed": seed}
        found = rows(inputs(split_config=split), sales)
        assert len({row["split"] for row in found if row["user_id"] is None}) == 1
        assert len(found) == 40
    assert len({row["split"] for row in found}) > 1


def evidence(asked: SelectionInput, both: Both) -> SelectionEvidence:
    staged = assemble(compile_rows(asked)).subquery()
    published = tuple(
        PublishedColumn(output.name, output.definition.type, nullable=output.definition.nullable)
        for output in asked.scope.outputs
    )
    return SelectionEvidence.of(
        asked, staged, published, profile(both.sessions[0], staged, published, None), both
    )


def test_a_lookup_is_matched_against_the_published_rows_alone():
    """`place` is not published; the filter leaves one of three products."""
    facts = [(1, 1, 1, None, None), (2, 1, 1, None, None)]
    sales = [sale(n, item=n % 3, amount=100 if n % 3 == 1 else 1) for n in range(1, 10)]
    passed, message, found = lookups_matched(evidence(inputs(**cumulative(50)), session(sales, facts)))
    assert (passed, found) == (False, {"facts": 2})
    assert message.endswith("in facts for 2 of 3 rows")


@pytest.mark.parametrize("published", [True, False])
def test_both_ways_of_matching_count_the_same(published):
    facts = [(1, 1, 1, None, None), (2, 1, 1, None, None)]
    sales = [sale(n, item=n % 3, amount=100 if n % 3 == 1 else 1) for n in range(1, 10)]
    extra = ["id", "place"] if published else ["id"]
    asked = inputs(extra_columns=extra, **cumulative(50))
    assert lookups_matched(evidence(asked, session(sales, facts)))[2] == {"facts": 2}


def test_nulls_of_columns_that_are_used_and_not_published():
    """`place` is only joined on; `cents` only of rows that a lookup has; what is outside does not count."""
    long_ago = MIDNIGHT - timedelta(days=300)
    facts = [(1, None, 7, None, None), (2, None, 7, None, Decimal(1)), (77, None, 7, None, None)]
    sales = [sale(1), sale(2), (3, 1, 1, None, MIDNIGHT, None), (4, 1, 1, None, long_ago, None)]
    sales = [(*row[:4], row[4] - timedelta(days=1), row[5]) for row in sales]
    asked = inputs(
        never_null=["place", "cents", "what", "fact"],
        filters=ROLLING,
        extra_columns=["id", "facts.cents", "facts.what"],
    )
    passed, message, found = not_null(evidence(asked, session(sales, facts)))
    assert (passed, found) == (False, {"sales.place": 1, "facts.cents": 1})
    assert message == "sales.place has 1 NULLs, facts.cents has 1 NULLs, declared nullable: false"


class Counted(InDuckDB):
    """DuckDB with a counter of its queries."""

    asked = 0

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        self.asked += 1
        return super().rows(query)


@pytest.mark.parametrize(
    ("extra", "never_null", "asked_for"),
    [
        (["place", "facts.cents"], ["cents", "what"], 1),  # all is published
        (["place"], ["what"], 1),  # `what` is not used
        (["id"], ["place"], 1),  # what is not published is asked with what the lookup lacks
        (["place", "facts.what", "facts.cents"], ["place", "cents", "what"], 1),
    ],
)
def test_columns_without_nulls_cost_no_query_of_their_own(extra, never_null, asked_for):
    asked = inputs(never_null=never_null, extra_columns=extra)
    given = evidence(asked, session([sale(1), sale(2)], [(1, 1, 1, None, Decimal(1))]))
    counted = Counted(SHAPES, {"sales": [sale(1), sale(2)], "facts": [(1, 1, 1, None, Decimal(1))]})
    given = replace(given, session=counted)
    assert not_null(given)[0]
    assert lookups_matched(given)[2] == {"facts": 1}
    assert counted.asked == asked_for


def test_a_row_without_a_match_has_no_null_of_its_own():
    asked = inputs(never_null=["cents"], extra_columns=["id", "place", "facts.cents"])
    facts = [(1, 1, 1, None, Decimal(1)), (3, 1, 1, None, None), (8, 1, 1, None, None)]
    given = evidence(asked, session([sale(1), sale(2), sale(3)], facts))
    assert not_null(given)[2] == {"facts.cents": 1}
    assert lookups_matched(given)[2] == {"facts": 1}


@pytest.mark.parametrize("split", [None, {**LOT, "unit": "row"}])
@pytest.mark.parametrize("value", [0, 60])
def test_columns_of_the_row_key_alone_are_judged_too(split, value):
    """All that is published is a lookup's, so a random split reads every column of the main table."""
    shown: dict[str, Any] = {**FROM_FACTS, "split_config": split, "never_null": ["amount", "place"]}
    sales = [sale(1), sale(2, amount=None), (3, 1, 1, Decimal(1), MIDNIGHT, None)]
    facts = [(n, 1, 1, MIDNIGHT, Decimal(n)) for n in (1, 2)]
    filters = {**cumulative(100)["filters"]} if value else {}
    expected = {"sales.amount": 1, "sales.place": 1} if not value else {"sales.amount": 1}
    assert not_null(evidence(inputs(filters=filters, **shown), session(sales, facts)))[2] == expected


@pytest.mark.parametrize("key", [[], ["id"]])
@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize("selected", [{}, {**cumulative(60), "split_config": LOT}])
def test_the_order_of_the_sources_rows_does_not_matter(key, bucketed, selected):
    """Neither for which rows are selected nor for their ids, also where rows are there twice."""
    sales = [sale(n % 30, item=n % 4, buyer=n % 3, amount=n % 5, at=DAYS[n % 3]) for n in range(40)]
    sales = sales[:30] if key else sales
    facts = [(n, n % 3, n % 4, MIDNIGHT, Decimal(n)) for n in range(20)]
    asked = inputs(natural_key_columns=key, extra_columns=["id", "facts.cents"], **selected)
    outputs = tuple(output.definition for output in asked.scope.outputs)
    selection = compile_rows(asked)
    identity = Identity(outputs, asked.dataset.natural_key_columns, "timestamp", asked.names)
    stamp = Stamp(UUID(int=1), "sales", None, "run", NOON, None)
    query = assemble(
        (*selection, *row_metadata(selection[-1].name, identity, stamp, None, bucketed=bucketed))
    )
    found = []
    for seed in (None, 1, 2):
        tables = {"sales": [*sales], "facts": [*facts]}
        for each in tables.values() if seed else ():
            Random(seed).shuffle(each)
        answer = Both(SHAPES, tables).rows(query)
        found.append(sorted(answer, key=lambda row: row["_row_id"]))
    assert found[0]
    assert found[0] == found[1] == found[2]


def test_what_a_store_knows_to_be_without_nulls_is_not_counted():
    asked = inputs(never_null=["place"])
    known = {name: _without_nulls(each) for name, each in asked.relations.items()}
    settled = SelectionInput(asked.scope, known, asked.as_of)
    both = session([sale(1)], [])
    assert not_null(evidence(settled, both))[0]


def _without_nulls(given: Relation) -> Relation:
    return replace(given, columns=tuple(replace(each, has_nulls=False) for each in given.columns))
