"""Loads with a known answer, on each engine: a case of the documentation each (docs/bitemporal.md)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

from sqlglot import exp, parse_one

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import Fault
from dataset_assets.periods.cadence import Calendars
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.rows.valid_time import Snapshot, validity
from dataset_assets.sql.build import assemble, column, table, text
from dataset_assets.sql.nodes import ClockTime
from dataset_assets.sql.where.where import parse_where
from tests.engines.engine_fixtures import Bench, on_duckdb
from tests.rows.bitemporal_oracle import Raw
from tests.rows.bitemporal_table import COLUMNS, KEY, SOURCE, BitemporalTable

P1, P2, P3 = "2026-01", "2026-02", "2026-03"
OPEN = None


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


BEGIN = year(2020)
"""Since when values are valid that have no other begin."""


def raw(value: str | None, begin: datetime = BEGIN, end: datetime | None = OPEN, key: Any = (1, "x")) -> Raw:
    return Raw(key, (value, None), begin, end)


def known(data: BitemporalTable) -> list[tuple[Any, ...]]:
    """The rows in the order of key and Periods: key, value, first Period, end of Periods."""
    rows = [(row.segment.key[0], row.segment.value[0], row.period_from, row.period_to) for row in data.rows()]
    return sorted(rows, key=lambda row: (row[0], row[2]))


def valid(data: BitemporalTable) -> set[tuple[Any, ...]]:
    """The rows with the years of their valid time: value, begin, end, first Period, end of Periods."""
    return {
        (
            row.segment.value[0],
            row.segment.valid_from and row.segment.valid_from.year,
            row.segment.valid_to and row.segment.valid_to.year,
            row.period_from,
            row.period_to,
        )
        for row in data.rows()
    }


def only_row(data: BitemporalTable) -> Mapping[str, Any]:
    rows = list(data.rows().values())
    assert len(rows) == 1
    return rows[0]


def loaded(bench: Bench, *snapshots: Iterable[Raw]) -> BitemporalTable:
    """A table with these snapshots in the Periods of the year, in order."""
    data = BitemporalTable(bench)
    for period, rows in zip((P1, P2, P3), snapshots, strict=False):
        data.load(period, rows)
    return data


def _all(rows: exp.Expr) -> exp.Select:
    return exp.select("*").from_(rows)


def values_as_of(data: BitemporalTable, at: datetime | None, period: str | None) -> list[str | None]:
    """The values of all keys at an instant, as known in a Period."""
    rows = data.bench.rows(_all(BitemporalRead(at, period).rows(data.bench.table("prices"))))
    return sorted((row["v"] for row in rows), key=str)


def test_null_then_a_value_then_null(bench: Bench) -> None:
    data = loaded(bench, [raw(None)], [raw("a")], [raw(None)])
    assert known(data) == [(1, None, P1, P2), (1, "a", P2, P3), (1, None, P3, None)]


def test_a_key_with_a_null_part_that_is_loaded_three_times(bench: Bench) -> None:
    rows = [raw("a", key=(1, None)), raw("b", key=(1, ""))]
    data = loaded(bench, rows)
    first = data.rows()
    for period in (P2, P3):
        data.load(period, rows)
    assert data.rows() == first
    assert len(first) == 2


def test_a_naive_time_of_a_zone_and_a_deletion_ten_minutes_after_midnight(bench: Bench) -> None:
    """01:10 in Berlin is ten minutes after midnight in UTC, in winter; one second later is not valid."""
    data = BitemporalTable(bench)
    midnight = datetime(2026, 1, 15, tzinfo=UTC)
    ended = midnight.replace(minute=10)
    data.load(P1, [raw("a", midnight)])
    local = exp.cast(text("2026-01-15 01:10:00"), "TIMESTAMP")
    zoned = ClockTime(this=local, zone=text("Europe/Berlin"))
    source = data.bench.hold(SOURCE, [(1, "x", "a", None, midnight, None)])
    names = [column(each) for each in SOURCE if each != "ended"]
    data.load_query(P2, exp.select(*names, exp.alias_(zoned, "ended")).from_(source))
    assert {(row.segment.valid_to, row.period_from, row.period_to) for row in data.rows()} == {
        (None, P1, P2),
        (ended, P2, None),
    }
    assert values_as_of(data, ended.replace(minute=9, second=59), P2) == ["a"]
    assert values_as_of(data, ended, P2) == []
    assert values_as_of(data, ended, P1) == ["a"]


def test_there_gone_and_there_again(bench: Bench) -> None:
    data = loaded(bench, [raw("a")], [], [raw("a")])
    assert known(data) == [(1, "a", P1, P2), (1, "a", P3, None)]
    assert len({values["_row_id"] for values in data.rows().values()}) == 2


def test_a_row_that_is_there_twice_and_then_once(bench: Bench) -> None:
    data = loaded(bench, [raw("a"), raw("a")])
    first = data.rows()
    data.load(P2, [raw("a")])
    assert data.rows() == first
    assert known(data) == [(1, "a", P1, None)]


def test_a_null_followed_by_a_value_is_read_as_of_the_first_load(bench: Bench) -> None:
    data = loaded(bench, [raw(None)], [raw("b")])
    assert values_as_of(data, year(2026), P1) == [None]
    assert values_as_of(data, year(2026), P2) == ["b"]
    assert values_as_of(data, year(2019), P1) == []


def test_the_second_of_three_periods_is_loaded_anew(bench: Bench) -> None:
    """The new snapshot of P2 replaces that of P2 and no other; the row of P1 and P2 is two rows then."""
    data = loaded(bench, [raw("a")], [raw("a")], [raw("a")])
    before = only_row(data)
    data.load(P2, [raw("b")])
    assert known(data) == [(1, "a", P1, P2), (1, "b", P2, P3), (1, "a", P3, None)]
    rows = sorted(data.rows().values(), key=lambda row: row["_period_from"])
    first, second, third = rows
    assert first == {**before, "_period_to": P2, "_updated_at": data.instant}
    assert second["_created_at"] == third["_created_at"] == data.instant
    data.load(P2, [raw("a")])
    assert only_row(data) == {**before, "_updated_at": data.instant}


def test_a_language_that_is_changed_and_changed_back(bench: Bench) -> None:
    data = loaded(bench, [raw("en")], [raw("es")], [raw("en")])
    assert known(data) == [(1, "en", P1, P2), (1, "es", P2, P3), (1, "en", P3, None)]
    assert [values_as_of(data, year(2026), period) for period in (P1, P2, P3)] == [["en"], ["es"], ["en"]]


def test_an_interval_that_is_corrected_from_its_middle_on(bench: Bench) -> None:
    data = loaded(
        bench,
        [raw("a", year(2010), year(2040))],
        [raw("a", year(2010), year(2020)), raw("b", year(2020), year(2040))],
    )
    assert valid(data) == {
        ("a", 2010, 2040, P1, P2),
        ("a", 2010, 2020, P2, None),
        ("b", 2020, 2040, P2, None),
    }
    assert values_as_of(data, year(2030), P1) == ["a"]
    assert values_as_of(data, year(2030), P2) == ["b"]


def test_a_deletion_by_a_condition_that_is_null_for_a_row(bench: Bench) -> None:
    """`n > 1` over 1, NULL and 3 deletes one row: a row for which the condition is NULL is not touched."""
    rows = [Raw((place, "x"), ("a", n), BEGIN, None) for place, n in enumerate((1, None, 3))]
    data = loaded(bench, rows)
    condition = parse_where("n > 1", {"n": "integer"}).condition()
    stays = exp.not_(exp.Coalesce(this=exp.paren(condition), expressions=[exp.false()]))
    data.load(P2, rows, where=stays)
    found = {(row.segment.value[1], row.period_to) for row in data.rows()}
    assert found == {(1, None), (None, None), (3, P2)}


def test_each_case_of_the_design(bench: Bench) -> None:
    """Insert, change from a date on, deletion from a date on, retraction, resurrection, in one history."""
    kept = raw("kept", key=(0, "x"))
    data = loaded(bench, [kept, raw("a", year(2021))])
    data.load(P2, [kept, raw("a", year(2021), year(2023)), raw("b", year(2023))])
    assert valid(data) - {("kept", 2020, None, P1, None)} == {
        ("a", 2021, None, P1, P2),
        ("a", 2021, 2023, P2, None),
        ("b", 2023, None, P2, None),
    }
    data.load(P3, [kept, raw("a", year(2021), year(2023)), raw("b", year(2023), year(2025))])
    data.load("2026-04", [kept])
    data.load("2026-05", [kept, raw("b", year(2026))])
    assert valid(data) == {
        ("kept", 2020, None, P1, None),
        ("a", 2021, None, P1, P2),
        ("a", 2021, 2023, P2, "2026-04"),
        ("b", 2023, None, P2, P3),
        ("b", 2023, 2025, P3, "2026-04"),
        ("b", 2026, None, "2026-05", None),
    }
    assert not any(values["_deleted"] for values in data.rows().values())


def test_loads_in_every_order_give_the_same_rows(bench: Bench) -> None:
    snapshots = {P1: [raw("a")], P2: [raw("b", key=(1, None))], P3: [raw("a"), raw("b", key=(1, None))]}
    tables = []
    for order in permutations(snapshots):
        data = BitemporalTable(bench)
        for period in order:
            data.load(period, snapshots[period])
        tables.append(set(data.rows()))
    assert all(each == tables[0] for each in tables)


def test_an_empty_load_is_remembered_although_no_row_tells_of_it(bench: Bench) -> None:
    data = BitemporalTable(bench)
    for period, rows in ((P3, [raw("a")]), (P2, []), (P1, [raw("a")])):
        data.load(period, rows)
    assert known(data) == [(1, "a", P1, P2), (1, "a", P3, None)]


def test_both_parts_of_a_split_row_keep_what_people_changed(bench: Bench) -> None:
    data = loaded(bench, [raw("a")], [raw("a")], [raw("a")])
    labels = parse_one("[STRUCT('ok' AS key, 'yes' AS value)]", dialect="bigquery")
    changes: dict[str, object] = {"_labels": labels, "_deleted": True}
    data.bench.write(exp.update(data.bench.table("prices"), changes, where="h = 1"))
    data.load(P2, [])
    assert known(data) == [(1, "a", P1, P2), (1, "a", P3, None)]
    for values in data.rows().values():
        assert values["_deleted"]
        assert values["_labels"] == [{"key": "ok", "value": "yes"}]


def test_values_of_every_type_and_columns_with_the_names_of_our_own_parts(bench: Bench) -> None:
    """Of two keys with NULL in every column, and two with values, one is changed in its last column."""
    names = ("parts", "covering", "added", "neighbours", "numbered", "joined_rows")
    kinds = ("integer", "string", "decimal", "boolean", "date", "timestamp")
    columns = tuple(ColumnDef(name=name, type=kind) for name, kind in zip(names, kinds, strict=True))
    times = {"begun": ColumnType.TIMESTAMP, "ended": ColumnType.TIMESTAMP}
    declared = {**{each.name: each.type for each in columns}, **times}
    moment = datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    values = ("|s1:a", Decimal("-0.000000001"), False, date(1, 1, 1), moment)
    rows: list[tuple[Any, ...]] = [
        (None, *[None] * 5, BEGIN, None),
        (1, *[None] * 5, BEGIN, None),
        (2, *values, BEGIN, None),
        (3, *values, BEGIN, None),
    ]
    data = BitemporalTable(bench, columns=columns, key=names[:1])
    for period in (P1, P2):
        data.load_query(period, exp.select("*").from_(bench.hold(declared, rows)))
    rows[3] = (*rows[3][:5], moment.replace(microsecond=2), BEGIN, None)
    data.load_query(P3, exp.select("*").from_(bench.hold(declared, rows)))
    found = bench.rows(exp.select("*").from_(data.source()))
    assert sorted((str(row["parts"]), row["_period_from"], str(row["_period_to"])) for row in found) == [
        ("1", P1, "None"),
        ("2", P1, "None"),
        ("3", P1, P3),
        ("3", P3, "None"),
        ("None", P1, "None"),
    ]
    assert {tuple(row[name] for name in names) for row in found} == {row[:6] for row in rows} | {(3, *values)}


def test_a_validity_of_dates_and_one_of_the_period_itself(bench: Bench) -> None:
    """A date is its midnight in UTC; a Period has its own zone; a row without an end column is open."""
    calendars = Calendars.model_validate(
        {"calendars": {"shop": {"type": "standard", "zone": "Europe/Berlin"}}}
    )
    period = calendars.cadence("shop.month").parse(P1)
    begun, ended = (ColumnDef(name=name, type="date") for name in ("begun", "ended"))
    days = bench.hold({"begun": begun.type, "ended": ended.type}, [(date(2026, 3, 29), None)])
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    month = (datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 31, 23, tzinfo=UTC))
    for columns, expected in (
        ((begun, ended), (midnight, None)),
        ((begun, None), (midnight, None)),
        ((ended, begun), (None, midnight)),
        ((None, None), month),
    ):
        ends = validity(period, *columns)
        named = (exp.alias_(value, name) for value, name in zip(ends, ("a", "b"), strict=True))
        assert bench.rows(exp.select(*named).from_(days)) == [dict(zip(("a", "b"), expected, strict=True))]


def test_a_read_without_a_period_is_of_the_last_load(bench: Bench) -> None:
    data = loaded(bench, [raw("a")], [raw("b", year(2021), year(2022)), raw("c", year(2022))])
    assert values_as_of(data, None, None) == ["b", "c"]
    assert values_as_of(data, year(2022), None) == ["c"]
    assert values_as_of(data, year(2022), "2026-12") == ["c"]
    assert values_as_of(data, year(2022), "2025-12") == []
    data.bench.write(exp.update(data.bench.table("prices"), {"_deleted": True}, where="v = 'c'"))
    assert values_as_of(data, None, None) == ["b"]


def test_the_history_of_a_key_has_what_was_said_of_it_in_order(bench: Bench) -> None:
    other = raw("other", key=(2, None))
    data = loaded(bench, [raw("a"), other], [other], [raw("a", year(2022)), raw("b", year(2021), year(2022))])
    key = parse_where("h = 1", {"h": "integer"}).condition()
    read = BitemporalRead(history=True)
    order = [exp.Ordered(this=exp.column(name), nulls_first=True) for name in read.order]
    said = _all(read.rows(data.bench.table("prices"))).where(key).order_by(*order)
    rows = data.bench.rows(said)
    assert [(row["v"], row["_period_from"], row["_period_to"]) for row in rows] == [
        ("a", P1, P2),
        ("b", P3, None),
        ("a", P3, None),
    ]


def test_new_rows_are_numbered_alike_by_bucket_and_at_once(bench: Bench) -> None:
    rows = [raw("a", key=(number, part)) for number in range(4) for part in (None, "x")]
    ids = []
    for bucketed in (False, True):
        data = BitemporalTable(bench, bucketed=bucketed)
        data.load(P1, rows)
        ids.append({row: values["_row_id"] for row, values in data.rows().items()})
    assert ids[0] == ids[1]


def faults(bench: Bench, *rows: Raw, sensitive: str = "") -> list[Fault]:
    """The faults of a snapshot, as a load finds them before it publishes."""
    values = [(*each.key, *each.value, each.valid_from, each.valid_to) for each in rows]
    columns = tuple(each.model_copy(update={"sensitive": each.name == sensitive}) for each in COLUMNS)
    snapshot = Snapshot(bench.hold(SOURCE, values), columns, KEY, column("begun"), column("ended"))
    *ctes, last = snapshot.segments()
    unusable = bench.rows(snapshot.unusable())
    segments = table(last.name)
    overlaps = [] if unusable else bench.rows(assemble((*ctes, last), snapshot.overlaps(segments)))
    return snapshot.faults(unusable, overlaps)


def messages(found: Iterable[Fault]) -> list[str]:
    return [each.message for each in found]


def test_values_of_one_key_that_overlap(bench: Bench) -> None:
    rows = (
        raw("a", year(2010), year(2040)),
        raw("a", year(2011), year(2012)),
        raw("b", year(2013), year(2014)),
        raw("b", year(2010), year(2040), key=(1, "y")),
        raw(None, year(2040), key=(1, "x")),
    )
    both = "[2010-01-01T00:00:00+00:00, 2040-01-01T00:00:00+00:00) and [2013-01-01T00:00:00+00:00, 2014-01-01"
    sentence = f"h 1, k 'x': different values are valid in {both}T00:00:00+00:00), which overlap"
    assert messages(faults(bench, *rows)) == [sentence]


def test_an_open_value_overlaps_all_later_ones_of_its_key_even_null(bench: Bench) -> None:
    found = faults(bench, raw("a", key=(1, None)), raw(None, year(2030), key=(1, None)), sensitive="k")
    both = "[2020-01-01T00:00:00+00:00, open) and [2030-01-01T00:00:00+00:00, open)"
    assert messages(found) == [f"h 1: different values are valid in {both}, which overlap"]
    assert found[0].hint == (
        "two values of one key may not be true at the same time: end the first where the second begins"
    )


def test_a_validity_without_begin_and_an_empty_one(bench: Bench) -> None:
    unbegun = Raw((1, None), ("a", 1), None, year(2021))
    found = faults(
        bench, unbegun, raw("a", year(2020), year(2020)), raw("a", year(2022), year(2021)), raw("a")
    )
    assert messages(found) == [
        "h 1, k empty: the validity [NULL, 2021-01-01T00:00:00+00:00) has no begin",
        "h 1, k 'x': the validity [2020-01-01T00:00:00+00:00, 2020-01-01T00:00:00+00:00) is empty",
        "h 1, k 'x': the validity [2022-01-01T00:00:00+00:00, 2021-01-01T00:00:00+00:00) is empty",
    ]


def test_a_validity_beyond_what_every_engine_can_store() -> None:
    with on_duckdb() as bench:
        for begin, end in (
            ("'12000-01-01'", "NULL"),
            ("'2020-01-01'", "'12000-01-01'"),
            ("'0044-03-15 (BC)'", "NULL"),
            ("'-infinity'", "'2020-01-01'"),
            ("'2020-01-01'", "'infinity'"),
        ):
            ends = f"{begin}::TIMESTAMPTZ AS begun, {end}::TIMESTAMPTZ AS ended"
            source = parse_one(f"SELECT 1 AS h, 'x' AS k, 'a' AS v, 1 AS n, {ends}", dialect="duckdb")
            assert isinstance(source, exp.Select)
            far = Snapshot(source.subquery("given"), COLUMNS, KEY, column("begun"), column("ended"))
            sentence = "h 1, k 'x': the validity is not within the years 1 to 9999"
            assert messages(far.faults(bench.rows(far.unusable()), [])) == [sentence]


def test_the_first_faults_are_shown_and_the_others_counted(bench: Bench) -> None:
    found = faults(bench, *(raw("a", BEGIN, BEGIN, key=(number, "x")) for number in range(9)))
    assert messages(found)[0].startswith("h 0, k 'x': the validity")
    assert messages(found)[5:] == ["4 more rows are like these"]


def test_touching_values_and_equal_values_that_overlap_are_no_fault(bench: Bench) -> None:
    rows = (raw("a", year(2010), year(2020)), raw("b", year(2020)), raw("b", year(2021), year(2022)))
    assert faults(bench, *rows) == []
    data = loaded(bench, rows)
    assert valid(data) == {("a", 2010, 2020, P1, None), ("b", 2020, None, P1, None)}
