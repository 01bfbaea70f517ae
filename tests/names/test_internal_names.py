"""No internal name of a query hides a name of the user's: every internal name is tried in every position.

The internal names are read off the queries of whole runs. `DATASET_ASSETS_PROVE=1 pytest tests/names` tries
every combination; else some names are tried, each in one position of one variant.
"""

import os
import re
from functools import cache
from itertools import cycle
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.sql.names import Names
from tests.googlesql.session import Both, InDuckDB
from tests.names.renamed import POSITIONS, STAGED, VARIANTS, Renamed, Run, published_shape, with_published

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
MADE_BY_US = (exp.CTE, exp.Subquery, exp.Alias, exp.Table)
OTHERS = {*ColumnMapping.model_fields, "split", "sold_at", "code", "item", "people", "person"}
"""Names that the dataset has in any case."""


class Recording(InDuckDB):
    """DuckDB, with the queries that it was asked."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked: list[exp.Query] = []

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        self.asked.append(query)
        return super().rows(query)


def run(renamed: Renamed, engine: type[Session] | type[Both], *, bucketed: bool) -> tuple[Any, list[Session]]:
    """What a run finds, and the sessions that it had."""
    made = Run(renamed, bucketed)
    sessions = [engine(renamed.shapes, renamed.contents)]  # ty: ignore[too-many-positional-arguments]

    def publish(stem: str, query: exp.Query) -> Session:
        shape = published_shape(made.question)
        shapes = {**renamed.shapes, stem: shape, STAGED: shape}
        rows = sessions[0].rows(query)
        sessions.append(engine(shapes, with_published(renamed, rows, stem)))  # ty: ignore[too-many-positional-arguments]
        return sessions[-1]

    return made.of(sessions[0], publish), sessions


@cache
def expected(variant: str, *, bucketed: bool) -> Any:
    return run(Renamed(variant), InDuckDB, bucketed=bucketed)[0]


@cache
def internal_names() -> tuple[str, ...]:
    """Every alias and CTE of all queries that the variants ask, but for the user's own names."""
    users = {*POSITIONS.values(), *OTHERS}
    found: set[str] = set()
    for variant in VARIANTS:
        for bucketed in (False, True):
            _, sessions = run(Renamed(variant), Recording, bucketed=bucketed)
            queries = [query for each in sessions if isinstance(each, Recording) for query in each.asked]
            for query in queries:
                found |= {each.alias_or_name for each in query.find_all(*MADE_BY_US)}
    may_be_chosen = (name for name in found - users if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name))
    return tuple(sorted(may_be_chosen))


def combinations() -> list[tuple[str, str, str, bool]]:
    """(variant, position, name, bucketed) of all that is tried."""
    names = internal_names()
    if PROVE:
        return [
            (variant, position, name, number % 2 == 0)
            for variant in VARIANTS
            for position in POSITIONS
            for number, name in enumerate(names)
        ]
    turns = zip(cycle(VARIANTS), cycle(POSITIONS), cycle([True, False, False, True]), strict=False)
    return [(*turn[:2], name, turn[2]) for turn, name in zip(turns, names[::4], strict=False)]


def test_the_internal_names_are_those_of_the_design_and_the_checks():
    known = {"date_filtered", "product_revenue", "top_products", "active_customers", "enriched_transactions"}
    known |= {
        "train_rows",
        "source_rows",
        "revenue_rank",
        "revenue_before",
        "revenue_of_all",
        "total_revenue",
    }
    known |= {
        "goods__item",
        "present",
        "previous",
        "compared",
        "added",
        "numbered",
        "published_rows",
        "times",
    }
    assert known <= set(internal_names())
    assert not set(internal_names()) & OTHERS
    assert not [name for name in internal_names() if name.endswith("_2")]


def test_no_name_of_the_user_is_captured():
    captured = []
    for variant, position, name, bucketed in combinations():
        try:
            found, _ = run(Renamed(variant, position, name), InDuckDB, bucketed=bucketed)
        except duckdb.Error as error:
            found = str(error)
        if found != expected(variant, bucketed=bucketed):
            captured.append((variant, position, name))
    assert captured == []


def test_google_s_evaluator_finds_the_same():
    """`Both` asserts that it answers what DuckDB answers."""
    chosen = combinations()[:: 29 if PROVE else 8]
    for variant, position, name, bucketed in chosen:
        found, _ = run(Renamed(variant, position, name), Both, bucketed=bucketed)
        assert found == expected(variant, bucketed=bucketed), (variant, position, name)


@pytest.mark.parametrize("name", ["Revenue_Rank", "TIMES", "Date_Filtered"])
@pytest.mark.parametrize("position", ["main", "alias", "filter_column", "key", "extra_column"])
def test_case_does_not_matter(name, position):
    found, _ = run(Renamed("filtered", position, name), InDuckDB, bucketed=False)
    assert found == expected("filtered", bucketed=False)


def test_a_taken_name_gets_the_first_free_number():
    names = Names.beside(["Times", "times_2", "other"])
    assert [names.free(each) for each in ("times", "keys", "OTHER")] == ["times_3", "keys", "OTHER_2"]
    assert names.and_beside(["keys"]).free("keys") == "keys_2"
