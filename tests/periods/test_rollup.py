"""Rollup: the cadences that nest, and those that are refused."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dataset_assets.errors import PeriodError
from dataset_assets.periods.cadence import Cadence, Calendars
from dataset_assets.periods.rollup import parts, rollup

CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "corporate": {"type": "fiscal", "start_month": 4, "year_label": "ending"},
            "odd": {"type": "fiscal", "start_month": 2, "year_label": "starting"},
            "shop": {"type": "retail"},
            "berlin": {"type": "standard", "zone": "Europe/Berlin"},
        }
    }
)
cadences = st.sampled_from(list(CALENDARS.cadences.values()))
dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))

GOOD = [
    ("day", "2026-01-31", "week", "2026-W05"),
    ("day", "2026-01-31", "month", "2026-01"),
    ("month", "2026-01", "quarter", "2026-Q1"),
    ("quarter", "2026-Q4", "year", "2026"),
    ("month", "2026-01", "year", "2026"),
    ("month", "2026-01", "month", "2026-01"),
    ("day", "2026-01-31", "corporate.quarter", "FY2026-Q4"),
    ("month", "2026-05", "corporate.quarter", "FY2027-Q1"),
    ("quarter", "2026-Q1", "corporate.year", "FY2026"),
    ("corporate.month", "FY2026-M01", "corporate.quarter", "FY2026-Q1"),
    ("corporate.quarter", "FY2026-Q4", "year", "2026"),
    ("month", "2026-01", "odd.quarter", "FY2025-Q4"),
    ("day", "2024-02-03", "shop.week", "RY2023-W53"),
    ("shop.week", "RY2023-W53", "shop.month", "RY2023-M12"),
    ("shop.month", "RY2023-M12", "shop.quarter", "RY2023-Q4"),
    ("shop.quarter", "RY2023-Q4", "shop.year", "RY2023"),
    ("berlin.day", "2026-03-29", "berlin.month", "2026-03"),
]
BAD = [
    ("week", "2026-W20", "month"),  # lies inside May, and still weeks do not roll into months
    ("week", "2026-W20", "quarter"),
    ("week", "2026-W20", "year"),
    ("week", "2026-W20", "corporate.year"),
    ("week", "2026-W20", "shop.week"),
    ("shop.week", "RY2026-W01", "month"),
    ("shop.month", "RY2026-M01", "year"),
    ("month", "2026-01", "shop.year"),
    ("month", "2026-01", "day"),
    ("year", "2026", "quarter"),
    ("quarter", "2026-Q2", "odd.year"),
    ("year", "2026", "corporate.year"),
    ("day", "2026-01-31", "berlin.month"),
    ("berlin.month", "2026-01", "year"),
]


@pytest.mark.parametrize(("finer", "text", "coarser", "expected"), GOOD)
def test_rollups(finer: str, text: str, coarser: str, expected: str) -> None:
    period = CALENDARS.cadence(finer).parse(text)
    whole = rollup(period, CALENDARS.cadence(coarser))
    assert whole == CALENDARS.cadence(coarser).parse(expected)
    assert period in parts(whole, CALENDARS.cadence(finer))


@pytest.mark.parametrize(("finer", "text", "coarser"), BAD)
def test_refused_rollups(finer: str, text: str, coarser: str) -> None:
    period, target = CALENDARS.cadence(finer).parse(text), CALENDARS.cadence(coarser)
    with pytest.raises(PeriodError, match=f"{text} does not roll up to '{coarser}': "):
        rollup(period, target)
    with pytest.raises(PeriodError, match=f" is not made of '{finer}': "):
        parts(target.containing(period.start_date), CALENDARS.cadence(finer))


def test_a_refusal_names_the_reason() -> None:
    month = CALENDARS.cadence("month").parse("2026-01")
    with pytest.raises(
        PeriodError, match=r"zones differ \(UTC and Europe/Berlin\); use calendars of one zone"
    ):
        rollup(month, CALENDARS.cadence("berlin.year"))
    with pytest.raises(PeriodError, match="do not nest; days roll into all"):
        rollup(month, CALENDARS.cadence("week"))


# Most pairs of cadences do not roll up, which other tests look at: those are drawn and passed over.
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(cadences, cadences, dates)
def test_a_rollup_consists_of_its_parts(finer: Cadence, coarser: Cadence, day: date) -> None:
    period = finer.containing(day)
    try:
        whole = rollup(period, coarser)
    except PeriodError:
        assume(False)
    assert whole.start <= period.start < period.end <= whole.end
    pieces = parts(whole, finer)
    assert period in pieces
    assert (pieces[0].start, pieces[-1].end) == (whole.start, whole.end)
    assert all(before.end == after.start for before, after in pairwise(pieces))
    assert all(rollup(piece, coarser) == whole for piece in pieces)


@settings(deadline=None)
@given(cadences, cadences)
def test_refused_cadences_do_not_nest(finer: Cadence, coarser: Cadence) -> None:
    try:
        rollup(finer.containing(date(2026, 1, 1)), coarser)
    except PeriodError:
        starts = {period.start for period in finer.covering(date(2018, 1, 1), date(2026, 1, 1))}
        wholes = coarser.covering(date(2020, 1, 1), date(2024, 1, 1))
        assert not starts.issuperset(period.start for period in wholes)
