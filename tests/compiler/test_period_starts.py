"""The begin of a Period in SQL is that of the calendar in plain Python, for all cadences in several zones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlglot import exp

from dataset_assets.compiler.period_starts import period_start
from dataset_assets.contract.model import ColumnType
from dataset_assets.periods.cadence import Cadence, Calendars
from dataset_assets.periods.period import Period
from dataset_assets.sql.build import column
from tests.engines.engine_fixtures import on_duckdb

ZONES = (
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",  # clocks skipped midnight until 2018
    "Asia/Kathmandu",  # 5:45, and 5:30 until 1986
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # clocks are put forward by half an hour
    "Pacific/Apia",  # left out 2011-12-30
)
RANGES = (
    (date(1583, 1, 1), date(1584, 2, 1)),
    (date(1985, 12, 1), date(1987, 2, 1)),
    (date(2011, 11, 1), date(2021, 2, 1)),
    (date(9900, 1, 1), date(9901, 2, 1)),
)
"""Dates with years of 52 and 53 weeks, leap years, skipped midnights, and years far away."""


def calendars(zone: str) -> Calendars:
    """Return all families of calendars in a zone, with the years of a fiscal one named in both ways."""
    fiscal = {"type": "fiscal", "zone": zone}
    return Calendars.model_validate(
        {
            "calendars": {
                "standard": {"type": "standard", "zone": zone},
                "ending": {**fiscal, "start_month": 4, "year_label": "ending"},
                "starting": {**fiscal, "start_month": 10, "year_label": "starting"},
                "january": {**fiscal, "start_month": 1, "year_label": "ending"},
                "shops": {"type": "retail", "zone": zone},
            }
        }
    )


def periods(cadence: Cadence) -> Iterator[Period]:
    for first, end in RANGES:
        yield from cadence.covering(first, end)


def start_of_each(ids: exp.Expr, cadence: Cadence) -> exp.Select:
    """Return a query of the begin of the Period of each `id` of a FROM item."""
    start = period_start(column("id"), cadence)
    return exp.select(column("id"), exp.alias_(start, "start")).from_(ids)


def expected(cadence: Cadence, most: int | None = None) -> dict[str | None, datetime | None]:
    """Return the begin of Periods by id, of at most about `most`, and NULL of NULL."""
    found = [*periods(cadence)]
    chosen = found[:: max(1, len(found) // most)] if most else found
    return {None: None} | {each.id: each.start for each in chosen if each.start < each.end}


@pytest.mark.parametrize("zone", ZONES)
def test_each_period_of_each_cadence(zone: str) -> None:
    with on_duckdb() as bench:
        for cadence in calendars(zone).cadences.values():
            known = expected(cadence)
            ids = bench.hold({"id": ColumnType.STRING}, [(each,) for each in known])
            rows = bench.rows(start_of_each(ids, cadence))
            found = {row["id"]: row["start"] and row["start"].astimezone(UTC) for row in rows}
            assert found == known, cadence.name
