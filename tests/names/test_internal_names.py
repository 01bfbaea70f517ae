"""No internal name of a query hides a user's name: every internal name is tested in every position.

The internal names are read off the queries of whole runs. `DATASET_ASSETS_PROVE=1 pytest tests/names` tries
every combination on DuckDB and by Google's analyzer (some ten minutes each); else a few of them.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import duckdb
import pytest
from sqlglot import exp
from zetasql.core.exceptions import ServerError

from dataset_assets.ports.engine import Session
from dataset_assets.selection.column_mapping import ColumnMapping
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.sql.internal_names import Names
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.session import InDuckDB, InGoogleSQL, Shapes, TableChanges, in_googlesql
from tests.names.renamed import POSITIONS, STAGED, VARIANTS, Renamed, Run, published_shape, with_published

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
PARTS = 4 if PROVE else 1
"""Of what is tried, so that several processes can share it."""
MADE_BY_US = (exp.CTE, exp.Subquery, exp.Alias, exp.Table)
OTHERS = {*ColumnMapping.model_fields, "split", "sold_at", "code", "item", "people", "person", "folk__town"}
"""Names that the dataset has in any case; the last is what an extra column is published as."""


class Recording(InDuckDB):
    """DuckDB with a record of its queries."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked: list[exp.Query] = []

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        self.asked.append(query)
        return super().rows(query)


class Analysed(InDuckDB):
    """DuckDB in which each query is first resolved by Google's analyzer."""

    def __init__(self, shapes: Shapes, contents: TableChanges) -> None:
        super().__init__(shapes, contents)
        self._analyzer = Analyzer(in_googlesql(shapes))

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        self._analyzer.resolve(BIGQUERY.render(query))
        return super().rows(query)


Engine = type[InDuckDB] | type[InGoogleSQL]
Tried = tuple[Renamed, bool]
"""Variants of the dataset, and whether rows are numbered by buckets."""


def run(renamed: Renamed, engine: Engine, *, bucketed: bool) -> tuple[Any, list[InDuckDB | InGoogleSQL]]:
    """Return the results of a run, and the sessions that it used."""
    made = Run(renamed, bucketed, schema="" if engine is InGoogleSQL else "published")
    sessions: list[InDuckDB | InGoogleSQL] = [engine(renamed.shapes, renamed.contents)]

    def publish(stem: str, query: exp.Query) -> Session:
        shape = published_shape(made.inputs)
        shapes = {**renamed.shapes, stem: shape, STAGED: shape}
        rows = sessions[0].rows(query)
        sessions.append(engine(shapes, with_published(renamed, rows, stem)))
        return sessions[-1]

    return made.of(sessions[0], publish), sessions


@cache
def expected(variant: str, *, bucketed: bool) -> Any:
    return run(Renamed(variant), InDuckDB, bucketed=bucketed)[0]


@cache
def internal_names() -> tuple[str, ...]:
    """Return every alias and CTE of all queries of the variants, without the user's names."""
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


def turns() -> Iterator[Tried]:
    """All positions filled at once, then moved on by one name: each name stands once in each position.

    A name that is made of two of the dataset's (`goods__item`) stands alone, because it is internal only
    while those two are there. Each variant begins with the other way of numbering rows.
    """
    plain = [name for name in internal_names() if "__" not in name]
    made_of_two = [name for name in internal_names() if "__" in name]
    for number, variant in enumerate(VARIANTS):
        for first in range(len(plain)):
            names = {
                position: plain[(first + place) % len(plain)] for place, position in enumerate(POSITIONS)
            }
            yield Renamed(variant, names), (number + first) % 2 == 0
        for name in made_of_two:
            for place, position in enumerate(POSITIONS):
                yield Renamed(variant, {position: name}), (number + place) % 2 == 0


@cache
def tried() -> tuple[Tried, ...]:
    """All turns; without `DATASET_ASSETS_PROVE` a few of each kind."""
    every = tuple(turns())
    return every if PROVE else every[::53]


def found_on(engine: Engine, renamed: Renamed, *, bucketed: bool) -> Any:
    """Return the results of a run, or the error with which an engine refuses a query."""
    try:
        return run(renamed, engine, bucketed=bucketed)[0]
    except (duckdb.Error, ServerError) as error:
        return str(error)


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


def test_every_name_comes_into_every_position():
    met = {(variant.variant, *pair[::-1]) for variant, _ in turns() for pair in variant.names.items()}
    assert met == set(product(VARIANTS, internal_names(), POSITIONS))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_name_of_the_user_is_captured(part):
    captured = []
    for renamed, bucketed in tried()[part::PARTS]:
        found = found_on(InDuckDB, renamed, bucketed=bucketed)
        if found != expected(renamed.variant, bucketed=bucketed):
            captured.append((renamed, found))
    assert captured == []


@pytest.mark.parametrize("part", range(PARTS))
def test_google_s_analyzer_takes_every_query(part):
    """To analyze a query takes longer than to run it: without `DATASET_ASSETS_PROVE` a fourth is tried."""
    refused = []
    for renamed, bucketed in tried()[part :: PARTS if PROVE else 4 * PARTS]:
        found = found_on(Analysed, renamed, bucketed=bucketed)
        if found != expected(renamed.variant, bucketed=bucketed):
            refused.append((renamed, found))
    assert refused == []


def test_google_s_evaluator_finds_the_same():
    """What is read from its answers is compared: GoogleSQL writes a decimal `1`, DuckDB `1.000000000`."""
    for each, bucketed in tried()[:: 29 if PROVE else 6]:
        names = {position: name for position, name in each.names.items() if position != "stem"}
        found, _ = run(Renamed(each.variant, names), InGoogleSQL, bucketed=bucketed)
        assert found == expected(each.variant, bucketed=bucketed), names


@pytest.mark.parametrize("names", [("Revenue_Rank", "TIMES", "Date_Filtered", "Numbered", "Top_Products")])
@pytest.mark.parametrize("moved", range(5 if PROVE else 1))
def test_case_does_not_matter(names, moved):
    positions = ["main", "alias", "filter_column", "key", "extra_column"]
    chosen = dict(zip(positions, names[moved:] + names[:moved], strict=True))
    found, _ = run(Renamed("filtered", chosen), InDuckDB, bucketed=False)
    assert found == expected("filtered", bucketed=False)


def test_a_taken_name_gets_the_first_free_number():
    names = Names.beside(["Times", "times_2", "other"])
    assert [names.free(each) for each in ("times", "keys", "OTHER")] == ["times_3", "keys", "OTHER_2"]
    assert names.and_beside(["keys"]).free("keys") == "keys_2"
