"""Cadences: complete tiling, names, keys, instants, and refused input."""

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dataset_assets.errors import PeriodError
from dataset_assets.periods.cadence import Cadence, Calendars

CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "corporate": {
                "type": "fiscal",
                "start_month": "4",
                "year_label": "ending",
                "zone": "Europe/Berlin",
            },
            "federal": {"type": "fiscal", "start_month": 10, "year_label": "starting"},
            "plain": {"type": "fiscal", "start_month": 1, "year_label": "ending"},
            "shop": {"type": "retail", "zone": "America/New_York"},
            "island": {"type": "standard", "zone": "Pacific/Apia"},
            "rock": {"type": "standard", "zone": "America/St_Johns"},
            "cedar": {"type": "standard", "zone": "Asia/Beirut"},
        }
    }
)
STANDARD = Calendars()
cadences = st.sampled_from(list(CALENDARS.cadences.values()))
dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def cadence(name: str) -> Cadence:
    return CALENDARS.cadence(name)


@pytest.mark.parametrize("name", [name for name in CALENDARS.cadences if not name.endswith("day")])
def test_three_centuries_are_tiled_and_every_name_is_parsed_back(name: str) -> None:
    of = cadence(name)
    periods = of.covering(date(1900, 1, 1), date(2201, 1, 1))
    assert periods[0].start_date <= date(1900, 1, 1)
    assert periods[-1].end_date >= date(2201, 1, 1)
    assert len({period.id for period in periods}) == len({period.key for period in periods}) == len(periods)
    assert sorted(period.id for period in periods) == [period.id for period in periods]
    for before, after in pairwise(periods):
        assert before.end_date == after.start_date
        assert before.start < before.end == after.start
    for period in periods[::17]:
        assert of.parse(period.id) == of.parse(period.key) == of.from_key(period.key) == period


@settings(deadline=None)
@given(cadences, dates)
def test_neighbours_are_adjacent_and_names_are_parsed_back(of: Cadence, day: date) -> None:
    period = of.containing(day)
    assert period.start_date <= day < period.end_date
    assert of.previous(of.next(period)) == period == of.next(of.previous(period))
    assert of.next(period).start == period.end
    assert of.parse(period.id) == of.parse(period.key) == of.from_key(period.key) == period
    assert datetime.strptime(period.key, of.fmt).replace(tzinfo=UTC).date() == period.start_date
    assert str(period) == period.id
    assert pickle.loads(pickle.dumps(period)) == period


@settings(deadline=None)
@given(cadences, instants)
def test_an_instant_lies_in_exactly_the_period_that_contains_it(of: Cadence, instant: datetime) -> None:
    period = of.containing(instant)
    assert period.start <= instant < period.end
    assert of.containing(period.start) == of.containing(period.end - timedelta(microseconds=1)) == period
    assert of.containing(instant.astimezone(ZoneInfo("Asia/Tokyo"))) == period
    assert of.containing(instant.replace(tzinfo=None)) == period


@settings(deadline=None)
@given(cadences, instants, st.timedeltas(timedelta(0), timedelta(days=100)))
def test_covering_agrees_with_brute_force(of: Cadence, start: datetime, length: timedelta) -> None:
    end, probe, touched = start + length, start, []
    while probe < end:
        touched.append(of.containing(probe))
        probe = touched[-1].end
    assert of.covering(start, end) == touched


@pytest.mark.parametrize(
    ("name", "text", "start", "end", "key"),
    [
        ("day", "2026-01-31", "2026-01-31", "2026-02-01", "2026-01-31"),
        ("week", "2026-W05", "2026-01-26", "2026-02-02", "2026-01-26"),
        ("week", "2026-W01", "2025-12-29", "2026-01-05", "2025-12-29"),
        ("week", "2026-W53", "2026-12-28", "2027-01-04", "2026-12-28"),
        ("month", "2024-02", "2024-02-01", "2024-03-01", "2024-02"),
        ("quarter", "2026-Q4", "2026-10-01", "2027-01-01", "2026-10-01"),
        ("year", "2026", "2026-01-01", "2027-01-01", "2026"),
        ("corporate.year", "FY2026", "2025-04-01", "2026-04-01", "2025-04-01"),
        ("corporate.quarter", "FY2018-Q1", "2017-04-01", "2017-07-01", "2017-04-01"),
        ("corporate.month", "FY2026-M12", "2026-03-01", "2026-04-01", "2026-03-01"),
        ("federal.year", "FY2026", "2026-10-01", "2027-10-01", "2026-10-01"),
        ("federal.quarter", "FY2026-Q2", "2027-01-01", "2027-04-01", "2027-01-01"),
        ("plain.year", "FY2026", "2026-01-01", "2027-01-01", "2026-01-01"),
        ("corporate.day", "2026-01-31", "2026-01-31", "2026-02-01", "2026-01-31"),
    ],
)
def test_identifiers(name: str, text: str, start: str, end: str, key: str) -> None:
    period = cadence(name).parse(text)
    found = (period.id, period.start_date.isoformat(), period.end_date.isoformat(), period.key)
    assert found == (text, start, end, key)
    assert (period.grain, period.zone) == (cadence(name).grain, cadence(name).zone)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[
            ("month", text)
            for text in ("2026-1", "2026-13", "2026-00", " 2026-01", "2026-01\n", "202601", "")
        ],
        *[
            ("month", text)
            for text in ("2026-01-01", "2026-M01", "FY2026-M01", "0000-01", "9999-01", "٢٠٢٦-01")
        ],
        *[
            ("week", text)
            for text in ("2026-W54", "2025-W53", "2026-W00", "2026-W5", "2026-w05", "2026-01-27")
        ],
        *[("day", text) for text in ("2026-02-29", "20260131", "2026-1-31", "2026-W05-6")],
        *[("quarter", text) for text in ("2026-Q5", "2026-Q0", "2026Q1", "2017-07", "2026-02-01")],
        *[("year", text) for text in ("26", "02026", "2026-01", "FY2026")],
        *[("corporate.quarter", text) for text in ("2026-Q1", "FY2026-Q5", "fy2026-Q1", "2026-01-02")],
        *[("shop.week", text) for text in ("RY2024-W53", "RY2023-W54", "RY2023-W1")],
    ],
)
def test_a_wrong_identifier_is_refused_with_an_example(name: str, text: str) -> None:
    with pytest.raises(PeriodError) as error:
        cadence(name).parse(text)
    (fault,) = error.value.faults
    example = fault.hint.removeprefix("write it like ").strip("'")
    assert repr(text)[1:-1] in fault.message or text in fault.message
    assert cadence(name).parse(example).id == example


def test_an_id_is_not_a_key() -> None:
    assert cadence("quarter").parse("2026-01-01") == cadence("quarter").parse("2026-Q1")
    with pytest.raises(
        PeriodError, match="'2026-Q1' is not a partition key of 'quarter'; write it like '2026-01-01'"
    ):
        cadence("quarter").from_key("2026-Q1")


@pytest.mark.parametrize("moment", [date(1, 1, 1), date(9999, 12, 31), datetime.max.replace(tzinfo=UTC)])
def test_years_without_four_digits_around_them_are_refused(moment: date) -> None:
    for of in CALENDARS.cadences.values():
        with pytest.raises(
            PeriodError, match=r"has no Period for .*; Periods exist for the years 1001 to 9997"
        ):
            of.containing(moment)


# Source: the calendars that the National Retail Federation publishes.
@pytest.mark.parametrize(
    ("year", "last_day", "weeks"),
    [
        (2006, "2007-02-03", 53),
        (2012, "2013-02-02", 53),
        (2016, "2017-01-28", 52),
        (2017, "2018-02-03", 53),
        (2018, "2019-02-02", 52),
        (2019, "2020-02-01", 52),
        (2020, "2021-01-30", 52),
        (2021, "2022-01-29", 52),
        (2022, "2023-01-28", 52),
        (2023, "2024-02-03", 53),
        (2024, "2025-02-01", 52),
        (2025, "2026-01-31", 52),
    ],
)
def test_published_retail_years(year: int, last_day: str, weeks: int) -> None:
    period = cadence("shop.year").parse(f"RY{year}")
    assert (period.end_date - timedelta(days=1)).isoformat() == last_day
    assert (period.end_date - period.start_date).days == weeks * 7


def test_retail_months_are_four_five_four_weeks_and_the_53rd_belongs_to_the_last() -> None:
    for year, last in ((2023, 5), (2024, 4)):
        months = [cadence("shop.month").parse(f"RY{year}-M{n:02}") for n in range(1, 13)]
        weeks = [(month.end_date - month.start_date).days // 7 for month in months]
        assert weeks == [4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 5, last]
    assert cadence("shop.month").parse("RY2024-M01").start_date == date(2024, 2, 4)
    assert cadence("shop.quarter").parse("RY2024-Q2").start_date == date(2024, 5, 5)
    assert cadence("shop.week").parse("RY2023-W53").start_date == date(2024, 1, 28)


def test_every_day_of_a_53_week_year_is_a_period() -> None:
    shop = cadence("shop.day")
    days = [str(day) for day in shop.covering(date(2024, 1, 27), date(2024, 2, 6))]
    assert days == [(date(2024, 1, 27) + timedelta(days=n)).isoformat() for n in range(10)]


def test_instants_follow_the_clocks_of_the_zone() -> None:
    month = cadence("corporate.month").parse("FY2026-M12")
    assert month.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert month.end == datetime(2026, 3, 31, 22, tzinfo=UTC)
    for text, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
        day = cadence("corporate.day").parse(text)
        assert day.end - day.start == timedelta(hours=hours)


def test_a_midnight_that_clocks_skip_or_repeat() -> None:
    skipped = cadence("cedar.day").parse("2021-03-28")  # 00:00 became 01:00
    assert skipped.start == datetime(2021, 3, 27, 22, tzinfo=UTC)
    assert skipped.end - skipped.start == timedelta(hours=23)
    repeated = cadence("rock.day").parse("2005-10-30")  # at 00:01 clocks went back to 23:01 of the 29th
    assert repeated.start == datetime(2005, 10, 30, 2, 30, tzinfo=UTC)
    late = datetime(2005, 10, 30, 3, tzinfo=UTC)
    assert late.astimezone(ZoneInfo("America/St_Johns")).date() == date(2005, 10, 29)
    assert cadence("rock.day").containing(late) == repeated


def test_a_midnight_inside_a_skip_begins_where_the_skip_ends() -> None:
    toronto = Calendars.model_validate(
        {"calendars": {"old": {"type": "standard", "zone": "America/Toronto"}}}
    )
    day = toronto.cadence("old.day").parse("1919-03-31")  # 23:30 of the 30th became 00:30
    assert day.start == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)


def test_a_date_that_a_zone_left_out_is_empty() -> None:
    days = cadence("island.day")
    left_out = days.parse("2011-12-30")
    assert left_out.start == left_out.end == days.parse("2011-12-31").start == days.parse("2011-12-29").end
    assert days.containing(left_out.start).id == "2011-12-31"
    assert [day.id for day in days.covering(date(2011, 12, 29), date(2012, 1, 1))] == [
        "2011-12-29",
        "2011-12-31",
    ]


def test_between_and_covering_are_half_open() -> None:
    months = STANDARD.cadence("month")
    first = months.parse("2025-11")
    assert [str(period) for period in months.between(first, date(2026, 2, 1))] == [
        "2025-11",
        "2025-12",
        "2026-01",
    ]
    assert months.between(first, first.start) == []
    assert [str(period) for period in months.covering(date(2026, 1, 31), date(2026, 2, 1))] == ["2026-01"]
    assert months.covering(date(2026, 2, 1), date(2026, 2, 1)) == []


def test_the_zone_of_the_grains_without_a_name_can_be_set() -> None:
    settings = {"calendars": {"standard": {"type": "standard", "zone": "Asia/Kolkata"}}}
    month = Calendars.model_validate(settings).cadence("month").parse("2026-01")
    assert month.start == datetime(2025, 12, 31, 18, 30, tzinfo=UTC)
    assert STANDARD.cadence("month").parse("2026-01").start == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("monht", "did you mean 'month'?"),
        ("corprate.quarter", "did you mean 'corporate.quarter'?"),
        ("corporate.week", "known: day, week, month"),
        ("standard.month", "known: day"),
        ("", "known: day"),
    ],
)
def test_an_unknown_grain_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(PeriodError) as error:
        CALENDARS.cadence(name)
    assert hint in str(error.value)
    assert f"'{name}'" in str(error.value)


@pytest.mark.parametrize(
    ("calendar", "complaint"),
    [
        ({"type": "fiscal", "start_month": 4}, "year_label"),
        ({"type": "fiscal", "year_label": "ending"}, "start_month"),
        ({"type": "fiscal", "start_month": 13, "year_label": "ending"}, "start_month"),
        ({"type": "fiscal", "start_month": "04", "year_label": "ending"}, "is not a whole number"),
        ({"type": "fiscal", "start_month": 4, "year_label": "both"}, "'starting' or 'ending'"),
        (
            {"type": "retail", "zone": "Europe/Berln"},
            "'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'",
        ),
        ({"type": "retail", "zone": "../../etc/passwd"}, "is not a time zone"),
        ({"type": "retail", "zone": ""}, "is not a time zone"),
        ({"type": "retail", "zone": "Europe"}, "is not a time zone"),
        ({"type": "retail", "zone": 5}, "zone"),
        ({"type": "retail", "start_month": 2}, "Extra inputs"),
        ({"type": "lunar"}, "'standard', 'fiscal', 'retail'"),
        ({}, "type"),
    ],
)
def test_bad_settings_are_refused(calendar: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint.replace("?", r"\?")):
        Calendars.model_validate({"calendars": {"mine": calendar}})


def test_the_name_standard_is_taken() -> None:
    with pytest.raises(ValidationError, match="must be of type 'standard'"):
        Calendars.model_validate({"calendars": {"standard": {"type": "retail"}}})


def test_the_settings_have_a_json_schema() -> None:
    families = Calendars.model_json_schema()["properties"]["calendars"]["patternProperties"]
    (family,) = families.values()
    assert set(family["discriminator"]["mapping"]) == {"standard", "fiscal", "retail"}
