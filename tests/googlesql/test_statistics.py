"""The query of the statistics resolves in GoogleSQL for every way of counting columns."""

import pytest
from sqlglot import exp

from dataset_assets.adapters.bigquery.computed_once import combined, reading
from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.stats.counting import ANSWER, Counting
from dataset_assets.stats.query import profile_query, scanning_ctes
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.test_resolves import DECLARED

COLUMNS = [PublishedColumn(f"a_{kind.value}", kind, True) for kind in ColumnType]
HIDDEN = [PublishedColumn(f"b_{kind.value}", kind, True, sensitive=True) for kind in ColumnType]
IDS = [PublishedColumn(f"c_{kind.value}", kind, True, identifies=True) for kind in ColumnType]
SPLIT = PublishedColumn("split", ColumnType.INTEGER, nullable=False)


@pytest.mark.parametrize("in_one_scan", [False, True])
@pytest.mark.parametrize("split", [None, "split"])
def test_it_resolves(in_one_scan, split):
    columns = (*COLUMNS, *HIDDEN, *IDS, SPLIT)
    query = profile_query(Counting(exp.to_table("staged"), columns, split, in_one_scan), {})
    tables = {"staged": {each.name: DECLARED[each.type] for each in columns}}
    assert [name for name, _ in Analyzer(tables).analyze(BIGQUERY.render(query))] == list(ANSWER)


@pytest.mark.parametrize("split", [None, "split"])
def test_it_resolves_over_a_table_of_the_counts(split):
    """The counts of all families are in one table, each in a column of its own."""
    columns = (*COLUMNS, *HIDDEN, *IDS, SPLIT)
    counting = Counting(exp.to_table("staged"), columns, split)
    query = profile_query(counting, {"most": exp.Max(this=column("split"))})
    present = {each.alias for each in query.ctes}
    names = [name for name in scanning_ctes(counting) if name in present]
    assert {"extra", "texts", "times"} <= set(names)
    tables = {"staged": {each.name: DECLARED[each.type] for each in columns}}
    counted = dict(Analyzer(tables).analyze(BIGQUERY.render(combined(query, names))))
    assert sorted(counted) == sorted(names)
    found = Analyzer({"counted": counted}).analyze(
        BIGQUERY.render(reading(query, names, exp.to_table("counted")))
    )
    assert [name for name, _ in found] == list(ANSWER)
