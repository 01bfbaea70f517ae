"""Every statistic equals that of plain Python, and sensitive columns show no values (BR-206)."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import BIGQUERY, DIALECTS
from dataset_assets.stats.counting import Counting
from dataset_assets.stats.profile import WIDE
from dataset_assets.stats.query import profile_query
from dataset_assets.stats.statistics import Statistics, ValueRange
from tests.engines.engine_fixtures import on_duckdb
from tests.stats.profiling import expected, profiled, published, shown

T = ColumnType
ALL_TYPES = {
    "text": T.STRING,
    "n": T.INTEGER,
    "value": T.DECIMAL,
    "flag": T.BOOLEAN,
    "day": T.DATE,
    "timestamp": T.TIMESTAMP,
    "split": T.INTEGER,
}
texts = st.sampled_from(["", "a", "ä", "Ärger|n", "😀", "zz", "漢字", "'; --", "A"]) | st.text(
    max_size=3
).filter(lambda text: "\x00" not in text)
integers = st.integers(-5, 60) | st.integers(-(2**63), 2**63 - 1)
decimals = st.decimals(-50, 50, places=2) | st.decimals(-(10**12), 10**12, places=9)
days = st.dates(date(1969, 12, 20), date(1970, 1, 20)) | st.dates(date(1850, 1, 1), date(2200, 1, 1))
NEAR = [datetime(1969, 12, 25), datetime(1970, 3, 25)]  # noqa: DTZ001
FAR = [datetime(1900, 1, 1), datetime(2200, 1, 1)]  # noqa: DTZ001
instants = st.one_of(*(st.datetimes(*bounds, timezones=st.just(UTC)) for bounds in (NEAR, FAR)))
row = st.tuples(
    *(st.none() | each for each in (texts, integers, decimals, st.booleans(), days, instants)),
    st.integers(0, 2),
)


@pytest.mark.parametrize("wide", [WIDE, 0], ids=["column by column", "in one scan"])
def test_every_statistic_equals_that_of_plain_python(bench, wide, monkeypatch):
    monkeypatch.setattr("dataset_assets.stats.profile.WIDE", wide)

    @settings(max_examples=bench.examples(40))
    @given(st.lists(row, max_size=25))
    def holds(rows):
        compare(profiled(bench, ALL_TYPES, rows, "split"), rows)

    holds()


def test_the_last_possible_date(bench):
    """9999-12-31 often means 'valid for ever'; no later day exists that a bin could end at."""
    late = datetime(9999, 12, 31, 23, tzinfo=UTC)
    rows = [("", 1, None, True, each, late, 0) for each in (date.min, date.max)]
    found = profiled(bench, ALL_TYPES, rows, "split").columns
    assert (found["day"].histogram[0].low, found["day"].histogram[-1].high) == ("0001-01-01", "9999-12-31")
    assert [(each.low, each.high) for each in found["timestamp"].timeline] == [("9999-12-31", "9999-12-31")]


def compare(found, rows):
    assert found.row_count == len(rows)
    splits = [each[-1] for each in rows]
    assert found.splits == {
        name: splits.count(code) for code, name in enumerate(("train", "eval", "test")) if code in splits
    }
    for place, (name, kind) in enumerate(ALL_TYPES.items()):
        said = found.columns[name].model_dump(mode="json")
        values = [each[place] for each in rows]
        samples, timeline = said.pop("sample_values"), said.pop("timeline")
        if rows:
            assert said == expected(kind.value, values, splits), name
        known = {shown(value) for value in values if value is not None}
        least = min(1 if said["histogram"] else 3, len(known))
        assert least <= len(set(samples)) == len(samples) <= 3
        assert set(samples) <= known
        if timeline:
            assert sum(each["rows"] for each in timeline) == len(rows) - said["null_count"]


MANY = [(f"t{n % 7}", n % 13, Decimal(n) / 4, None, None, None, n % 2) for n in range(300)]


def test_order_changes_nothing(bench):
    assert profiled(bench, ALL_TYPES, MANY, "split") == profiled(bench, ALL_TYPES, MANY[::-1], "split")


def test_splits_are_listed_in_their_order(bench):
    found = profiled(bench, ALL_TYPES, [(*each[:-1], 2 - each[-1]) for each in MANY], "split")
    assert list(found.splits) == list(found.columns["n"].splits) == ["eval", "test"]


def test_threads_change_nothing():
    found = []
    for threads in (1, 2, 4):
        with on_duckdb(threads=threads) as bench:
            found.append(profiled(bench, ALL_TYPES, MANY, "split"))
    assert found[0] == found[1] == found[2]


def test_no_rows_are_no_error(bench):
    found = profiled(bench, ALL_TYPES, [], "split")
    assert found.row_count == 0
    assert found.columns["n"].cardinality == 0
    assert found.columns["n"].min is None
    assert found.date_range() is None


@pytest.mark.parametrize("name", [name for name in ALL_TYPES if name != "split"])
def test_a_sensitive_column_leaves_no_trace_of_its_values(bench, name, monkeypatch):
    secret = (
        "s3cr3t",
        987654321,
        Decimal("98765.4321"),
        True,
        date(1987, 6, 5),
        datetime(1987, 6, 5, tzinfo=UTC),
    )
    plain = ("plain", 1, Decimal(1), False, date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC))
    place = list(ALL_TYPES).index(name)
    held = tuple(secret[at] if at == place else value for at, value in enumerate(plain))
    rows = [(*held, 0), (*plain[:place], None, *plain[place + 1 :], 1)]
    answers, answer = [], bench.session.rows
    monkeypatch.setattr(bench.session, "rows", lambda query: answers.extend(answer(query)) or answers)
    told_of = published(ALL_TYPES, sensitive={name})
    found = profiled(bench, ALL_TYPES, rows, "split", told_of)
    said = found.columns[name].model_dump(exclude_defaults=True)
    splits = said.pop("splits")
    assert said == {
        "type": ALL_TYPES[name], "sensitive": True, "cardinality": 1, "null_count": 1, "null_percent": 50.0,
    }  # fmt: skip
    assert splits == {
        "train": {"cardinality": 1, "null_percent": 0.0},
        "eval": {"cardinality": 0, "null_percent": 100.0},
    }
    told = found.model_dump_json() + json.dumps(found.table_rows())
    for trace in ("s3cr3t", "98765", "1987"):
        assert trace not in told
    assert not [each for each in answers if each["field"] == place and (each["low"] or each["high"])]


def test_times_are_counted_by_day_and_by_month(bench):
    few = [(datetime(2020, 1, day, 23, 59, 59, tzinfo=UTC),) for day in (30, 31, 31)]
    columns = {"timestamp": T.TIMESTAMP}
    found = profiled(bench, columns, few)
    bars = [(each.low, each.high, each.rows) for each in found.columns["timestamp"].timeline]
    assert bars == [("2020-01-30", "2020-01-31", 1), ("2020-01-31", "2020-02-01", 2)]
    many = [*few, (datetime(2020, 12, 31, tzinfo=UTC),)]
    found = profiled(bench, columns, many)
    bars = [(each.low, each.high, each.rows) for each in found.columns["timestamp"].timeline]
    assert bars == [("2020-01-01", "2020-02-01", 3), ("2020-12-01", "2021-01-01", 1)]
    assert found.date_range() == ValueRange(start="2020-01-30", end="2020-12-31")


def test_further_aggregates_are_answered_in_the_same_query(bench):
    columns = {"n": T.INTEGER}
    extra = {"all_of_it": exp.Sum(this=column("n")), "none": exp.Max(this=exp.null())}
    found = profiled(bench, columns, [(3,), (4,)], extra=extra)
    assert found.extra == {"all_of_it": "7", "none": None}
    assert "extra" not in found.model_dump()


def test_statistics_survive_json(bench):
    rows = [("7", 7, Decimal("7.50"), True, date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), 0)]
    found = profiled(bench, ALL_TYPES, rows, "split")
    assert Statistics.model_validate_json(found.model_dump_json()) == found
    assert found.columns["value"].mean == 7.5
    assert found.columns["value"].median == "7.5"
    assert found.columns["flag"].top_values[0].value is True


def test_the_table_is_for_people(bench):
    columns = {"value": T.DECIMAL}
    rows = [(Decimal("1.50"),), (Decimal(3),), (None,), (None,)]
    found = profiled(bench, columns, rows)
    assert found.table_rows() == [
        {
            "column": "value", "type": "decimal", "cardinality": "2", "nulls %": "50.00", "min": "1.5",
            "max": "3", "mean": "2.25", "median": "2.25", "samples": "1.5, 3",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("wide", [WIDE, 0], ids=["column by column", "in one scan"])
def test_sensitive_identifying_and_plain_columns_beside_each_other(bench, wide, monkeypatch):
    monkeypatch.setattr("dataset_assets.stats.profile.WIDE", wide)
    told_of = [
        PublishedColumn(name, kind, True, sensitive=name in ("day", "n"), identifies=name == "id")
        for name, kind in (ALL_TYPES | {"id": T.INTEGER}).items()
    ]
    rows = [(*each, place % 3) for place, each in enumerate(MANY[:40])]
    found = profiled(bench, ALL_TYPES | {"id": T.INTEGER}, rows, "split", told_of).columns
    assert [(each.name, found[each.name].cardinality) for each in told_of] == [
        ("text", 7), ("n", 13), ("value", 40), ("flag", 0), ("day", 0), ("timestamp", 0), ("split", 2),
        ("id", 3),
    ]  # fmt: skip
    assert (found["n"].min, found["day"].null_count, found["id"].mean, found["id"].max) == (None, 40, None, 2)


def test_a_long_table_is_counted_column_by_column(monkeypatch):
    asked = []
    columns = {f"c{place}": T.INTEGER for place in range(WIDE + 1)}
    monkeypatch.setattr("dataset_assets.stats.profile.FEW_ROWS", 2)
    with on_duckdb() as bench:
        answer = bench.session.rows
        monkeypatch.setattr(bench.session, "rows", lambda query: asked.append(query) or answer(query))
        for rows in (2, 3):
            profiled(bench, columns, [tuple(range(len(columns)))] * rows)
    assert [bool(list(query.find_all(exp.Pivot)) and "_16" in query.sql()) for query in asked] == [
        False, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize("in_one_scan", [False, True])
def test_both_dialects_render_the_query(in_one_scan):
    columns = tuple(published(ALL_TYPES))
    counting = Counting(exp.to_table("p.d.staged_x"), columns, "split", in_one_scan)
    for dialect in DIALECTS.values():
        assert dialect.render(profile_query(counting, {}))


BIGQUERY_COUNTS = """WITH numbers AS (
  SELECT
    0 AS field,
    CAST(staged.revenue AS NUMERIC) AS value,
    COUNT(*) AS n,
    COUNTIF(staged.split = 0) AS n_train,
    COUNTIF(staged.split = 1) AS n_eval,
    COUNTIF(staged.split = 2) AS n_test
  FROM p.d.staged_x AS staged
  GROUP BY
    staged.revenue
), points AS ("""


def test_bigquery_counts_each_column_once():
    counting = Counting(exp.to_table("p.d.staged_x"), tuple(published({"revenue": T.DECIMAL})), "split")
    said = BIGQUERY.render(profile_query(counting, {}))
    assert said.startswith(BIGQUERY_COUNTS)
    assert said.count("p.d.staged_x") == 1
    assert "APPROX" not in said
    assert "FLOAT64" not in said


def test_an_identifier_is_counted_and_listed_and_not_measured(bench):
    columns = {"id": ColumnType.INTEGER, "size": ColumnType.INTEGER}
    rows = [(7, 7), (5, 5), (5, 5), (None, None), (9, 9), (8, 8)]
    told_of = [PublishedColumn(name, kind, True, identifies=name == "id") for name, kind in columns.items()]
    found = profiled(bench, columns, rows, told_of=told_of).columns
    told, measured = found["id"], found["size"]
    assert (told.cardinality, told.null_count, told.min, told.max) == (4, 1, 5, 9)
    assert told.sample_values == (5, 7, 8)
    assert (told.top_values[0].value, told.top_values[0].rows) == (5, 2)
    assert (told.mean, told.median, told.histogram) == (None, None, ())
    assert (measured.mean, measured.median) == (6.8, 7)
