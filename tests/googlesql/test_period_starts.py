"""The begin of a Period in GoogleSQL is that of the calendar in plain Python (BR-134)."""

from datetime import UTC

import pytest

from dataset_assets.sql.build import table
from dataset_assets.sql.dialect import BIGQUERY
from tests.compiler.test_period_starts import ZONES, calendars, expected, start_of_each
from tests.googlesql.googlesql import Analyzer


@pytest.mark.parametrize("zone", ZONES)
def test_some_periods_of_each_cadence(zone: str) -> None:
    analyzer = Analyzer({"ids": {"id": "STRING"}})
    for cadence in calendars(zone).cadences.values():
        known = expected(cadence, most=40)
        sql = BIGQUERY.render(start_of_each(table("ids"), cadence))
        rows = analyzer.evaluate(sql, {"ids": [(each,) for each in known]})
        found = {row["id"]: row["start"] and row["start"].astimezone(UTC) for row in rows}
        assert found == known, cadence.name
